"""Checks of the machine room layer; those of its power chain are in power.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from orchestrator.checks.index import PowerNode, SiteIndex
from orchestrator.checks.loads import rack_watts, room_heat_watts
from orchestrator.checks.rule import (
    Check,
    Claim,
    Finding,
    Known,
    Named,
    claimed_twice,
    error,
    named_twice,
)
from orchestrator.model.room import (
    EMPTY_RACK_KG,
    OPEN_AISLE_WATTS,
    STANDARD_GRAVITY,
    CoolingUnit,
    MachineRoom,
    Rack,
    RoomGrade,
    Sensor,
)

LOWEST_CLEAR_HEIGHT_M: Final = 2.6


@error("MR001", "Two things in the machine rooms have one name", remedy="Rename one of them.")
def room_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names among rooms, power equipment, cooling units, racks, PDUs and sensors.

    Power sources, UPSs and panels share one set of names, because `fed_by` may mean any of them.
    """
    room = index.site.room
    yield from named_twice((*room.power_sources, *room.ups, *room.power_panels))
    kinds: tuple[Iterable[Named], ...] = (
        room.rooms, room.cooling_units, room.racks, room.sensors,
    )  # fmt: skip
    yield from chain.from_iterable(map(named_twice, kinds))
    pdus = (
        Claim(pdu.name, f"a PDU of rack {rack.name}", rack.source, f"pdus.{number}.name")
        for rack in room.racks
        for number, pdu in enumerate(rack.pdus)
    )
    yield from claimed_twice("The name", pdus)


@error(
    "MR002",
    "A reference in the machine rooms leads nowhere",
    remedy="Correct the name, or declare the thing.",
)
def room_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every room, region, rack, panel and feeder that is named to be declared."""
    room = index.site.room
    regions, rooms = Known("region", index.regions), Known("room", index.site.rooms_by_name)
    feeders, racks = Known("feeder", index.power_nodes), Known("rack", index.site.racks_by_name)
    panels = Known("power panel", {panel.name for panel in room.power_panels})
    for hall in room.rooms:
        yield from regions.miss(hall.region, hall.source, "region")
        yield from _unknown_rows(index, hall)
    things: tuple[PowerNode | CoolingUnit | Rack | Sensor, ...] = (
        *room.power_sources, *room.ups, *room.power_panels,
        *room.cooling_units, *room.racks, *room.sensors,
    )  # fmt: skip
    for thing in things:
        yield from rooms.miss(thing.room, thing.source, "room")
    fed: tuple[PowerNode | CoolingUnit, ...] = (*index.power_nodes.values(), *room.cooling_units)
    for node in fed:
        for number, feeder in enumerate(node.fed_by):
            yield from feeders.miss(feeder, node.source, f"fed_by.{number}")
    for rack in room.racks:
        for number, feed in enumerate(rack.feeds):
            yield from panels.miss(feed.panel, rack.source, f"feeds.{number}.panel")
    for sensor in room.sensors:
        yield from racks.miss(sensor.rack, sensor.source, "rack")


@error("MR003", "Two racks stand in one place", remedy="Correct the row or the position.")
def rack_places_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require each place (room, row, position) to hold one rack."""
    claims = (
        Claim(
            f"{rack.room}/{rack.row}/{rack.position}",
            f"rack {rack.name}",
            rack.source,
            "position",
        )
        for rack in index.site.room.racks
    )
    yield from claimed_twice("The place", claims)


@error("MR006", "Rack weight exceeds the rack's limit", remedy="Move servers to another rack.")
def rack_fits_its_weight_limit(index: SiteIndex) -> Iterator[Finding]:
    """Require the weight of a rack's equipment to stay within its `max_weight_kg`."""
    for rack in index.site.room.racks:
        weight_kg = _equipment_kg(index, rack.name)
        if weight_kg > rack.max_weight_kg:
            detail = (
                f"{rack.name} holds {weight_kg:,.1f} kg; its limit is {rack.max_weight_kg:,} kg."
            )
            yield Finding(detail, rack.source.at("max_weight_kg"))


@error(
    "MR010",
    "A room's floor is overloaded",
    remedy="Spread the equipment over more rooms, or correct the room's figures.",
)
def floor_carries_the_racks(index: SiteIndex) -> Iterator[Finding]:
    """Require the weight of a room's racks, over its area, to stay within its floor load.

    An empty rack counts 120 kg. This is the mean over the whole room; a single heavy row needs the
    building's structural engineer.
    """
    for room in index.site.room.rooms:
        racks = [rack for rack in index.site.room.racks if rack.room == room.name]
        mass_kg = sum(_equipment_kg(index, rack.name) + EMPTY_RACK_KG for rack in racks)
        load_kn_m2 = mass_kg * STANDARD_GRAVITY / 1000 / room.area_m2
        if load_kn_m2 > room.floor_load_kn_m2:
            detail = (
                f"{len(racks)} racks with {mass_kg:,.0f} kg on {room.area_m2:g} m2 make "
                f"{load_kn_m2:.2f} kN/m2; the floor bears {room.floor_load_kn_m2:g}."
            )
            yield Finding(detail, room.source.at("floor_load_kn_m2"))


@error(
    "MR011",
    "Cooling is too weak with its largest unit lost",
    remedy="Add a cooling unit, or move equipment to another room.",
)
def cooling_removes_the_heat(index: SiteIndex) -> Iterator[Finding]:
    """Require a room's cooling to remove its nameplate heat and the losses of its UPSs.

    In grades A and B it must do so without its largest unit. A room that declares no cooling unit
    is not judged: absent is not zero.
    """
    for room in index.site.room.rooms:
        units = [
            unit.capacity_watts for unit in index.site.room.cooling_units if unit.room == room.name
        ]
        heat_watts = room_heat_watts(index, room)
        lost_watts = max(units, default=0) if room.grade is not RoomGrade.C else 0
        if units and heat_watts > sum(units) - lost_watts:
            detail = (
                f"{room.name} plans {heat_watts:,.0f} W of heat; {len(units)} units remove "
                f"{sum(units):,} W, less {lost_watts:,} W for the one lost."
            )
            yield Finding(detail, room.source)


@error(
    "MR027",
    "A rack is too hot for an open aisle",
    remedy="Close the row's aisle and add the row to `closed_aisles`, or spread its servers.",
)
def hot_racks_stand_at_a_closed_aisle(index: SiteIndex) -> Iterator[Finding]:
    """Require a closed cold or hot aisle where a rack plans more than 4 kW (GB 50174-2017, layout).

    A room that does not say which aisles are closed (`closed_aisles`) is not judged: absent is not
    zero; `closed_aisles: []` says that none is.
    """
    rooms = index.site.rooms_by_name
    for rack in index.site.room.racks:
        room = rooms.get(rack.room)
        if room is None or room.closed_aisles is None or rack.row in room.closed_aisles:
            continue
        watts = rack_watts(index, rack)
        if watts > OPEN_AISLE_WATTS:
            detail = (
                f"{rack.name} plans {watts:,} W in row {rack.row}, whose aisle is open; over "
                f"{OPEN_AISLE_WATTS:,} W its air must not mix with the room's."
            )
            yield Finding(detail, rack.source)


@error(
    "MR012",
    "A room is lower than any machine room may be",
    remedy="Use another room, or correct the height.",
)
def room_is_high_enough(index: SiteIndex) -> Iterator[Finding]:
    """Require a clear height of 2.6 m (GB 50174-2017; new buildings 3.0 m)."""
    for room in index.site.room.rooms:
        if room.clear_height_m < LOWEST_CLEAR_HEIGHT_M:
            detail = f"{room.name} has {room.clear_height_m:g} m; 2.6 m is the least."
            yield Finding(detail, room.source.at("clear_height_m"))


@error(
    "MR013",
    "A room with suppression has fewer than two sets of detectors",
    remedy="Install a second, independent set and declare it.",
)
def suppression_has_two_detector_sets(index: SiteIndex) -> Iterator[Finding]:
    """Require two independent sets of detectors where gas or water mist is released by them.

    GB 50174-2017, 13.3.1 (mandatory): one false alarm must not empty the cylinders on people.
    """
    for room in index.site.room.rooms:
        if room.suppression != "none" and room.detector_sets < 2:
            detail = f"{room.name} has {room.suppression} and {room.detector_sets} detector set(s)."
            yield Finding(detail, room.source.at("detector_sets"))


@error("MR016", "A sensor sits in a rack of another room", remedy="Correct the rack or the room.")
def sensors_are_in_one_room(index: SiteIndex) -> Iterator[Finding]:
    """Require a sensor's rack to stand in the sensor's room."""
    for sensor in index.site.room.sensors:
        rack = index.site.racks_by_name.get(sensor.rack) if sensor.rack else None
        if rack and rack.room != sensor.room:
            detail = f"{sensor.name} is in {sensor.room}, and {rack.name} stands in {rack.room}."
            yield Finding(detail, sensor.source.at("rack"))


def _unknown_rows(index: SiteIndex, hall: MachineRoom) -> Iterator[Finding]:
    rows = Known("row", {rack.row for rack in index.site.room.racks if rack.room == hall.name})
    for number, row in enumerate(hall.closed_aisles or ()):
        yield from rows.miss(row, hall.source, f"closed_aisles.{number}")


def _equipment_kg(index: SiteIndex, rack_name: str) -> float:
    return sum(each.weight_kg for each in index.equipment_by_rack.get(rack_name, ()))


CHECKS: tuple[Check, ...] = (
    room_names_are_unique,
    room_references_resolve,
    rack_places_are_unique,
    rack_fits_its_weight_limit,
    floor_carries_the_racks,
    cooling_removes_the_heat,
    hot_racks_stand_at_a_closed_aisle,
    room_is_high_enough,
    suppression_has_two_detector_sets,
    sensors_are_in_one_room,
)
