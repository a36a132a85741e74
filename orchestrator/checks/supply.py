"""Checks of where power comes from and where it goes: sources, phases, supplies, and sensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.checks.index import PowerNode, SiteIndex
from orchestrator.checks.rule import Check, Finding, error, warning
from orchestrator.model.equipment import Equipment
from orchestrator.model.power_graph import NodeKind
from orchestrator.model.room import (
    COOLING_COEFFICIENT,
    PowerSourceKind,
    RoomGrade,
    SensorKind,
)

FUEL_HOURS: Final = 12
PHASE_IMBALANCE: Final = 0.2
NEEDED_SENSORS: Final = tuple(SensorKind)


@error(
    "MR019",
    "A piece of the power chain is fed by nothing",
    remedy="Name its feeder in `fed_by`; only a utility or a generator begins a chain.",
)
def chains_begin_at_a_source(index: SiteIndex) -> Iterator[Finding]:
    """Require every transformer, UPS and panel to be fed: otherwise a path ends in the air.

    The single-failure sweep would take it for a source that never fails.
    """
    begins = {PowerSourceKind.UTILITY, PowerSourceKind.GENERATOR}
    room = index.site.room
    transformers = (each for each in room.power_sources if each.kind not in begins)
    nodes: tuple[PowerNode, ...] = (*transformers, *room.ups, *room.power_panels)
    for node in nodes:
        if not node.fed_by:
            yield Finding(f"{node.name} names no feeder.", node.source.at("fed_by"))


@error(
    "MR020",
    "The supplies of a machine do not reach both sides",
    remedy="Plug one supply into each side, and correct `psus`.",
)
def supplies_reach_both_sides(index: SiteIndex) -> Iterator[Finding]:
    """Require the supplies that a machine declares in `psus` to hang on sides that have power.

    A machine with two supplies needs them on two sides. Both on one feed is the commonest real
    fault of machine rooms: nobody sees it until that feed is lost. Where `psus` is not written,
    supplies count as spread over the sides of the rack (HW010 asks that there are two).
    """
    for rack_name, machines in index.equipment_by_rack.items():
        rack = index.site.racks_by_name.get(rack_name)
        fed = {feed.side for feed in rack.feeds} if rack else set()
        for machine in machines:
            unfed = sorted(set(machine.psus) - fed)
            if rack and unfed:
                detail = f"{machine.name} has a supply on side {unfed[0]}; {rack.name} has no feed."
                yield Finding(detail, machine.source.at("psus"))
            elif rack and _is_one_sided(machine):
                detail = (
                    f"The {len(machine.psus)} supplies of {machine.name} ({machine.watts:,} W) "
                    f"all hang on side {machine.psus[0]} of {rack.name}."
                )
                yield Finding(detail, machine.source.at("psus"))


def _is_one_sided(machine: Equipment) -> bool:
    return len(machine.psus) > 1 and len(set(machine.psus)) == 1


@error(
    "MR021",
    "A generator cannot carry what it must start",
    remedy="Install a larger or a further generator, or declare the real rating.",
)
def generators_carry_the_site(index: SiteIndex) -> Iterator[Finding]:
    """Require the generators to carry UPS input and cooling when every utility is dark.

    In a room of grade A one of them may be missing as well (GB 50174-2017: N+X). Cooling that is
    not part of the power chain is taken as a third of the heat, on the same generator. A site that
    declares no generator is not judged: absent is not zero.
    """
    graph = index.power_graph
    generators = _of_kind(index, NodeKind.GENERATOR)
    utilities = _of_kind(index, NodeKind.UTILITY)
    missing = [each for each in generators if _grade(index, each) is RoomGrade.A]
    worst: dict[int, tuple[float, int | None]] = {}
    for gone in (None, *missing):
        loss = graph.lose(*utilities, *(() if gone is None else (gone,)))
        for generator in set(generators) - {gone}:
            watts = graph.load_after(loss, generator) * _cooling_factor(index, generator)
            if watts > worst.get(generator, (0.0, None))[0]:
                worst[generator] = watts, gone
    for generator, (watts, gone) in sorted(worst.items()):
        node = graph.nodes[generator]
        if node.is_overloaded_by(watts):
            without = "" if gone is None else f" and without {graph.nodes[gone].name}"
            detail = (
                f"With the street dark{without}, {node.name} would carry {watts:,.0f} W of "
                f"{node.usable_watts:,.0f} W, cooling included."
            )
            yield Finding(detail, node.source.at("capacity_watts"))


def _of_kind(index: SiteIndex, kind: NodeKind) -> list[int]:
    return [number for number, node in enumerate(index.power_graph.nodes) if node.kind is kind]


def _grade(index: SiteIndex, number: int) -> RoomGrade | None:
    room = index.site.rooms_by_name.get(index.power_graph.nodes[number].room)
    return room.grade if room else None


def _cooling_factor(index: SiteIndex, generator: int) -> float:
    """Return what to multiply a generator's load by for the cooling that is not in the graph."""
    room = index.power_graph.nodes[generator].room
    units = [unit for unit in index.site.room.cooling_units if unit.room == room]
    return 1.0 if any(unit.fed_by for unit in units) else 1 + 1 / COOLING_COEFFICIENT


@warning(
    "MR022",
    "A generator of a grade A room has fuel for less than 12 hours",
    remedy="Enlarge the tank, or declare `fuel_hours` with what a delivery contract covers.",
)
def generators_have_fuel(index: SiteIndex) -> Iterator[Finding]:
    """Expect 12 hours of fuel in grade A (GB 50174-2017, annex A).

    A warning, because a contract for delivery may stand in for the tank. A generator that does not
    say its fuel is shown as well: unknown is not enough.
    """
    for source in index.site.room.power_sources:
        room = index.site.rooms_by_name.get(source.room)
        if source.kind is not PowerSourceKind.GENERATOR or not room or room.grade != RoomGrade.A:
            continue
        if source.fuel_hours is None or source.fuel_hours < FUEL_HOURS:
            hours = "unknown" if source.fuel_hours is None else f"{source.fuel_hours} h"
            detail = f"Fuel of {source.name}: {hours}; grade A asks for {FUEL_HOURS} h."
            yield Finding(detail, source.source.at("fuel_hours"))


@warning(
    "MR023",
    "The phases of a panel are loaded unequally",
    remedy="Move single-phase feeds to the lighter phase.",
)
def phases_are_balanced(index: SiteIndex) -> Iterator[Finding]:
    """Expect no phase of a panel to be more than 20 % off the mean of the three.

    Judged with nothing lost, for panels whose single-phase feeds all say their `phase`; a
    three-phase feed loads the phases equally. A warning: nameplate watts are not yet amperes.
    """
    loads = _phase_watts(index)
    for panel in index.site.room.power_panels:
        phases = loads.get(panel.name)
        if not phases or not (mean_watts := sum(phases) / 3):
            continue
        worst = max(phases, key=lambda watts: abs(watts - mean_watts))
        if abs(worst - mean_watts) > PHASE_IMBALANCE * mean_watts:
            shown = ", ".join(f"L{n} {watts:,.0f} W" for n, watts in enumerate(phases, start=1))
            off = abs(worst - mean_watts) / mean_watts
            yield Finding(f"{panel.name} carries {shown}: {off:.0%} off the mean.", panel.source)


def _phase_watts(index: SiteIndex) -> Mapping[str, list[float]]:
    """Return each panel's load by phase; panels with a feed of unknown phase are left out."""
    graph = index.power_graph
    found: dict[str, list[float]] = {
        panel.name: [0.0, 0.0, 0.0] for panel in index.site.room.power_panels
    }
    for name, feed in index.feeds.items():
        if feed.panel not in found:
            continue
        watts = graph.normal_loads[graph.numbers[name]]
        if feed.phases == 3:
            found[feed.panel] = [each + watts / 3 for each in found[feed.panel]]
        elif feed.phase is None:
            del found[feed.panel]
        else:
            found[feed.panel][feed.phase - 1] += watts
    return found


@warning(
    "MR025",
    "A room lacks a kind of sensor",
    remedy="Declare the sensor with its address, or install it.",
)
def rooms_are_watched(index: SiteIndex) -> Iterator[Finding]:
    """Expect temperature, humidity, leak, smoke and door sensors in every equipped room.

    GB/T 22239-2019 8.1.1 asks for water sensors, smoke detection and logged access at level 3; GB
    50174-2017 for temperature and humidity. Grade C rooms are not judged.
    """
    equipped = {
        rack.room for rack in index.site.room.racks if index.equipment_by_rack.get(rack.name)
    }
    for room in index.site.room.rooms:
        kinds = {sensor.kind for sensor in index.site.room.sensors if sensor.room == room.name}
        lacking = [kind for kind in NEEDED_SENSORS if kind not in kinds]
        if room.name in equipped and room.grade is not RoomGrade.C and lacking:
            yield Finding(f"{room.name} has none for {', '.join(lacking)}.", room.source)


CHECKS: tuple[Check, ...] = (
    chains_begin_at_a_source,
    supplies_reach_both_sides,
    generators_carry_the_site,
    generators_have_fuel,
    phases_are_balanced,
    rooms_are_watched,
)
