"""Find room for more servers: units, power after a loss, weight, cooling, and distance.

One server after the other goes to the rack that has fewest of its role (then to the room, then the
rack, with most left), so a lost rack takes as few of them as can be. Nothing that stands is moved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from orchestrator.model.equipment import Equipment
from orchestrator.model.power_build import feed_names
from orchestrator.model.power_graph import NodeKind, PowerGraph
from orchestrator.model.room import (
    EMPTY_RACK_KG,
    STANDARD_GRAVITY,
    MachineRoom,
    Rack,
    RoomGrade,
)
from orchestrator.model.site import Site

BOTH_SIDES: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Servers of one kind that need a place."""

    count: int
    watts: int
    units: int
    weight_kg: float
    role: str | None = None
    """Keep away from servers of this role; None keeps only the new ones apart."""
    rooms: frozenset[str] = frozenset()
    """Only there; empty means anywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one server goes; `unit` is its lowest."""

    rack: str
    room: str
    unit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where they go, and for each rack what stops it from taking one more."""

    places: tuple[Place, ...]
    limits: Mapping[str, str]


def place(
    site: Site, wanted: Wanted, *, graph: PowerGraph, equipment: Mapping[str, Sequence[Equipment]]
) -> Placement:
    """Place as many as are wanted, or as many as fit."""
    floor = _Floor(site, wanted, graph=graph, equipment=equipment)
    places: list[Place] = []
    while len(places) < wanted.count:
        open_racks = [rack for rack in floor.racks if floor.limit(rack) is None]
        if not open_racks:
            break
        places.append(floor.take(min(open_racks, key=floor.order)))
    limits = {rack.name: limit for rack in floor.racks if (limit := floor.limit(rack))}
    return Placement(places=tuple(places), limits=limits)


class _Floor:
    """The racks while they fill."""

    def __init__(
        self,
        site: Site,
        wanted: Wanted,
        *,
        graph: PowerGraph,
        equipment: Mapping[str, Sequence[Equipment]],
    ) -> None:
        self._site, self._wanted, self._graph = site, wanted, graph
        self._rooms = site.rooms_by_name
        self.racks = [
            rack
            for rack in site.room.racks
            if rack.room in self._rooms and (not wanted.rooms or rack.room in wanted.rooms)
        ]
        self._used: dict[str, set[int]] = {}
        self._watts: Counter[str] = Counter()
        self._kg: dict[str, float] = {}
        self._near: Counter[str] = Counter()
        self._new_in_room: Counter[str] = Counter()
        self._racks_in: dict[str, list[Rack]] = defaultdict(list)
        for rack in site.room.racks:
            self._racks_in[rack.room].append(rack)
            self._stand(rack, equipment.get(rack.name, ()))
        self._ups_losses: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for node, watts in zip(graph.nodes, graph.normal_loads, strict=True):
            if node.kind is NodeKind.UPS:
                self._ups_losses[node.room].append((1 / node.efficiency - 1, watts))
        self._headroom = _headroom_watts(graph)
        self._reach = {rack.name: _reach(graph, rack) for rack in self.racks}

    def limit(self, rack: Rack) -> str | None:
        """Say what stops a rack from taking one more server; None if nothing does."""
        return (
            self._limit_of_rack(rack)
            or self._limit_of_power(rack)
            or self._limit_of_room(rack, self._rooms[rack.room])
        )

    def order(self, rack: Rack) -> tuple[int, int, float, str]:
        """Sort racks: fewest of the role, then the emptier room, then the most power left."""
        fill = self._watts[rack.name] / rack.max_watts
        return self._near[rack.name], self._new_in_room[rack.room], fill, rack.name

    def take(self, rack: Rack) -> Place:
        """Put one server into a rack that has no limit."""
        unit = self._free_unit(rack)
        if unit is None:
            raise ValueError(f"{rack.name} is full")
        wanted = self._wanted
        self._used[rack.name].update(range(unit, unit + wanted.units))
        self._watts[rack.name] += wanted.watts
        self._kg[rack.name] += wanted.weight_kg
        self._near[rack.name] += 1
        self._new_in_room[rack.room] += 1
        for node, factor in self._reach[rack.name].items():
            self._headroom[node] -= wanted.watts * factor
        return Place(rack=rack.name, room=rack.room, unit=unit)

    def _stand(self, rack: Rack, machines: Sequence[Equipment]) -> None:
        self._used[rack.name] = {
            unit for each in machines for unit in range(each.unit, each.top_unit + 1)
        }
        self._watts[rack.name] = sum(each.watts for each in machines)
        self._kg[rack.name] = sum(each.weight_kg for each in machines)
        self._near[rack.name] = sum(each.role == self._wanted.role for each in machines)

    def _free_unit(self, rack: Rack) -> int | None:
        """Return the lowest unit from which enough units in a row are free."""
        used, height = self._used[rack.name], self._wanted.units
        starts = range(1, rack.units - height + 2)
        return next(
            (start for start in starts if used.isdisjoint(range(start, start + height))), None
        )

    def _limit_of_rack(self, rack: Rack) -> str | None:
        if self._free_unit(rack) is None:
            return f"no {self._wanted.units} free units in a row"
        if self._watts[rack.name] + self._wanted.watts > rack.max_watts:
            return f"rack limit of {rack.max_watts:,} W"
        if self._kg[rack.name] + self._wanted.weight_kg > rack.max_weight_kg:
            return f"rack limit of {rack.max_weight_kg:,} kg"
        return None

    def _limit_of_power(self, rack: Rack) -> str | None:
        if len({feed.side for feed in rack.feeds}) < BOTH_SIDES:
            return "not fed from both sides"
        for number, factor in self._reach[rack.name].items():
            if self._wanted.watts * factor > self._headroom[number]:
                node = self._graph.nodes[number]
                return f"{node.kind} {node.name}, with another piece lost"
        return None

    def _limit_of_room(self, rack: Rack, room: MachineRoom) -> str | None:
        wanted, units = self._wanted, self._site.room.cooling_units
        racks = self._racks_in[room.name]
        it_watts = sum(self._watts[each.name] for each in racks) + wanted.watts
        heat_watts = it_watts + self._ups_loss_watts(room)
        cooling = [unit.capacity_watts for unit in units if unit.room == room.name]
        spare_watts = max(cooling, default=0) if room.grade is not RoomGrade.C else 0
        if cooling and heat_watts > sum(cooling) - spare_watts:
            return f"cooling of {room.name}, with its largest unit lost"
        row_watts = sum(self._watts[each.name] for each in racks if each.row == rack.row)
        in_row = [u.capacity_watts for u in units if u.room == room.name and u.row == rack.row]
        if in_row and row_watts + wanted.watts > sum(in_row):
            return f"cooling of row {rack.row} of {room.name}"
        mass_kg = sum(self._kg[each.name] + EMPTY_RACK_KG for each in racks) + wanted.weight_kg
        if mass_kg * STANDARD_GRAVITY / 1000 / room.area_m2 > room.floor_load_kn_m2:
            return f"floor load of {room.name}"
        return None

    def _ups_loss_watts(self, room: MachineRoom) -> float:
        """Return the heat of a room's UPSs, with the new servers behind the weakest of them."""
        added_watts = (self._new_in_room[room.name] + 1) * self._wanted.watts
        losses = self._ups_losses[room.name]
        worst = max((part for part, _ in losses), default=0.0)
        return sum(part * watts for part, watts in losses) + added_watts * worst


def _headroom_watts(graph: PowerGraph) -> dict[int, float]:
    """Return what each rated node may still take on, whichever single piece is lost."""
    worst = list(graph.normal_loads)
    for number in range(len(graph.nodes)):
        for other, watts in graph.lose(number).loads.items():
            worst[other] = max(worst[other], watts)
    return {
        number: node.usable_watts - worst[number]
        for number, node in enumerate(graph.nodes)
        if node.usable_watts is not None
    }


def _reach(graph: PowerGraph, rack: Rack) -> Mapping[int, float]:
    """Return how much of a watt in a rack arrives at each rated node above it, at worst.

    A bound from above: one side carries all, and of several feeders one is already lost.
    """
    found: dict[int, float] = {}
    sides: dict[str, list[int]] = defaultdict(list)
    for name, place in feed_names(rack):
        sides[rack.feeds[place].side].append(graph.numbers[name])
    for feeds in sides.values():
        for number, factor in _arriving(graph, feeds).items():
            if graph.nodes[number].usable_watts is not None:
                found[number] = max(found.get(number, 0.0), factor)
    return found


def _arriving(graph: PowerGraph, feeds: Sequence[int]) -> Mapping[int, float]:
    """Follow a watt from one side's feeds upwards; feeders have smaller numbers."""
    arriving = dict.fromkeys(feeds, 1 / max(1, len(feeds) - 1))
    waiting = [-feed for feed in feeds]
    heapify(waiting)
    while waiting:
        number = -heappop(waiting)
        for feeder, part in _parts(graph, number):
            if feeder not in arriving:
                heappush(waiting, -feeder)
            arriving[feeder] = arriving.get(feeder, 0.0) + arriving[number] * part
    return arriving


def _parts(graph: PowerGraph, number: int) -> Iterator[tuple[int, float]]:
    """Yield the part of a node's load that each feeder carries with one of them lost."""
    node = graph.nodes[number]
    standby = [f for f in node.feeders if graph.nodes[f].kind is NodeKind.GENERATOR]
    for group in (standby, [f for f in node.feeders if f not in standby]):
        for feeder in group:
            yield feeder, 1 / node.efficiency / max(1, len(group) - 1)
