"""Look at machine rooms: what stands where, what a loss would do, where more would fit.

Nothing but the site's files is read. Faults that the checks find do not stop these commands: they
are where one looks to understand such a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from orchestrator.checks import power, room, supply, sweep
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.loads import feeds_by_side, rack_watts, room_heat_watts
from orchestrator.model.diagnostic import Severity
from orchestrator.model.equipment import Equipment
from orchestrator.model.network import Device, DeviceRole
from orchestrator.model.power_graph import GraphNode
from orchestrator.model.power_sweep import cascade, lost_cooling
from orchestrator.model.room import CoolingUnit, MachineRoom, Rack, Sensor, Side
from orchestrator.model.site import RegionKind
from orchestrator.planning.placement import Place, Placement, Wanted, place
from orchestrator.ports import Clock
from orchestrator.spec.load import load_site


@dataclass(frozen=True, kw_only=True, slots=True)
class SideView:
    """One power side of a rack."""

    side: Side
    alone_watts: int
    """What it carries when it is the only one: all machines that are plugged into it."""
    usable_watts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RackView:
    """A rack with what stands in it, lowest first."""

    rack: Rack
    equipment: tuple[Equipment, ...]
    watts: int
    weight_kg: float
    sides: tuple[SideView, ...]

    @property
    def used_units(self) -> int:
        """Return how many rack units are filled."""
        return sum(each.height_units for each in self.equipment)

    @property
    def power_fill(self) -> float:
        """Return the part of its tightest power limit that is planned; 1 is full."""
        parts = [side.alone_watts / side.usable_watts for side in self.sides if side.usable_watts]
        return max([self.watts / self.rack.max_watts, *parts])

    @property
    def weight_fill(self) -> float:
        """Return the part of its weight limit that is planned."""
        return self.weight_kg / self.rack.max_weight_kg


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomView:
    """A machine room with its racks in the order of rows and positions."""

    room: MachineRoom
    racks: tuple[RackView, ...]
    cooling: tuple[CoolingUnit, ...]
    sensors: tuple[Sensor, ...]
    heat_watts: float

    @property
    def cooling_watts(self) -> int:
        """Return the heat that all cooling units together remove."""
        return sum(unit.capacity_watts for unit in self.cooling)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeLoad:
    """What a piece of the power chain carries before and after."""

    node: GraphNode
    before_watts: float
    after_watts: float

    @property
    def is_overloaded(self) -> bool:
        """Say whether it may not carry this for ever."""
        return self.node.is_overloaded_by(self.after_watts)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoolingLeft:
    """The cooling of one room after some units stopped."""

    room: str
    stopped: tuple[str, ...]
    left_watts: int
    heat_watts: float

    @property
    def is_enough(self) -> bool:
        """Say whether the rest removes the heat."""
        return self.left_watts >= self.heat_watts


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What the loss of one node does."""

    removed: GraphNode
    dark: tuple[Equipment, ...]
    tripped: tuple[GraphNode, ...]
    """What trips in the wake of it, in the order of its tripping."""
    dead: tuple[GraphNode, ...]
    """What has no power any more, without the removed and the tripped."""
    loads: tuple[NodeLoad, ...]
    """Survivors whose load changed."""
    cooling: tuple[CoolingLeft, ...]

    @property
    def is_survived(self) -> bool:
        """Say whether everything runs on within its limits."""
        overloaded = any(load.is_overloaded for load in self.loads)
        cool = all(each.is_enough for each in self.cooling)
        return not self.dark and not self.tripped and not overloaded and cool


def open_index(directory: Path, *, clock: Clock) -> SiteIndex:
    """Return the site with its indexes.

    Raises:
        SpecError: the files cannot be read as a site.
    """
    return SiteIndex(load_site(directory).site, clock.now().date())


def view_rooms(index: SiteIndex, *, name: str | None = None) -> tuple[RoomView, ...]:
    """Return one machine room, or all."""
    layer = index.site.room
    return tuple(
        RoomView(
            room=hall,
            racks=tuple(_view_rack(index, rack) for rack in _racks_of(index, hall.name)),
            cooling=tuple(each for each in layer.cooling_units if each.room == hall.name),
            sensors=tuple(each for each in layer.sensors if each.room == hall.name),
            heat_watts=room_heat_watts(index, hall),
        )
        for hall in layer.rooms
        if name in {None, hall.name}
    )


def fail(index: SiteIndex, name: str) -> Failure:
    """Return what the loss of a node does; the name is one of the power graph's `numbers`."""
    graph = index.power_graph
    ended = cascade(graph, graph.numbers[name])
    loss, gone = ended.loss, {graph.numbers[name], *ended.tripped}
    return Failure(
        removed=graph.nodes[graph.numbers[name]],
        dark=tuple(each for number in loss.dark for each in graph.draws[number].machines),
        tripped=tuple(graph.nodes[number] for number in ended.tripped),
        dead=tuple(graph.nodes[number] for number in sorted(loss.dead - gone)),
        loads=tuple(
            NodeLoad(
                node=graph.nodes[number],
                before_watts=graph.normal_loads[number],
                after_watts=watts,
            )
            for number, watts in sorted(loss.loads.items())
            if number not in loss.dead and abs(watts - graph.normal_loads[number]) >= 1
        ),
        cooling=tuple(_cooling_left(index, lost_cooling(graph, loss).items())),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Where servers would go, and what the checks of the rooms would say then."""

    wanted: Wanted
    placement: Placement
    faults: tuple[str, ...]
    """Findings that the site would have with them and does not have without."""

    @property
    def fits(self) -> bool:
        """Say whether all of them have a place, and break no rule there."""
        return len(self.placement.places) == self.wanted.count and not self.faults


def propose(index: SiteIndex, wanted: Wanted) -> Proposal:
    """Find places for servers, and prove them: the rooms are checked with the servers in them."""
    placement = place(
        index.site, wanted, graph=index.power_graph, equipment=index.equipment_by_rack
    )
    filled = replace(
        index.site,
        network=replace(
            index.site.network,
            devices=(*index.site.network.devices, *_stand_ins(wanted, placement.places)),
        ),
    )
    before = set(_findings(index))
    after = _findings(SiteIndex(filled, index.today, measured_watts=index.measured_watts))
    faults = tuple(code for code in after if code not in before)
    return Proposal(wanted=wanted, placement=placement, faults=faults)


def city_rooms(index: SiteIndex) -> frozenset[str]:
    """Return the rooms of the city's own regions; all rooms where no region is a city."""
    regions = {each.name for each in index.site.regions if each.kind is RegionKind.CITY}
    halls = index.site.room.rooms
    return frozenset(hall.name for hall in halls if not regions or hall.region in regions)


def _stand_ins(wanted: Wanted, places: Sequence[Place]) -> Iterator[Device]:
    """Yield a device for each new server: a rack sees units, watts and kilograms, no more."""
    for number, each in enumerate(places, start=1):
        yield Device(
            name=f"new-{number:02}",
            rack=each.rack,
            unit=each.unit,
            height_units=wanted.units,
            role=DeviceRole.LEAF,
            vendor="",
            model="",
            ports=1,
            nameplate_watts=wanted.watts,
            weight_kg=wanted.weight_kg,
            serial="",
            address=IPv4Address(0),
        )


def _findings(index: SiteIndex) -> tuple[str, ...]:
    """Return the rules of rooms and power that are broken, and by which thing."""
    return tuple(
        dict.fromkeys(
            f"{check.code} {finding.detail}"
            for check in (*room.CHECKS, *power.CHECKS, *supply.CHECKS, *sweep.CHECKS)
            if check.severity is Severity.ERROR
            for finding in check.find(index)
        )
    )


def _cooling_left(
    index: SiteIndex, lost: Iterable[tuple[str, tuple[int, ...]]]
) -> Iterator[CoolingLeft]:
    for room_name, units in lost:
        hall = index.site.rooms_by_name.get(room_name)
        stopped = {index.power_graph.nodes[number].name for number in units}
        left_watts = sum(
            unit.capacity_watts
            for unit in index.site.room.cooling_units
            if unit.room == room_name and unit.name not in stopped
        )
        if hall:
            yield CoolingLeft(
                room=room_name,
                stopped=tuple(sorted(stopped)),
                left_watts=left_watts,
                heat_watts=room_heat_watts(index, hall),
            )


def _racks_of(index: SiteIndex, hall: str) -> Sequence[Rack]:
    racks = [rack for rack in index.site.room.racks if rack.room == hall]
    return sorted(racks, key=lambda rack: (rack.row, rack.position, rack.name))


def _view_rack(index: SiteIndex, rack: Rack) -> RackView:
    equipment = tuple(index.equipment_by_rack.get(rack.name, ()))
    return RackView(
        rack=rack,
        equipment=equipment,
        watts=rack_watts(index, rack),
        weight_kg=sum(each.weight_kg for each in equipment),
        sides=tuple(
            SideView(
                side=side,
                alone_watts=sum(each.watts for each in equipment if side in each.sides_in(rack)),
                usable_watts=sum(feed.usable_watts for feed in feeds),
            )
            for side, feeds in sorted(feeds_by_side(rack).items())
        ),
    )
