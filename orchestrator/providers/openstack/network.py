"""Neutron: networks, subnets, routers, and the addresses they are cut from."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Properties
from orchestrator.providers.attributes import (
    Attribute,
    address,
    flag,
    prefix,
    prefixes,
    text,
    texts,
    whole,
)
from orchestrator.providers.openstack.bulk import Bulk, named_id
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME, TAGS
from orchestrator.providers.openstack.interfaces import INTERFACES, interface_ports
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.refusals import ConflictError
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare

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

    def delete(self, made: Made, inputs: Properties) -> None:
        """Delete the subnet, after taking it off the routers that are on it.

        A subnet that is replaced leaves before its router is changed.
        """
        try:
            super().delete(made, inputs)
        except ConflictError:
            self._leave_routers(made.id)
            super().delete(made, inputs)

    def _leave_routers(self, subnet_id: str) -> None:
        network = self.cloud.service("network")
        found = network.pages(
            "/ports",
            "ports",
            fixed_ips=f"subnet_id={subnet_id}",
            fields=["id", "device_id", "device_owner"],
        )
        for port in found:
            if port["device_owner"] in INTERFACES:
                network.put(
                    f"/routers/{port['device_id']}/remove_router_interface",
                    {"subnet_id": subnet_id},
                )
                interface_ports(self.cloud).drop(port["id"])

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
