"""The power chain of the rooms as one graph, and what the loss of any part of it would do.

From the street to the plug: utility, transformer, generator, UPS, panel, feed, PDU; cooling units
hang on it, too. The graph is an immutable value; power_build.py makes it of a site.

How load flows:

* A machine draws equally from every side of its rack that is alive, and within a side equally from
  every PDU (or feed, where no PDU is declared).
* What has several feeders loads the live ones equally. Generators are standby: they carry only
  where no other feeder is alive.
* A UPS takes more than it gives, by its efficiency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from heapq import heappop, heappush
from typing import Final

from orchestrator.model.equipment import Equipment
from orchestrator.model.room import Side
from orchestrator.model.units import Source

TOLERANCE_WATTS: Final = 0.01
"""Loads are sums of halves and thirds; so far apart they count as equal."""


class NodeKind(StrEnum):
    """What a node of the power chain is."""

    UTILITY = "utility"
    TRANSFORMER = "transformer"
    GENERATOR = "generator"
    UPS = "UPS"
    PANEL = "panel"
    FEED = "feed"
    PDU = "PDU"
    COOLING = "cooling unit"


SOURCES: Final = frozenset({NodeKind.UTILITY, NodeKind.TRANSFORMER, NodeKind.GENERATOR})


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphNode:
    """One piece of the power chain."""

    name: str
    """As it is declared; a feed is called RACK/SIDE, and RACK/SIDE.2 is the side's second."""
    kind: NodeKind
    room: str
    source: Source
    feeders: tuple[int, ...]
    """Nodes that it draws from; a node without is alive by itself."""
    usable_watts: float | None
    """What it may carry for ever: derated, margin kept; None where it has no rating."""
    rated_watts: float | None
    """What it carries at most; beyond, it trips."""
    own_watts: float = 0.0
    efficiency: float = 1.0
    rack: str | None = None
    side: Side | None = None

    def is_overloaded_by(self, watts: float) -> bool:
        """Say whether it may not carry so much."""
        return self.usable_watts is not None and watts > self.usable_watts + TOLERANCE_WATTS

    def is_tripped_by(self, watts: float) -> bool:
        """Say whether so much trips it."""
        return self.rated_watts is not None and watts > self.rated_watts + TOLERANCE_WATTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """Machines of one rack that draw from the same sides, together."""

    rack: str
    room: str
    machines: tuple[Equipment, ...]
    watts: float
    taps: tuple[tuple[int, ...], ...]
    """For each side that they draw from: the PDUs, or feeds, that they are plugged into."""

    @property
    def is_dual_fed(self) -> bool:
        """Say whether the loss of one side should leave them running."""
        return len(self.taps) > 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What is different after some nodes are gone."""

    removed: tuple[int, ...]
    dead: Set[int]
    """The removed nodes and those that nothing feeds any more."""
    loads: Mapping[int, float]
    """The load of each node whose load changed, in watts; 0 for a dead one."""
    dark: tuple[int, ...]
    """Draws that nothing feeds any more."""


@dataclass(frozen=True, kw_only=True)
class PowerGraph:
    """The power chain; nodes and draws are referred to by their number."""

    nodes: tuple[GraphNode, ...]
    """Feeders before what they feed: a node's number is above those of its feeders."""
    draws: tuple[Draw, ...]
    numbers: Mapping[str, int] = field(repr=False)
    """Nodes by name. A PDU or cooling unit whose name a power node has, too, is left out."""

    @cached_property
    def children(self) -> Sequence[Sequence[int]]:
        """Return what each node feeds."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for feeder in node.feeders:
                found[feeder].append(number)
        return found

    @cached_property
    def draws_at(self) -> Mapping[int, Sequence[int]]:
        """Return the draws that are plugged into each node."""
        found: dict[int, list[int]] = {}
        for number, draw in enumerate(self.draws):
            for taps in draw.taps:
                for tap in taps:
                    found.setdefault(tap, []).append(number)
        return found

    @cached_property
    def normal_loads(self) -> Sequence[float]:
        """Return the load of every node with nothing lost, in watts."""
        loads = [node.own_watts for node in self.nodes]
        for draw in self.draws:
            for tap, watts in shares(draw, frozenset()):
                loads[tap] += watts
        for number in reversed(range(len(self.nodes))):
            for feeder, watts in self._passed_on(number, loads[number], frozenset()):
                loads[feeder] += watts
        return loads

    def lose(self, *removed: int) -> Loss:
        """Return what is different once these nodes are gone.

        Only what hangs on them, and what stands above that, is looked at.
        """
        dead = self._dead_after(removed)
        touched = {draw for number in dead for draw in self.draws_at.get(number, ())}
        loads = self._shifted(dead, touched)
        dark = tuple(sorted(draw for draw in touched if not _live_taps(self.draws[draw], dead)))
        return Loss(removed=removed, dead=dead, loads=loads, dark=dark)

    def load_after(self, loss: Loss, number: int) -> float:
        """Return what a node carries after a loss, in watts."""
        return loss.loads.get(number, self.normal_loads[number])

    def live_feeders(self, number: int, dead: Set[int]) -> Sequence[int]:
        """Return the feeders that carry a node: generators only where nothing else does."""
        live = [feeder for feeder in self.nodes[number].feeders if feeder not in dead]
        return [
            feeder for feeder in live if self.nodes[feeder].kind is not NodeKind.GENERATOR
        ] or live

    def _dead_after(self, removed: Sequence[int]) -> Set[int]:
        dead, ahead = set(removed), list(removed)
        while ahead:
            for child in self.children[ahead.pop()]:
                if child not in dead and dead.issuperset(self.nodes[child].feeders):
                    dead.add(child)
                    ahead.append(child)
        return dead

    def _shifted(self, dead: Set[int], touched: Set[int]) -> Mapping[int, float]:
        """Return the loads that change, found from the plugs upwards."""
        work = _Work(self.normal_loads)
        for number in touched:
            draw = self.draws[number]
            work.replace(shares(draw, frozenset()), shares(draw, dead))
        for number in dead:
            work.visit(number, *self.children[number])
        for number in work.upwards():
            if number in dead:
                work.loads[number] = 0.0
            work.replace(
                self._passed_on(number, self.normal_loads[number], frozenset()),
                self._passed_on(number, work.load(number), dead),
            )
        return work.loads

    def _passed_on(self, number: int, watts: float, dead: Set[int]) -> Iterator[tuple[int, float]]:
        """Yield what each feeder of a node gives to it."""
        feeders = self.live_feeders(number, dead)
        for feeder in feeders:
            yield feeder, watts / self.nodes[number].efficiency / len(feeders)


class _Work:
    """Loads under change; each node is settled once, after everything below it."""

    def __init__(self, normal: Sequence[float]) -> None:
        self._normal = normal
        self._waiting: list[int] = []
        self._seen: set[int] = set()
        self.loads: dict[int, float] = {}

    def load(self, number: int) -> float:
        """Return a node's load as it now is."""
        return self.loads.get(number, self._normal[number])

    def replace(self, old: Iterable[tuple[int, float]], new: Iterable[tuple[int, float]]) -> None:
        """Take the old loads off their nodes, and put the new ones on theirs."""
        for number, watts in old:
            self._add(number, -watts)
        for number, watts in new:
            self._add(number, watts)

    def visit(self, *numbers: int) -> None:
        """Settle nodes later, even if their load stays: their feeders may have changed."""
        for number in numbers:
            if number not in self._seen:
                self._seen.add(number)
                heappush(self._waiting, -number)

    def upwards(self) -> Iterator[int]:
        """Yield the nodes to settle, those that are fed before their feeders."""
        while self._waiting:
            yield -heappop(self._waiting)

    def _add(self, number: int, watts: float) -> None:
        self.loads[number] = self.load(number) + watts
        self.visit(number)


def shares(draw: Draw, dead: Set[int]) -> Iterator[tuple[int, float]]:
    """Yield what a draw takes from each of its live taps, in watts."""
    sides = _live_taps(draw, dead)
    for taps in sides:
        for tap in taps:
            yield tap, draw.watts / len(sides) / len(taps)


def _live_taps(draw: Draw, dead: Set[int]) -> Sequence[Sequence[int]]:
    live = ([tap for tap in taps if tap not in dead] for taps in draw.taps)
    return [taps for taps in live if taps]
