"""Ironic: a server is a node with its ports, brought to where it can be deployed."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Observed, Properties
from orchestrator.providers.attributes import (
    Attribute,
    flag,
    mapping,
    text,
    text_set,
    whole,
)
from orchestrator.providers.openstack.bmc import Bmcs
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.identity import NAME
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.nic import nic_body, nic_of_port, nics
from orchestrator.providers.openstack.provision import READY, NodeInWork, NodeWatch
from orchestrator.providers.openstack.rest import Rest, Row
from orchestrator.providers.resource_kind import declare

NODE_FIELDS = (
    "uuid,name,driver_info,resource_class,traits,extra,provision_state,maintenance,properties"
)
PORT_FIELDS = "uuid,address,node_uuid,pxe_enabled,local_link_connection"
EXTRA = ("site", "stack", "region", "rack", "unit", "serial", "role", "profile")
"""Attributes that stand in the node's `extra`, so that they are seen where the node is."""
HARDWARE = ("cpu_threads", "memory_gib", "disk_gib", "architecture")
LOGIN = frozenset({"bmc_address", "bmc_user", "bmc_password"})


class ServerKind(ListedKind):
    """A server of the site, in Ironic. Declared hardware facts are Ironic's first guess.

    Inspection replaces them by what the BMC says, so they are not compared afterwards.
    """

    kind = declare(
        "baremetal:Server",
        holds=True,
        write_only={"bmc_password", *HARDWARE},
    )
    attributes: ClassVar = {
        "name": NAME,
        "site": Attribute(read=text, meaning="the owning site", required=True),
        "stack": Attribute(read=text, meaning="the owning stack", required=True),
        "region": Attribute(read=text, meaning="where it stands"),
        "rack": Attribute(read=text, meaning="where it stands"),
        "unit": Attribute(read=whole, meaning="its lowest rack unit"),
        "serial": Attribute(read=text, meaning="the vendor's"),
        "role": Attribute(read=text, meaning="what it is for"),
        "profile": Attribute(read=text, meaning="its hardware profile"),
        "resource_class": Attribute(read=text, meaning="Ironic's", required=True),
        "traits": Attribute(read=text_set, meaning="Ironic's"),
        "bmc_address": Attribute(read=text, meaning="declared address", required=True),
        "bmc_user": Attribute(read=text, meaning="login", required=True),
        "bmc_password": Attribute(read=text, meaning="secret:// reference", required=True),
        "cpu_threads": Attribute(read=whole, meaning="until inspection"),
        "memory_gib": Attribute(read=whole, meaning="until inspection"),
        "disk_gib": Attribute(read=whole, meaning="until inspection"),
        "architecture": Attribute(read=text, meaning="until inspection"),
        "nics": Attribute(read=nics, meaning="`MAC: switch/port`, `pxe` where it boots from it"),
        "available": Attribute(read=flag, meaning="whether it is to be ready for deployment"),
    }
    service = "baremetal"
    path, singular, plural = "/nodes", "node", "nodes"
    fields: ClassVar = {n: n for n in ("name", "resource_class")}

    def __init__(self, cloud: Cloud, bmcs: Bmcs) -> None:
        """Share one watch over all nodes among the threads that wait."""
        super().__init__(cloud)
        self._bmcs = bmcs
        self._watch = NodeWatch(cloud.service("baremetal"))

    @property
    def rows(self) -> Bulk:
        """Return the nodes with the fields that are compared."""
        return self.cloud.bulk(
            "baremetal", self.path, self.plural, id_field="uuid", params={"fields": NODE_FIELDS}
        )

    @property
    def _ports(self) -> Bulk:
        return self.cloud.bulk(
            "baremetal", "/ports", "ports", id_field="uuid", params={"fields": PORT_FIELDS}
        )

    @property
    def _rest(self) -> Rest:
        return self.cloud.service("baremetal")

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say whether the site's mark is on it."""
        return bool(row["extra"].get("site") == inputs["site"])

    def post(self, inputs: Properties) -> Row:
        """Enrol the node; traits and ports follow."""
        info, password = self._bmcs.driver_info(inputs, login=True)
        body = {
            **self.body(inputs, self.fields),
            "driver": "redfish",
            "driver_info": info,
            "properties": _hardware(inputs),
            "extra": {name: inputs[name] for name in EXTRA if name in inputs},
        }
        row: Row = self._rest.post(self.path, body, hide=(password,))
        return {"traits": [], **row, "id": row["uuid"]}

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the node and its ports in the shape of the inputs.

        A node in maintenance is in somebody's hands: whether it is available is not asked.
        """
        info = row["driver_info"]
        seen: dict[str, Json] = {
            **super().properties(row),
            **{name: row["extra"][name] for name in EXTRA if name in row["extra"]},
            "traits": [*sorted(row["traits"])],
            "bmc_address": self._bmcs.declared_address(info),
            "bmc_user": info.get("redfish_username", ""),
            "nics": {
                port["address"]: nic_of_port(port) for port in self._ports_of(str(row["uuid"]))
            },
        }
        if not row["maintenance"]:
            seen["available"] = row["provision_state"] in READY
        return seen

    def find(self, inputs: Properties, *, fresh: bool = False) -> Row | None:
        """Find by name, which is unique in Ironic."""
        row = super().find(inputs, fresh=fresh)
        return None if row is None else {**row, "id": row["uuid"]}

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return those of the ids that exist; their ports are one list more."""
        self._ports.read(max_age_seconds=max_age_seconds)
        return super().observe(ids, max_age_seconds=max_age_seconds)

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the node's fields, its traits, its ports, and then its state."""
        self._patch(resource_id, changed, inputs)
        if "traits" in changed:
            traits = {"traits": inputs["traits"]}
            self._work(resource_id).patiently(
                lambda: self._rest.put(f"/nodes/{resource_id}/traits", traits)
            )
            self._note(resource_id, traits)
        if "nics" in changed and self._state(resource_id) == "available":
            # Ironic lets nobody change the ports of a node that may be deployed any moment.
            self._work(resource_id).take_back()
            changed |= {"available"}
        if "available" in changed and inputs.get("available"):
            self._make_available(resource_id, inputs)
        elif "nics" in changed:
            self._bring_nics(resource_id, inputs)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Take the server out of Ironic, unless something runs on it."""
        row = self.rows.read(max_age_seconds=5).get(made.id)
        if row is None:
            return
        state = row["provision_state"]
        if state in READY and state != "available":
            raise CloudError(
                f"server {row['name']} is {state}: something is deployed on it",
                remedy="Undeploy it first.",
            )
        delete = super().delete
        self._work(made.id).patiently(lambda: delete(made, inputs))

    def _patch(self, node_id: str, changed: frozenset[str], inputs: Properties) -> None:
        values: dict[str, Json] = {f"/{k}": v for k, v in self.body(inputs, changed).items()}
        values |= {
            f"/extra/{name}": inputs[name] for name in EXTRA if name in changed & inputs.keys()
        }
        password = ""
        if changed & LOGIN:
            info, password = self._bmcs.driver_info(inputs, login=True)
            values |= {f"/driver_info/{key}": value for key, value in info.items()}
        if changed & set(HARDWARE):
            values |= {f"/properties/{key}": value for key, value in _hardware(inputs).items()}
        if not values:
            return
        patch = [{"op": "add", "path": path, "value": value} for path, value in values.items()]

        def send() -> None:
            row = self._rest.patch(f"/nodes/{node_id}", patch, hide=(password,) if password else ())
            self._note(node_id, row)

        self._work(node_id).patiently(send)

    def _bring_nics(self, node_id: str, inputs: Properties) -> None:
        declared = mapping(inputs["nics"])
        wanted = {str(k): str(v) for k, v in declared.items()} if isinstance(declared, dict) else {}
        there = {port["address"]: port for port in self._ports_of(node_id)}
        for mac, nic in wanted.items():
            port = there.get(mac)
            if port is None:
                self._add_port(node_id, mac, nic)
            elif nic_of_port(port) != nic:
                self._change_port(port, nic)
        for mac in sorted(there.keys() - wanted.keys()):
            self._rest.delete(f"/ports/{there[mac]['uuid']}")
            self._ports.drop(there[mac]["uuid"])

    def _add_port(self, node_id: str, mac: str, nic: str) -> None:
        body = {"node_uuid": node_id, "address": mac, **nic_body(nic)}
        made = self._rest.once(
            lambda: self._rest.post("/ports", body),
            lambda: self._ports.find(lambda port: port["address"] == mac, fresh=True),
        )
        self._ports.put(made)

    def _change_port(self, port: Row, nic: str) -> None:
        patch = [{"op": "add", "path": f"/{k}", "value": v} for k, v in nic_body(nic).items()]
        self._ports.put(self._rest.patch(f"/ports/{port['uuid']}", patch))

    def _ports_of(self, node_id: str) -> list[Row]:
        ports = self._ports.read(max_age_seconds=float("inf")).values()
        return [port for port in ports if port["node_uuid"] == node_id]

    def _make_available(self, node_id: str, inputs: Properties) -> None:
        """Bring the node to `available`.

        Inspection makes ports for what the BMC tells. They are brought to what is declared after
        it: before, each would be written twice.
        """

        def mend_nics() -> None:
            rows = self._rest.pages("/ports", "ports", node=node_id, fields=PORT_FIELDS)
            for row in rows:
                self._ports.put(row)
            if "nics" in inputs:
                self._bring_nics(node_id, inputs)

        self._work(node_id).make_available(inspected=mend_nics)
        self._note(node_id, {"provision_state": "available"})

    def _state(self, node_id: str) -> str:
        row = self.rows.by_id(node_id)
        return "" if row is None else str(row["provision_state"])

    def _work(self, node_id: str) -> NodeInWork:
        return NodeInWork(self._rest, self._watch, node_id)

    def _note(self, node_id: str, news: Row) -> None:
        row = self.rows.by_id(node_id)
        if row is not None:
            self.rows.put({**row, **news})


def _hardware(inputs: Properties) -> dict[str, Json]:
    """Return the declared hardware as Ironic's properties; its memory is in MiB."""
    memory = inputs.get("memory_gib")
    facts: dict[str, Json] = {
        "cpus": inputs.get("cpu_threads"),
        "memory_mb": memory * 1024 if isinstance(memory, int) else None,
        "local_gb": inputs.get("disk_gib"),
        "cpu_arch": inputs.get("architecture"),
    }
    return {key: value for key, value in facts.items() if value is not None}
