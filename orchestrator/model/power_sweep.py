"""The single-failure sweep: what happens when each piece of the power chain is lost, one by one.

The cost follows the sum of what hangs on each piece: a machine is met once for every piece above
it, not once for every piece of the room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.model.power_graph import (
    SOURCES,
    TOLERANCE_WATTS,
    Loss,
    NodeKind,
    PowerGraph,
)
from orchestrator.model.room import RoomGrade


@dataclass(frozen=True, slots=True)
class Overload:
    """The worst that happens to one node."""

    node: int
    watts: float
    removed: int | None
    """The node whose loss does it; None where nothing needs to be lost."""
    others: int = 0
    """How many other losses overload it, too."""


@dataclass(frozen=True, slots=True)
class Blackout:
    """Dual-fed machines that the loss of one node turns off."""

    removed: int
    draws: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CoolingLoss:
    """Cooling units of one room that stop together when a power node is lost."""

    removed: int
    room: str
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PowerSweep:
    """What every single loss does, by what it hits."""

    overloads: tuple[Overload, ...]
    blackouts: tuple[Blackout, ...]
    cooling: tuple[CoolingLoss, ...]


def sweep(graph: PowerGraph, grades: Mapping[str, RoomGrade]) -> PowerSweep:
    """Remove every node once, and collect what may not happen.

    A room of grade C need not survive the loss of a source (GB 50174-2017, table of chapter 8): its
    UPS and everything behind it is swept all the same.
    """
    normal = graph.normal_loads
    worst: dict[int, Overload] = {
        number: Overload(number, watts, None)
        for number, watts in enumerate(normal)
        if graph.nodes[number].is_overloaded_by(watts)
    }
    # Feeders have smaller numbers: of losses that do the same, the last is nearest to the racks.
    nearest: dict[int, int] = {}
    cooling: dict[tuple[int, ...], CoolingLoss] = {}
    for number in range(len(graph.nodes)):
        loss = graph.lose(number)
        _note_overloads(worst, new_overloads(graph, loss), number)
        for draw in _lost_draws(graph, loss, grades):
            nearest[draw] = number
        cooling |= {lost.units: lost for lost in _lost_cooling(graph, loss)}
    groups: dict[int, list[int]] = {}
    for draw, removed in sorted(nearest.items()):
        groups.setdefault(removed, []).append(draw)
    return PowerSweep(
        overloads=tuple(worst[number] for number in sorted(worst)),
        blackouts=tuple(Blackout(removed, tuple(groups[removed])) for removed in sorted(groups)),
        cooling=tuple(cooling.values()),
    )


def new_overloads(graph: PowerGraph, loss: Loss) -> Iterator[tuple[int, float]]:
    """Yield the nodes that a loss overloads, with their load in watts."""
    for number, watts in loss.loads.items():
        node = graph.nodes[number]
        if node.is_overloaded_by(watts) and not node.is_overloaded_by(graph.normal_loads[number]):
            yield number, watts


def lost_cooling(graph: PowerGraph, loss: Loss) -> Mapping[str, tuple[int, ...]]:
    """Group the cooling units that a loss stops by their room."""
    rooms: dict[str, tuple[int, ...]] = {}
    for number in sorted(loss.dead):
        node = graph.nodes[number]
        if node.kind is NodeKind.COOLING:
            rooms[node.room] = (*rooms.get(node.room, ()), number)
    return rooms


def _note_overloads(
    worst: dict[int, Overload], overloads: Iterable[tuple[int, float]], removed: int
) -> None:
    """Keep the worst loss for each node; of equal ones the first, the farthest from the racks."""
    for number, watts in overloads:
        known = worst.get(number)
        others = known.others + 1 if known else 0
        if known is None or watts > known.watts + TOLERANCE_WATTS:
            worst[number] = Overload(number, watts, removed, others)
        else:
            worst[number] = replace(known, others=others)


def _lost_draws(graph: PowerGraph, loss: Loss, grades: Mapping[str, RoomGrade]) -> Iterator[int]:
    """Yield the dual-fed draws that a loss turns off where it may not."""
    [removed] = loss.removed
    is_source = graph.nodes[removed].kind in SOURCES
    for number in loss.dark:
        draw = graph.draws[number]
        if draw.is_dual_fed and not (is_source and grades.get(draw.room) is RoomGrade.C):
            yield number


def _lost_cooling(graph: PowerGraph, loss: Loss) -> Iterator[CoolingLoss]:
    """Yield what a power node takes with it; a lost cooling unit by itself is MR011's."""
    [removed] = loss.removed
    if graph.nodes[removed].kind is not NodeKind.COOLING:
        for room, units in lost_cooling(graph, loss).items():
            yield CoolingLoss(removed, room, units)


@dataclass(frozen=True, slots=True)
class Cascade:
    """Where the loss of one node ends, after everything that trips has tripped."""

    loss: Loss
    tripped: tuple[int, ...]


def cascade(graph: PowerGraph, removed: int) -> Cascade:
    """Lose a node, then whatever is loaded beyond its rating, until nothing more trips.

    Everything that is overloaded at once trips at once: which breaker is the fastest is not known.
    """
    tripped: tuple[int, ...] = ()
    while True:
        loss = graph.lose(removed, *tripped)
        more = tuple(
            number
            for number, watts in sorted(loss.loads.items())
            if number not in loss.dead and graph.nodes[number].is_tripped_by(watts)
        )
        if not more:
            return Cascade(loss=loss, tripped=tripped)
        tripped += more
