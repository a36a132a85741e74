"""Checks of the hardware layer: where servers stand, what they hang on, who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.loads import feeds_by_side
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
from orchestrator.model.hardware import Server
from orchestrator.model.network import Device, PrefixRole
from orchestrator.model.room import RoomGrade

_TRAIT = re.compile(r"[A-Z0-9_]{1,255}")


@error("HW001", "Two machines have one name", remedy="Rename one of them.")
def hardware_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names of hardware profiles, and of servers and network devices together.

    Servers and devices share the names of the management network.
    """
    hardware = index.site.hardware
    yield from named_twice(hardware.profiles)
    # One device of each name: those that are there twice are NW001's finding.
    yield from named_twice((*index.devices.values(), *hardware.servers))


@error(
    "HW002",
    "A server refers to something that is not declared",
    remedy="Correct the name, or declare the thing.",
)
def server_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every server's profile, rack and switches to be declared."""
    site = index.site
    profiles = Known("hardware profile", site.profiles_by_name)
    racks = Known("rack", site.racks_by_name)
    devices = Known("device", index.devices)
    for server in site.hardware.servers:
        yield from profiles.miss(server.profile, server.source, "profile")
        yield from racks.miss(server.rack, server.source, "rack")
        for number, nic in enumerate(server.nics):
            yield from devices.miss(nic.switch, server.source, f"nics.{number}.switch")


@error(
    "HW003",
    "Rack units overlap",
    remedy="Move one of them; `unit` is the lowest unit that a machine fills.",
)
def rack_units_do_not_overlap(index: SiteIndex) -> Iterator[Finding]:
    """Require that no two servers or network devices of a rack fill the same unit."""
    for rack_name, rack in index.equipment_by_rack.items():
        below = rack[0]
        for machine in rack[1:]:
            if machine.unit <= below.top_unit:
                detail = (
                    f"{machine.name} from unit {machine.unit} and {below.name} up to unit "
                    f"{below.top_unit} meet in rack {rack_name} "
                    f"({below.source.file}:{below.source.line})."
                )
                yield Finding(detail, machine.source.at("unit"))
            if machine.top_unit > below.top_unit:
                below = machine


@error(
    "HW004",
    "A machine stands outside its rack",
    remedy="Choose a lower unit, or correct the rack's units.",
)
def machines_fit_their_rack(index: SiteIndex) -> Iterator[Finding]:
    """Require a machine's highest unit to be one that its rack has."""
    for rack_name, machines in index.equipment_by_rack.items():
        rack = index.site.racks_by_name.get(rack_name)
        for machine in machines:
            if rack and machine.top_unit > rack.units:
                detail = (
                    f"{machine.name} would end at unit {machine.top_unit}; {rack_name} has "
                    f"{rack.units}."
                )
                yield Finding(detail, machine.source.at("unit"))


@error("HW005", "Two machines have one serial number", remedy="Read it from the label again.")
def serials_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique serial numbers of servers and network devices: they prove who is who."""
    site = index.site
    machines: tuple[Device | Server, ...] = (*site.network.devices, *site.hardware.servers)
    claims = (Claim(machine.serial, machine.name, machine.source, "serial") for machine in machines)
    yield from claimed_twice("The serial number", claims)


@error("HW006", "Two network interfaces have one MAC address", remedy="Read it from the BMC again.")
def macs_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique MAC addresses: deployment tells servers apart by them."""
    claims = (
        Claim(nic.mac, f"{server.name} {nic.name}", server.source, f"nics.{number}.mac")
        for server in index.site.hardware.servers
        for number, nic in enumerate(server.nics)
    )
    yield from claimed_twice("The MAC address", claims)


@error(
    "HW007",
    "A BMC is not in the out-of-band network of its region",
    remedy="Use an address of an `out-of-band` prefix of the server's region.",
)
def bmcs_are_out_of_band(index: SiteIndex) -> Iterator[Finding]:
    """Require each BMC's address to lie in an out-of-band prefix of the server's own region.

    Whoever reaches a BMC owns the server, so BMCs are reachable from nowhere else.
    """
    for server in index.site.hardware.servers:
        region = index.site.region_of_rack(server.rack)
        address = server.bmc.address
        if region and not index.addresses(region, PrefixRole.OUT_OF_BAND).holds(address):
            detail = f"{server.name}'s BMC has {address}, in no out-of-band prefix of {region}."
            yield Finding(detail, server.source.at("bmc.address"))


@error("HW008", "A switch does not have this port", remedy="Choose a port that the switch has.")
def nic_ports_exist(index: SiteIndex) -> Iterator[Finding]:
    """Require a cable's port to be between 1 and the switch's number of ports."""
    for server in index.site.hardware.servers:
        for number, nic in enumerate(server.nics):
            switch = index.devices.get(nic.switch)
            if switch and not 1 <= nic.port <= switch.ports:
                detail = f"{nic.switch} has ports 1 to {switch.ports}, not {nic.port}."
                yield Finding(detail, server.source.at(f"nics.{number}.port"))


@error(
    "HW009",
    "A cable leaves the region",
    remedy="Cable the server to a switch of its own region.",
)
def cables_stay_in_the_region(index: SiteIndex) -> Iterator[Finding]:
    """Require servers and their switches to stand in one region: no patch cable is that long."""
    for server in index.site.hardware.servers:
        region = index.site.region_of_rack(server.rack)
        for number, nic in enumerate(server.nics):
            switch = index.devices.get(nic.switch)
            switch_region = index.site.region_of_rack(switch.rack) if switch else None
            if region and switch_region and region != switch_region:
                detail = f"{server.name} is in {region}, and {nic.switch} in {switch_region}."
                yield Finding(detail, server.source.at(f"nics.{number}.switch"))


@error(
    "HW010",
    "A rack lacks a power side that its servers need",
    remedy="Give the rack a feed on both sides, or move the server.",
)
def dual_supplies_have_two_sides(index: SiteIndex) -> Iterator[Finding]:
    """Require feeds on sides A and B for every server with two or more power supplies."""
    for server in index.site.hardware.servers:
        supplies = _power_supplies(index, server)
        rack = index.site.racks_by_name.get(server.rack)
        if rack and supplies >= 2 and len(feeds_by_side(rack)) < 2:
            sides = " and ".join(feeds_by_side(rack)) or "no side"
            detail = f"{server.name} has {supplies} supplies; {rack.name} is fed from {sides}."
            yield Finding(detail, server.source.at("rack"))


@warning(
    "HW011",
    "A server has one power supply in a room that must survive one failure",
    remedy="Add a second supply or a transfer switch, or use a room of grade C.",
)
def supplies_fit_the_grade(index: SiteIndex) -> Iterator[Finding]:
    """Expect two supplies in rooms of grade A and B: the server fails with its side otherwise."""
    for server in index.site.hardware.servers:
        rack = index.site.racks_by_name.get(server.rack)
        room = index.site.rooms_by_name.get(rack.room) if rack else None
        if room and room.grade is not RoomGrade.C and _power_supplies(index, server) == 1:
            detail = f"{server.name} has one supply, and {room.name} is grade {room.grade}."
            yield Finding(detail, server.source.at("profile"))


@error("HW012", "Two interfaces of a server have one name", remedy="Rename one of them.")
def nic_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique interface names within a server."""
    claims = (
        Claim(f"{server.name}/{nic.name}", "this one", server.source, f"nics.{number}.name")
        for server in index.site.hardware.servers
        for number, nic in enumerate(server.nics)
    )
    yield from claimed_twice("The interface", claims)


@error(
    "HW013",
    "A trait has a form that OpenStack refuses",
    remedy="Use capital letters, digits and underscores; your own start with CUSTOM_.",
)
def traits_are_well_formed(index: SiteIndex) -> Iterator[Finding]:
    """Require traits to be what Placement accepts: capital letters, digits and underscores."""
    for profile in index.site.hardware.profiles:
        for number, trait in enumerate(profile.traits):
            if not _TRAIT.fullmatch(trait):
                detail = f"`{trait}` of profile {profile.name} is not."
                yield Finding(detail, profile.source.at(f"traits.{number}"))


@error(
    "HW014",
    "A server has no interface to boot from",
    remedy="Set `pxe: true` at the interface in the provisioning network.",
)
def servers_can_boot(index: SiteIndex) -> Iterator[Finding]:
    """Require at least one interface with `pxe: true`: a bare server gets its system over it."""
    for server in index.site.hardware.servers:
        if not any(nic.pxe for nic in server.nics):
            yield Finding(f"{server.name} has none.", server.source.at("nics"))


def _power_supplies(index: SiteIndex, server: Server) -> int:
    profile = index.site.profiles_by_name.get(server.profile)
    return profile.power_supplies if profile else 0


CHECKS: tuple[Check, ...] = (
    hardware_names_are_unique,
    server_references_resolve,
    rack_units_do_not_overlap,
    machines_fit_their_rack,
    serials_are_unique,
    macs_are_unique,
    bmcs_are_out_of_band,
    nic_ports_exist,
    cables_stay_in_the_region,
    dual_supplies_have_two_sides,
    supplies_fit_the_grade,
    nic_names_are_unique,
    traits_are_well_formed,
    servers_can_boot,
)
