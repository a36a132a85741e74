"""Checks of the power chain: what each rack, panel and UPS must carry when one side is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.loads import feeds_by_side, node_watts, rack_watts
from orchestrator.checks.rule import Check, Finding, error, warning
from orchestrator.model.room import UPS_MARGIN, PowerPanel, Rack, RoomGrade, Side, Ups

BATTERY_MINUTES: Final = {RoomGrade.A: 15, RoomGrade.B: 7}


@error(
    "MR004",
    "Rack load exceeds one power feed",
    remedy="Move servers to another rack, or give the rack stronger feeds.",
)
def rack_fits_each_side(index: SiteIndex) -> Iterator[Finding]:
    """Require each side's feeds to carry the whole rack, so that the other side may fail.

    Compared are the nameplate sum of everything in the rack and the feeds' usable watts: the
    breaker's rating derated to 80 %, times the square root of 3 on three phases.
    """
    for rack, side, usable_watts in racks_beyond_a_side(index):
        lost = [other for other in feeds_by_side(rack) if other is not side]
        cause = f"Without side {lost[0]} of {rack.name}" if lost else f"In {rack.name}"
        breakers = " + ".join(f"{feed.amperes} A" for feed in feeds_by_side(rack)[side])
        detail = (
            f"{cause}, the breaker of side {side} ({breakers}) would carry "
            f"{rack_watts(index, rack):,} W of {usable_watts:,} W."
        )
        yield Finding(detail, rack.source.at("feeds"))


@error(
    "MR005",
    "Rack load exceeds the rack's limit",
    remedy="Move servers to another rack, or raise `max_watts` if cooling allows it.",
)
def rack_fits_its_power_limit(index: SiteIndex) -> Iterator[Finding]:
    """Require the nameplate sum of a rack to stay within its `max_watts`.

    The limit stands for what the row's cooling takes away from one rack.
    """
    for rack in index.site.room.racks:
        load_watts = rack_watts(index, rack)
        if load_watts > rack.max_watts:
            detail = f"{rack.name} plans {load_watts:,} W; its limit is {rack.max_watts:,} W."
            yield Finding(detail, rack.source.at("max_watts"))


@error(
    "MR007",
    "A power path changes sides",
    remedy="Feed it from its own side, or correct its side.",
)
def power_paths_keep_their_side(index: SiteIndex) -> Iterator[Finding]:
    """Require feeds, panels and UPSs to hang on equipment of their own side.

    A path that crosses over makes both sides fail together. Sources without a side, such as a
    generator, may feed both.
    """
    room = index.site.room
    nodes: tuple[PowerPanel | Ups, ...] = (*room.ups, *room.power_panels)
    for node in nodes:
        for number, name in enumerate(node.fed_by):
            feeder = index.power_nodes.get(name)
            if feeder and feeder.side and feeder.side is not node.side:
                detail = f"{node.name} is on side {node.side}, but {name} is on side {feeder.side}."
                yield Finding(detail, node.source.at(f"fed_by.{number}"))
    for rack in room.racks:
        for number, feed in enumerate(rack.feeds):
            panel = index.power_nodes.get(feed.panel)
            if panel and panel.side is not feed.side:
                detail = (
                    f"{rack.name}'s side {feed.side} comes from {panel.name}, side {panel.side}."
                )
                yield Finding(detail, rack.source.at(f"feeds.{number}.panel"))


@error(
    "MR008",
    "A panel or UPS cannot carry its side alone",
    remedy="Move racks to another panel, or declare the larger equipment.",
)
def power_nodes_carry_their_load(index: SiteIndex) -> Iterator[Finding]:
    """Require each panel and UPS to carry all racks behind it, with the other side lost.

    A UPS needs a margin of 10 % on top (GB 50174-2017, UPS sizing E >= 1.1 P). Panels that share
    several UPSs load them equally.
    """
    for node, load_watts in nodes_beyond_their_side(index):
        factor = f" x {UPS_MARGIN}" if isinstance(node, Ups) else ""
        detail = (
            f"{node.name} would carry {load_watts:,.0f} W{factor}, but has "
            f"{node.capacity_watts:,} W."
        )
        yield Finding(detail, node.source.at("capacity_watts"))


def racks_beyond_a_side(index: SiteIndex) -> Iterator[tuple[Rack, Side, int]]:
    """Yield each rack that one of its sides cannot carry alone, with what that side may carry."""
    for rack in index.site.room.racks:
        for side, feeds in feeds_by_side(rack).items():
            usable_watts = sum(feed.usable_watts for feed in feeds)
            if rack_watts(index, rack) > usable_watts:
                yield rack, side, usable_watts


def nodes_beyond_their_side(index: SiteIndex) -> Iterator[tuple[PowerPanel | Ups, float]]:
    """Yield each panel and UPS that cannot carry its side alone, with that load in watts."""
    loads = node_watts(index)
    for panel in index.site.room.power_panels:
        if loads[panel.name] > panel.capacity_watts:
            yield panel, loads[panel.name]
    for ups in index.site.room.ups:
        if loads[ups.name] * UPS_MARGIN > ups.capacity_watts:
            yield ups, loads[ups.name]


@error("MR009", "A power path leads back to itself", remedy="Correct `fed_by`.")
def power_paths_do_not_loop(index: SiteIndex) -> Iterator[Finding]:
    """Require that no source, UPS or panel is, over any number of steps, fed by itself."""
    for node in index.power_nodes.values():
        seen: set[str] = set()
        ahead = list(node.fed_by)
        while ahead:
            name = ahead.pop()
            if name == node.name:
                detail = f"{node.name} is fed by itself through {', '.join(node.fed_by)}."
                yield Finding(detail, node.source.at("fed_by"))
                break
            feeder = index.power_nodes.get(name)
            if feeder and name not in seen:
                seen.add(name)
                ahead += feeder.fed_by


@warning(
    "MR014",
    "A battery is shorter than the room's grade asks for",
    remedy="Extend the battery, or declare the measured minutes.",
)
def battery_lasts_long_enough(index: SiteIndex) -> Iterator[Finding]:
    """Expect 15 minutes of battery in grade A and 7 in grade B (GB 50174-2017, annex A).

    A warning, because the figure depends on the generator and must be read against the standard.
    """
    for ups in index.site.room.ups:
        room = index.site.rooms_by_name.get(ups.room)
        wanted = BATTERY_MINUTES.get(room.grade, 0) if room else 0
        if room and ups.battery_minutes < wanted:
            detail = (
                f"{ups.name} lasts {ups.battery_minutes} minutes; grade {room.grade} asks for "
                f"{wanted}."
            )
            yield Finding(detail, ups.source.at("battery_minutes"))


@error("MR015", "A PDU is on a side that its rack is not fed from", remedy="Correct the side.")
def pdus_have_a_feed(index: SiteIndex) -> Iterator[Finding]:
    """Require each PDU's side to be one of its rack's feeds: otherwise it has no power."""
    for rack in index.site.room.racks:
        sides = feeds_by_side(rack)
        for number, pdu in enumerate(rack.pdus):
            if pdu.side not in sides:
                detail = f"{pdu.name} is on side {pdu.side}, and {rack.name} has no feed there."
                yield Finding(detail, rack.source.at(f"pdus.{number}.side"))


CHECKS: tuple[Check, ...] = (
    rack_fits_each_side,
    rack_fits_its_power_limit,
    power_paths_keep_their_side,
    power_nodes_carry_their_load,
    power_paths_do_not_loop,
    battery_lasts_long_enough,
    pdus_have_a_feed,
)
