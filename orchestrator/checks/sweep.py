"""Checks of what a single failure does to power and cooling.

They complete power.py, which judges each piece as if its whole side had to live alone: what MR004
and MR008 say of a feed, a panel or a UPS is not said again here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.loads import room_heat_watts
from orchestrator.checks.power import nodes_beyond_their_side, racks_beyond_a_side
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.model.power_graph import NodeKind
from orchestrator.model.power_sweep import Overload
from orchestrator.model.room import RoomGrade

MOST_NAMES = 3


@error(
    "MR017",
    "A single failure overloads what is left",
    remedy="Move load elsewhere, or give what is overloaded a larger rating.",
)
def losses_overload_nothing(index: SiteIndex) -> Iterator[Finding]:
    """Require every piece of the power chain to carry its load after any one other piece is lost.

    Each utility, transformer, generator, UPS, panel, feed, PDU and cooling unit is taken away once.
    Machines with two supplies then draw everything from the side that is left; a node with several
    feeders loads the rest; generators take over where the street is dark. Compared is the derated
    rating: 80 % of a breaker, a UPS's rating over 1.1.
    """
    graph = index.power_graph
    told_racks = {rack.name for rack, _, _ in racks_beyond_a_side(index)}
    told_nodes = {node.name for node, _ in nodes_beyond_their_side(index)}
    for overload in index.power_sweep.overloads:
        node = graph.nodes[overload.node]
        if node.name in told_nodes or node.rack in told_racks:
            continue
        detail = (
            f"{_cause(index, overload)}{node.kind} {node.name} would carry {overload.watts:,.0f} W "
            f"of {node.usable_watts:,.0f} W.{_others(overload)}"
        )
        yield Finding(detail, node.source)


@error(
    "MR018",
    "A single failure turns off machines that have two supplies",
    remedy="Feed the two sides from different equipment, up to the street.",
)
def losses_leave_a_path(index: SiteIndex) -> Iterator[Finding]:
    """Require every machine with supplies on two sides to keep one when any one piece is lost.

    Two feeds that meet anywhere above, at a panel, a UPS or a single transformer, are one feed. A
    room of grade C need not survive the loss of a utility, transformer or generator.
    """
    graph = index.power_graph
    for blackout in index.power_sweep.blackouts:
        node = graph.nodes[blackout.removed]
        draws = [graph.draws[number] for number in blackout.draws]
        machines = [machine.name for draw in draws for machine in draw.machines]
        watts = sum(draw.watts for draw in draws)
        detail = f"Without {node.kind} {node.name}, {watts:,.0f} W go dark: {_some(machines)}."
        yield Finding(detail, node.source)


@error(
    "MR026",
    "A power failure leaves too little cooling",
    remedy="Feed the room's cooling units from different panels, or add one.",
)
def losses_leave_enough_cooling(index: SiteIndex) -> Iterator[Finding]:
    """Require what cools a room of grade A or B to suffice when any piece of power is lost.

    Judged for cooling units that say what they draw from (`fed_by`); MR011 judges the loss of a
    unit itself.
    """
    graph = index.power_graph
    for lost in index.power_sweep.cooling:
        room = index.site.rooms_by_name.get(lost.room)
        if room is None or room.grade is RoomGrade.C:
            continue
        stopped = {graph.nodes[number].name for number in lost.units}
        left_watts = sum(
            unit.capacity_watts
            for unit in index.site.room.cooling_units
            if unit.room == room.name and unit.name not in stopped
        )
        heat_watts = room_heat_watts(index, room)
        if heat_watts > left_watts:
            node = graph.nodes[lost.removed]
            detail = (
                f"Without {node.kind} {node.name}, {_some(sorted(stopped))} stop; the rest remove "
                f"{left_watts:,} W of {room.name}'s {heat_watts:,.0f} W."
            )
            yield Finding(detail, node.source)


@error(
    "MR024",
    "One failure takes both devices of a pair",
    remedy="Put the pair into two racks, and its supplies on different sides.",
)
def pairs_do_not_fail_together(index: SiteIndex) -> Iterator[Finding]:
    """Require the two devices of a redundant pair to stand in two racks and to share no power.

    A pair in one rack falls with that rack; a pair of devices with one supply each falls with the
    piece of power that feeds both.
    """
    racks = index.site.racks_by_name
    for device in index.site.network.devices:
        other = index.devices.get(device.pair) if device.pair else None
        # A pair that is not mutual is NW013's.
        if other is None or other.pair != device.name or device.name >= other.name:
            continue
        if device.rack == other.rack:
            detail = f"{device.name} and {other.name} both stand in {device.rack}."
            yield Finding(detail, device.source.at("rack"))
        elif device.rack in racks and other.rack in racks:
            yield from _shared_power(index, device.name, other.name)


def _shared_power(index: SiteIndex, one: str, other: str) -> Iterator[Finding]:
    """Find the piece of power without which two single-supply devices both go dark."""
    graph = index.power_graph
    single = {
        machine.name: number
        for number, draw in enumerate(graph.draws)
        if not draw.is_dual_fed
        for machine in draw.machines
    }
    if one in single and other in single:
        shared = _above(index, single[one]) & _above(index, single[other])
        dark = {single[one], single[other]}
        fatal = [number for number in sorted(shared) if dark <= set(graph.lose(number).dark)]
        if fatal:
            node = graph.nodes[fatal[-1]]
            detail = f"Without {node.kind} {node.name}, {one} and {other} both go dark."
            yield Finding(detail, index.devices[one].source)


def _above(index: SiteIndex, draw: int) -> set[int]:
    graph = index.power_graph
    found: set[int] = set()
    ahead = [tap for taps in graph.draws[draw].taps for tap in taps]
    while ahead:
        number = ahead.pop()
        if number not in found:
            found.add(number)
            ahead += graph.nodes[number].feeders
    return {number for number in found if graph.nodes[number].kind is not NodeKind.COOLING}


def _cause(index: SiteIndex, overload: Overload) -> str:
    if overload.removed is None:
        return "With nothing lost, "
    removed = index.power_graph.nodes[overload.removed]
    return f"Without {removed.kind} {removed.name}, "


def _others(overload: Overload) -> str:
    if not overload.others:
        return ""
    losses = "loss does" if overload.others == 1 else "losses do"
    return f" {overload.others} other {losses} the same."


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


CHECKS: tuple[Check, ...] = (
    losses_overload_nothing,
    losses_leave_a_path,
    pairs_do_not_fail_together,
    losses_leave_enough_cooling,
)
