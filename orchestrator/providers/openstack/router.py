"""Neutron's routers."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, text, text_set
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME, TAGS
from orchestrator.providers.openstack.interfaces import INTERFACES, interface_ports
from orchestrator.providers.openstack.network import OF_PROJECT, NeutronKind
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare


class RouterKind(NeutronKind):
    """A router with its gateway and its interfaces."""

    kind = declare("network:Router", holds=True, replace_on={"project_id"})
    attributes: ClassVar = {
        "name": NAME,
        "project_id": OF_PROJECT,
        "external_network": Attribute(read=text, meaning="name of the network it leads to"),
        "subnet_ids": Attribute(read=text_set, meaning="subnets with an interface on it"),
        "description": DESCRIPTION,
        "tags": TAGS,
    }
    path, singular, plural = "/routers", "router", "routers"
    fields: ClassVar = {n: n for n in ("name", "project_id", "description", "tags")}

    def body(self, inputs: Properties, names: Collection[str]) -> dict[str, Json]:
        """Return the fields, with the external network's name turned into its id."""
        body = super().body(inputs, names)
        if ("external_network" in names or "project_id" in names) and "external_network" in inputs:
            # Addresses are routed, not translated: declared flows name the project's own prefix.
            body["external_gateway_info"] = {
                "network_id": self._external(inputs),
                "enable_snat": False,
            }
        return body

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row with the names and interfaces that other lists tell."""
        seen = super().properties(row)
        gateway = row.get("external_gateway_info")
        network = gateway and self._networks.by_id(gateway["network_id"])
        seen["external_network"] = network["name"] if network else ""
        seen["subnet_ids"] = self._interfaces(str(row["id"]))
        return seen

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return those of the ids that exist; their interfaces are one list of ports more."""
        self._ports.read(max_age_seconds=max_age_seconds)
        return super().observe(ids, max_age_seconds=max_age_seconds)

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the fields, then add and take away interfaces."""
        super().change(resource_id, changed, inputs)
        wanted = inputs.get("subnet_ids")
        if "subnet_ids" not in changed or not isinstance(wanted, list):
            return
        there = {str(subnet_id) for subnet_id in self._interfaces(resource_id)}
        for subnet_id in sorted(set(map(str, wanted)) - there):
            self._switch(resource_id, "add_router_interface", subnet_id)
        for subnet_id in sorted(there - set(map(str, wanted))):
            self._switch(resource_id, "remove_router_interface", subnet_id)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Take the interfaces away, then delete the router."""
        ports = self.cloud.service("network").pages(
            "/ports", "ports", device_id=made.id, fields=["device_owner", "fixed_ips"]
        )
        for port in ports:
            if port["device_owner"] in INTERFACES:
                for fixed in port["fixed_ips"]:
                    self._switch(made.id, "remove_router_interface", fixed["subnet_id"])
        super().delete(made, inputs)

    def _switch(self, router_id: str, act: str, subnet_id: str) -> None:
        answer = self.cloud.service("network").put(
            f"{self.path}/{router_id}/{act}", {"subnet_id": subnet_id}
        )
        if act == "add_router_interface":
            port = {"id": answer["port_id"], "device_id": router_id}
            self._ports.put({**port, "fixed_ips": [{"subnet_id": subnet_id}]})
        else:
            self._ports.drop(answer["port_id"])

    def _interfaces(self, router_id: str) -> list[Json]:
        ports = self._ports.read(max_age_seconds=float("inf")).values()
        return [
            *sorted(
                fixed["subnet_id"]
                for port in ports
                if port["device_id"] == router_id
                for fixed in port["fixed_ips"]
            )
        ]

    def _external(self, inputs: Properties) -> str:
        name = inputs["external_network"]
        for fresh in (False, True):
            row = self._networks.find(
                lambda row: row["name"] == name and row["router:external"], fresh=fresh
            )
            if row is not None:
                return str(row["id"])
        raise CloudError(
            f"the cloud has no external network {name}", remedy="Apply the system layer first."
        )

    @property
    def _ports(self) -> Bulk:
        return interface_ports(self.cloud)

    @property
    def _networks(self) -> Bulk:
        return self.cloud.bulk("network", "/networks", "networks")
