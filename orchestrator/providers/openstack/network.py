"""Neutron: networks, subnets, routers, and the addresses they are cut from."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Observed, Properties
from orchestrator.providers.openstack.attributes import (
    Attribute,
    address,
    flag,
    prefix,
    prefixes,
    text,
    text_set,
    texts,
    whole,
)
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME, TAGS
from orchestrator.providers.openstack.kind import ListedKind, declare
from orchestrator.providers.openstack.rest import Row

INTERFACES = [
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
]
"""Owners of the ports that are a router's interfaces: plain, distributed, highly available."""

OF_PROJECT = Attribute(read=text, meaning="id of its project; absent: the operator's own")


class NeutronKind(ListedKind):
    """What Neutron's objects share: PUT for a change, and tags by a request of their own."""

    service = "network"
    verb = "PUT"
    late: ClassVar[frozenset[str]] = frozenset({"tags"})
    scope: ClassVar[tuple[str, ...]] = ("project_id",)

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the fields, then the tags."""
        super().change(resource_id, changed, inputs)
        if "tags" in changed:
            tags = inputs.get("tags")
            self.cloud.service("network").put(f"{self.path}/{resource_id}/tags", {"tags": tags})
            self.rows.put({**(self.rows.by_id(resource_id) or {"id": resource_id}), "tags": tags})

    def find(self, inputs: Properties, *, fresh: bool = False) -> Row | None:
        """Find by name inside the project, or, for the operator's own things, by name alone."""
        if "project_id" in inputs or "project_id" not in self.scope:
            return super().find(inputs, fresh=fresh)
        row = self.rows.find(
            lambda row: row["name"] == inputs["name"] and self.owned(row, inputs), fresh=fresh
        )
        return row


class NetworkKind(NeutronKind):
    """A network; with `network_type` a provider network, which the physical layer carries."""

    kind = declare(
        "network:Network",
        holds=True,
        replace_on={"project_id", "network_type", "physical_network", "segmentation_id"},
    )
    attributes: ClassVar = {
        "name": NAME,
        "project_id": OF_PROJECT,
        "description": DESCRIPTION,
        "shared": Attribute(read=flag, meaning="whether every project may use it"),
        "external": Attribute(read=flag, meaning="whether routers may lead to it"),
        "network_type": Attribute(read=text, meaning="flat or vlan"),
        "physical_network": Attribute(read=text, meaning="Neutron's name of the wire"),
        "segmentation_id": Attribute(read=whole, meaning="VLAN number"),
        "tags": TAGS,
    }
    path, singular, plural = "/networks", "network", "networks"
    fields: ClassVar = {
        "name": "name",
        "project_id": "project_id",
        "description": "description",
        "shared": "shared",
        "external": "router:external",
        "network_type": "provider:network_type",
        "physical_network": "provider:physical_network",
        "segmentation_id": "provider:segmentation_id",
        "tags": "tags",
    }


class SubnetKind(NeutronKind):
    """A prefix on a network."""

    kind = declare(
        "network:Subnet",
        holds=True,
        replace_on={"project_id", "network_id", "cidr", "ip_version", "subnet_pool"},
    )
    attributes: ClassVar = {
        "name": NAME,
        "project_id": OF_PROJECT,
        "network_id": Attribute(read=text, meaning="id of its network", required=True),
        "cidr": Attribute(read=prefix, meaning="the prefix", required=True),
        "ip_version": Attribute(read=whole, meaning="4 or 6", required=True),
        "gateway_ip": Attribute(read=address, meaning="absent: Neutron takes the first address"),
        "enable_dhcp": Attribute(read=flag, meaning="whether Neutron gives addresses out"),
        "dns_nameservers": Attribute(read=texts, meaning="in order of preference"),
        "subnet_pool": Attribute(read=text, meaning="name of the pool that guards the addresses"),
        "description": DESCRIPTION,
        "tags": TAGS,
    }
    path, singular, plural = "/subnets", "subnet", "subnets"
    fields: ClassVar = {n: n for n in attributes if n != "subnet_pool"}

    def find(self, inputs: Properties, *, fresh: bool = False) -> Row | None:
        """Find by name on the network."""
        return self.rows.find(
            lambda row: (row["name"], row["network_id"]) == (inputs["name"], inputs["network_id"]),
            fresh=fresh,
        )

    def body(self, inputs: Properties, names: Collection[str]) -> dict[str, Json]:
        """Return the fields, with the pool's name turned into its id."""
        body = super().body(inputs, names)
        if "subnet_pool" in inputs and "cidr" in names:
            body["subnetpool_id"] = named_id(self._pools, str(inputs["subnet_pool"]), "subnet pool")
        return body

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row, with the pool's id turned into its name."""
        seen = super().properties(row)
        pool = row.get("subnetpool_id") and self._pools.by_id(row["subnetpool_id"])
        return {**seen, "subnet_pool": pool["name"]} if pool else seen

    @property
    def _pools(self) -> Bulk:
        return self.cloud.bulk("network", "/subnetpools", "subnetpools")


class AddressScopeKind(NeutronKind):
    """An address scope. Neutron gives it neither tags nor a description: its name is the site's."""

    kind = declare("network:AddressScope", holds=True, replace_on={"ip_version"})
    attributes: ClassVar = {
        "name": NAME,
        "ip_version": Attribute(read=whole, meaning="4 or 6", required=True),
        "shared": Attribute(read=flag, meaning="whether every project may use it"),
    }
    path, singular, plural = "/address-scopes", "address_scope", "address_scopes"
    fields: ClassVar = {n: n for n in attributes}
    late = frozenset()
    scope = ()

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say yes: there is nothing but the name to tell."""
        return True


class SubnetPoolKind(NeutronKind):
    """A pool of addresses. Neutron lets it grow, not shrink."""

    kind = declare("network:SubnetPool", holds=True, replace_on={"shared"})
    attributes: ClassVar = {
        "name": NAME,
        "prefixes": Attribute(read=prefixes, meaning="the addresses", required=True),
        "default_prefix_length": Attribute(read=whole, meaning="of a subnet", required=True),
        "address_scope_id": Attribute(read=text, meaning="id of its address scope"),
        "shared": Attribute(read=flag, meaning="whether every project may use it"),
        "description": DESCRIPTION,
        "tags": TAGS,
    }
    path, singular, plural = "/subnetpools", "subnetpool", "subnetpools"
    fields: ClassVar = {n: n for n in attributes} | {"default_prefix_length": "default_prefixlen"}
    scope = ()

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row; Neutron writes this one number as a text."""
        return super().properties({**row, "default_prefixlen": int(row["default_prefixlen"])})


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
            body["external_gateway_info"] = {"network_id": self._external(inputs)}
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
        return self.cloud.bulk(
            "network",
            "/ports",
            "ports",
            params={"device_owner": INTERFACES, "fields": ["id", "device_id", "fixed_ips"]},
        )

    @property
    def _networks(self) -> Bulk:
        return self.cloud.bulk("network", "/networks", "networks")


def named_id(rows: Bulk, name: str, what: str) -> str:
    """Return the id of the object of that name."""
    row = rows.named(name)
    if row is None:
        raise CloudError(f"the cloud has no {what} {name}", remedy="Apply the system layer first.")
    return str(row["id"])
