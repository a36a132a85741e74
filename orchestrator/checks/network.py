"""Checks of the network layer; those of addresses and flows are in addressing.py and flows.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import (
    Check,
    Claim,
    Finding,
    Known,
    claimed_twice,
    error,
    named_twice,
    warning,
)
from orchestrator.model.network import INTERNET, Prefix, Vlan, Zone
from orchestrator.model.site import RegionKind

_CLASSIFIED_NAME = re.compile(r"(^|[-.])(neiwang|zwnw|shemi|classified|secret)($|[-.])")
_CLASSIFIED_ZH = re.compile(r"(?<!非)涉密|政务内网")
_CLASSIFIED_EN = re.compile(r"\b(?<!non-)(?<!not )classified\b", re.IGNORECASE)


@error("NW001", "Two things in the network have one name", remedy="Rename one of them.")
def network_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names of what the network declares, and of VLANs in a region."""
    network = index.site.network
    for things in (network.zones, network.devices, network.links, network.carriers, network.flows):
        yield from named_twice(things)
    yield from named_twice(network.commitments)
    vlans = (
        Claim(f"{vlan.region}/{vlan.name}", "this VLAN", vlan.source, "name")
        for vlan in network.vlans
    )
    yield from claimed_twice("The name", vlans)


@error(
    "NW002",
    "A reference in the network leads nowhere",
    remedy="Correct the name, or declare the thing.",
)
def network_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every region, zone, VLAN, parent, rack and device that is named to be declared."""
    network = index.site.network
    regions, zones = Known("region", index.regions), Known("zone", index.zones)
    racks, devices = Known("rack", index.site.racks_by_name), Known("device", index.devices)
    far_ends = Known("region", {*index.regions, INTERNET})
    things: tuple[Vlan | Prefix, ...] = (*network.vlans, *network.prefixes)
    for thing in things:
        yield from regions.miss(thing.region, thing.source, "region")
        yield from zones.miss(thing.zone, thing.source, "zone")
    for device in network.devices:
        yield from racks.miss(device.rack, device.source, "rack")
        yield from devices.miss(device.pair, device.source, "pair")
    for carrier in network.carriers:
        yield from regions.miss(carrier.from_region, carrier.source, "from_region")
        yield from far_ends.miss(carrier.to, carrier.source, "to")
    yield from _unresolved_in_prefixes(index)


def _unresolved_in_prefixes(index: SiteIndex) -> Iterator[Finding]:
    for prefix in index.site.network.prefixes:
        if prefix.vlan and (prefix.region, prefix.vlan) not in index.vlans:
            names = [name for region, name in index.vlans if region == prefix.region]
            vlans = Known(f"VLAN of region {prefix.region}", names)
            yield from vlans.miss(prefix.vlan, prefix.source, "vlan")
        if prefix.parent and prefix.parent not in index.prefixes:
            yield Finding(f"No prefix {prefix.parent} is declared.", prefix.source.at("parent"))


@error(
    "NW011",
    "A link's end is not a port of a device",
    remedy="Write `device:port` with a port that the device has.",
)
def link_ends_exist(index: SiteIndex) -> Iterator[Finding]:
    """Require both ends of a link to be `device:port` of a declared device that has the port."""
    for link in index.site.network.links:
        for key, end in (("a", link.a), ("b", link.b)):
            device_name, _, port = end.partition(":")
            device = index.devices.get(device_name)
            if device is None:
                detail = f"No device is called `{device_name}`."
                yield Finding(detail, link.source.at(key), device_name, index.devices)
            elif not port.isdecimal() or not 1 <= int(port) <= device.ports:
                detail = f"{device_name} has ports 1 to {device.ports}, not `{port}`."
                yield Finding(detail, link.source.at(key))


@error("NW012", "Two cables go to one switch port", remedy="Choose a free port.")
def switch_ports_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require each port of a device to take one cable, from a link or from a server."""
    links = (
        Claim(end, f"link {link.name}", link.source, key)
        for link in index.site.network.links
        for key, end in (("a", link.a), ("b", link.b))
    )
    servers = (
        Claim(f"{nic.switch}:{nic.port}", server.name, server.source, f"nics.{number}.port")
        for server in index.site.hardware.servers
        for number, nic in enumerate(server.nics)
    )
    yield from claimed_twice("The port", chain(links, servers))


@error(
    "NW013",
    "A redundant pair is not mutual",
    remedy="Let both devices name each other.",
)
def pairs_are_mutual(index: SiteIndex) -> Iterator[Finding]:
    """Require a device's `pair` to be another device that names it in return."""
    for device in index.site.network.devices:
        other = index.devices.get(device.pair) if device.pair else None
        if other and (other.pair != device.name or other is device):
            answer = f"names {other.pair}" if other.pair else "names nobody"
            detail = f"{device.name} names {other.name}, which {answer}."
            yield Finding(detail, device.source.at("pair"))


@error(
    "NW014",
    "A classified network is modelled",
    remedy="Take it out: this tool and its repository are not allowed to know it.",
)
def no_classified_zone(index: SiteIndex) -> Iterator[Finding]:
    """Refuse a zone of the classified government intranet (政务内网) or of state secrets (涉密).

    It is physically separate from everything here, and must not be described in a system of the
    unclassified network.
    """
    for zone in index.site.network.zones:
        if _is_classified(zone):
            detail = f"Zone {zone.name} ({zone.display.zh}) is by its name a classified network."
            yield Finding(detail, zone.source.at("name"))


def _is_classified(zone: Zone) -> bool:
    return bool(
        _CLASSIFIED_NAME.search(zone.name)
        or _CLASSIFIED_ZH.search(zone.display.zh)
        or _CLASSIFIED_EN.search(zone.display.en)
    )


@error(
    "NW015",
    "A line joins two counties",
    remedy="Lead both counties to the city; traffic between them passes the exchange there.",
)
def counties_are_not_joined(index: SiteIndex) -> Iterator[Finding]:
    """Refuse a carrier's line between two counties.

    Counties connect to the city only, through their declared trunk, so that the city's firewalls
    see everything that passes between them.
    """
    counties = {region.name for region in index.site.regions if region.kind is RegionKind.COUNTY}
    for carrier in index.site.network.carriers:
        if {carrier.from_region, carrier.to} <= counties:
            detail = f"{carrier.name} joins {carrier.from_region} and {carrier.to}."
            yield Finding(detail, carrier.source.at("to"))


@warning(
    "NW016",
    "Two lines share their route",
    remedy="Order one of them on another route.",
)
def carriers_are_diverse(index: SiteIndex) -> Iterator[Finding]:
    """Expect lines between the same two places to take different routes.

    One excavator takes both of them otherwise (GB 50174-2017: diverse routes in grades A and B).
    """
    claims = (
        Claim(
            f"{' - '.join(sorted((carrier.from_region, carrier.to)))}, {carrier.route}",
            carrier.name,
            carrier.source,
            "route",
        )
        for carrier in index.site.network.carriers
    )
    yield from claimed_twice("The route", claims)


CHECKS: tuple[Check, ...] = (
    network_names_are_unique,
    network_references_resolve,
    link_ends_exist,
    switch_ports_are_unique,
    pairs_are_mutual,
    no_classified_zone,
    counties_are_not_joined,
    carriers_are_diverse,
)
