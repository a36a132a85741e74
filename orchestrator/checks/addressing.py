"""Checks of the network layer's addresses: VLANs, prefixes, gateways, management addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from orchestrator.checks.addresses import Address, Network, is_usable, nested_pairs, span_of
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, claimed_twice, error, warning
from orchestrator.model.network import Prefix, PrefixRole
from orchestrator.model.room import Sensor, Ups
from orchestrator.model.site import Site
from orchestrator.model.units import Source

MANAGEMENT_ROLES = (PrefixRole.MANAGEMENT, PrefixRole.OUT_OF_BAND)
PLANES = {
    PrefixRole.MANAGEMENT: "management",
    PrefixRole.OUT_OF_BAND: "management",
    PrefixRole.STORAGE: "storage",
    PrefixRole.BACKUP: "backup",
}
"""The plane that a prefix belongs to; the roles that are not here are tenants' and the public's."""


@error("NW003", "A VLAN id is used twice in one region", remedy="Choose a free id.")
def vlan_ids_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require each VLAN id to mean one VLAN per region: the fabric has one table of them."""
    claims = (
        Claim(f"{vlan.region}/{vlan.vlan_id}", f"VLAN {vlan.name}", vlan.source, "vlan_id")
        for vlan in index.site.network.vlans
    )
    yield from claimed_twice("The id", claims)


@error(
    "NW004",
    "Prefixes overlap",
    remedy="Declare the larger one as `parent` of the smaller, or move one of them.",
)
def prefixes_do_not_overlap(index: SiteIndex) -> Iterator[Finding]:
    """Require that prefixes share addresses only as parent and child.

    An overlap that nobody declared is two teams using the same addresses. A prefix's parent is
    the smallest prefix around it.
    """
    prefixes = index.site.network.prefixes
    for outer, inner in nested_pairs([each.prefix for each in prefixes]):
        around, within = prefixes[outer], prefixes[inner]
        if within.parent and within.parent not in index.prefixes:
            continue  # NW002's finding
        if around.prefix != within.prefix and within.parent != around.prefix:
            place = f"{around.source.file}:{around.source.line}"
            named = f"names {within.parent}" if within.parent else "names no parent"
            detail = f"{within.prefix} lies in {around.prefix} ({place}), but {named}."
            yield Finding(detail, within.source.at("prefix"))


@error("NW005", "A prefix is declared twice", remedy="Keep one of them.")
def prefixes_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require each prefix to be declared once in the whole site."""
    claims = (
        Claim(prefix.prefix, f"region {prefix.region}", prefix.source, "prefix")
        for prefix in index.site.network.prefixes
    )
    yield from claimed_twice("The prefix", claims)


@error("NW006", "A prefix is outside its parent", remedy="Correct the prefix or the parent.")
def children_are_inside_parents(index: SiteIndex) -> Iterator[Finding]:
    """Require a child prefix to lie wholly inside its parent, and to be smaller."""
    for prefix in index.site.network.prefixes:
        if prefix.parent and not _is_inside(prefix.prefix, prefix.parent):
            detail = f"{prefix.prefix} is not inside {prefix.parent}."
            yield Finding(detail, prefix.source.at("parent"))


def _is_inside(child: Network, parent: Network) -> bool:
    if child.version != parent.version or child.prefixlen <= parent.prefixlen:
        return False
    (child_first, child_last), (first, last) = span_of(child), span_of(parent)
    return first <= child_first and child_last <= last


@error("NW007", "A gateway is not a host address of its prefix", remedy="Correct the gateway.")
def gateways_are_inside(index: SiteIndex) -> Iterator[Finding]:
    """Require a gateway to be inside its prefix, and neither its network nor broadcast address."""
    for prefix in index.site.network.prefixes:
        if prefix.gateway and not is_usable(prefix.gateway, prefix.prefix):
            detail = f"{prefix.gateway} is no host address of {prefix.prefix}."
            yield Finding(detail, prefix.source.at("gateway"))


@error(
    "NW008",
    "A prefix and its VLAN are in different zones",
    remedy="Give both the same zone.",
)
def prefixes_and_vlans_agree(index: SiteIndex) -> Iterator[Finding]:
    """Require a prefix to be in the zone of the VLAN that carries it.

    Zones are kept apart by their VLANs; a prefix of another zone on it would pass no firewall.
    """
    for prefix in index.site.network.prefixes:
        vlan = index.vlans.get((prefix.region, prefix.vlan)) if prefix.vlan else None
        if vlan and vlan.zone != prefix.zone:
            detail = f"{prefix.prefix} is in {prefix.zone}, and VLAN {vlan.name} is in {vlan.zone}."
            yield Finding(detail, prefix.source.at("zone"))


@dataclass(frozen=True, slots=True)
class _Managed:
    """Something with a management address."""

    what: str
    address: Address
    region: str | None
    source: Source
    field: str


def _managed_things(index: SiteIndex) -> Iterator[_Managed]:
    """Yield everything with a management address but BMCs."""
    site = index.site
    rooms = {room.name: room.region for room in site.room.rooms}
    for device in site.network.devices:
        region = site.region_of_rack(device.rack)
        yield _Managed(device.name, device.address, region, device.source, "address")
    things: tuple[Ups | Sensor, ...] = (*site.room.ups, *site.room.sensors)
    for thing in things:
        if thing.address:
            region = rooms.get(thing.room)
            yield _Managed(thing.name, thing.address, region, thing.source, "address")
    for rack in site.room.racks:
        for number, pdu in enumerate(rack.pdus):
            if pdu.address:
                field, region = f"pdus.{number}.address", rooms.get(rack.room)
                yield _Managed(pdu.name, pdu.address, region, rack.source, field)
    yield from _hosts(site)


def _hosts(site: Site) -> Iterator[_Managed]:
    for server in site.hardware.servers:
        if server.address:
            region = site.region_of_rack(server.rack)
            yield _Managed(server.name, server.address, region, server.source, "address")


@error("NW009", "A management address is used twice", remedy="Choose a free address.")
def management_addresses_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique addresses among BMCs, hosts, network devices, UPSs, PDUs and sensors.

    With two of them on one address, a power command reaches the wrong machine now and then.
    """
    managed = (
        Claim(each.address, each.what, each.source, each.field) for each in _managed_things(index)
    )
    bmcs = (
        Claim(server.bmc.address, f"{server.name}'s BMC", server.source, "bmc.address")
        for server in index.site.hardware.servers
    )
    yield from claimed_twice("The address", chain(managed, bmcs))


@error(
    "NW010",
    "A management address is outside the management networks of its region",
    remedy="Use an address of a `management` or `out-of-band` prefix of the region.",
)
def management_addresses_are_inside(index: SiteIndex) -> Iterator[Finding]:
    """Require devices, hosts, UPSs, PDUs and sensors to be where tenants cannot reach."""
    for thing in _managed_things(index):
        region = thing.region
        if region and not index.addresses(region, *MANAGEMENT_ROLES).holds(thing.address):
            detail = f"{thing.what} has {thing.address}, which is in no such prefix of {region}."
            yield Finding(detail, thing.source.at(thing.field))


@error(
    "NW018",
    "Two planes share a VLAN",
    remedy="Give management, storage, backup and tenants VLANs of their own.",
)
def planes_have_their_own_vlans(index: SiteIndex) -> Iterator[Finding]:
    """Require the prefixes of one VLAN to belong to one plane.

    The planes are management (with out-of-band), storage, backup, and what tenants and the public
    use. GB/T 22239-2019, 8.2.5.1 b: management traffic is apart from tenants' traffic.
    """
    first: dict[tuple[str, str], Prefix] = {}
    for prefix in index.site.network.prefixes:
        if prefix.vlan is None:
            continue
        other = first.setdefault((prefix.region, prefix.vlan), prefix)
        if PLANES.get(other.role) != PLANES.get(prefix.role):
            detail = f"VLAN {prefix.vlan} carries {other.role} ({other.prefix}) and {prefix.role}."
            yield Finding(detail, prefix.source.at("role"))


@warning(
    "NW019",
    "Public addresses are of one family only",
    remedy="Declare a public IPv6 prefix in the same zone and region.",
)
def public_addresses_have_both_families(index: SiteIndex) -> Iterator[Finding]:
    """Expect a zone with public IPv4 addresses in a region to have public IPv6 ones there, too.

    Government portals must be reachable by IPv6 (action plan 中网办发〔2021〕15号). The zone
    firewalls treat both families alike: what is not declared is refused in either.
    """
    public = [p for p in index.site.network.prefixes if p.role is PrefixRole.PUBLIC]
    six = {(p.region, p.zone) for p in public if p.prefix.version == 6}
    for prefix in public:
        if prefix.prefix.version == 4 and (prefix.region, prefix.zone) not in six:
            detail = f"{prefix.region} has {prefix.prefix} in {prefix.zone}, and no IPv6 beside it."
            yield Finding(detail, prefix.source.at("prefix"))


CHECKS: tuple[Check, ...] = (
    vlan_ids_are_unique,
    prefixes_do_not_overlap,
    prefixes_are_unique,
    children_are_inside_parents,
    gateways_are_inside,
    prefixes_and_vlans_agree,
    management_addresses_are_unique,
    management_addresses_are_inside,
    planes_have_their_own_vlans,
    public_addresses_have_both_families,
)
