"""Make the power graph of a site.

Faults that other checks name do not stop it: a feeder that is not declared (MR002) is left out, and
so is one arrow of a loop (MR009).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.model.equipment import Equipment
from orchestrator.model.power_graph import Draw, GraphNode, NodeKind, PowerGraph
from orchestrator.model.room import (
    COOLING_COEFFICIENT,
    UPS_MARGIN,
    CoolingUnit,
    PowerPanel,
    PowerSource,
    Rack,
    Side,
    Ups,
)
from orchestrator.model.site import Site


@dataclass(frozen=True, slots=True)
class _Planned:
    """A node before its feeders have numbers."""

    key: str
    node: GraphNode
    fed_by: tuple[str, ...]


def power_graph(site: Site, equipment: Mapping[str, Sequence[Equipment]]) -> PowerGraph:
    """Return the graph; `equipment` is what stands in each rack."""
    planned: dict[str, _Planned] = {}
    for each in _planned(site):
        planned.setdefault(each.key, each)
    keys = _feeders_first(planned)
    number_of = {key: number for number, key in enumerate(keys)}
    nodes = tuple(
        replace(
            planned[key].node,
            feeders=tuple(
                number_of[feeder]
                for feeder in dict.fromkeys(planned[key].fed_by)
                if number_of.get(feeder, number) < number
            ),
        )
        for number, key in enumerate(keys)
    )
    numbers: dict[str, int] = {}
    for key in planned:
        numbers.setdefault(planned[key].node.name, number_of[key])
    draws = tuple(
        draw
        for rack in site.room.racks
        for draw in _draws(rack, equipment.get(rack.name, ()), number_of)
    )
    return PowerGraph(nodes=nodes, draws=draws, numbers=numbers)


def feed_names(rack: Rack) -> Iterator[tuple[str, int]]:
    """Yield the name of each feed of a rack with its place in the list: city-a01/A."""
    counts: dict[Side, int] = defaultdict(int)
    for place, feed in enumerate(rack.feeds):
        counts[feed.side] += 1
        number = f".{counts[feed.side]}" if counts[feed.side] > 1 else ""
        yield f"{rack.name}/{feed.side}{number}", place


def _feeders_first(planned: Mapping[str, _Planned]) -> list[str]:
    """Order the nodes; those of a loop, and what hangs on it alone, come last as they stand."""
    waits = {
        key: len({feeder for feeder in each.fed_by if feeder in planned})
        for key, each in planned.items()
    }
    feeds: dict[str, list[str]] = defaultdict(list)
    for key, each in planned.items():
        for feeder in set(each.fed_by):
            feeds[feeder].append(key)
    ready = deque(key for key in planned if not waits[key])
    ordered: list[str] = []
    while ready:
        key = ready.popleft()
        ordered.append(key)
        for fed in feeds[key]:
            waits[fed] -= 1
            if not waits[fed]:
                ready.append(fed)
    done = set(ordered)
    return [*ordered, *(key for key in planned if key not in done)]


def _planned(site: Site) -> Iterator[_Planned]:
    room = site.room
    yield from map(_source, room.power_sources)
    yield from map(_ups, room.ups)
    yield from map(_panel, room.power_panels)
    for rack in room.racks:
        yield from _feeds(rack)
        yield from _pdus(rack)
    yield from map(_cooling, room.cooling_units)


def _source(source: PowerSource) -> _Planned:
    node = GraphNode(
        name=source.name,
        kind=NodeKind(source.kind.value),
        room=source.room,
        source=source.source,
        feeders=(),
        usable_watts=source.capacity_watts,
        rated_watts=source.capacity_watts,
        side=source.side,
    )
    return _Planned(source.name, node, source.fed_by)


def _ups(ups: Ups) -> _Planned:
    node = GraphNode(
        name=ups.name,
        kind=NodeKind.UPS,
        room=ups.room,
        source=ups.source,
        feeders=(),
        usable_watts=ups.capacity_watts / UPS_MARGIN,
        rated_watts=ups.capacity_watts,
        efficiency=ups.efficiency_percent / 100,
        side=ups.side,
    )
    return _Planned(ups.name, node, ups.fed_by)


def _panel(panel: PowerPanel) -> _Planned:
    node = GraphNode(
        name=panel.name,
        kind=NodeKind.PANEL,
        room=panel.room,
        source=panel.source,
        feeders=(),
        usable_watts=panel.capacity_watts,
        rated_watts=panel.capacity_watts,
        side=panel.side,
    )
    return _Planned(panel.name, node, panel.fed_by)


def _feeds(rack: Rack) -> Iterator[_Planned]:
    for name, place in feed_names(rack):
        feed = rack.feeds[place]
        node = GraphNode(
            name=name,
            kind=NodeKind.FEED,
            room=rack.room,
            source=rack.source.at(f"feeds.{place}"),
            feeders=(),
            usable_watts=feed.usable_watts,
            rated_watts=feed.breaker_watts,
            rack=rack.name,
            side=feed.side,
        )
        yield _Planned(name, node, (feed.panel,))


def _pdus(rack: Rack) -> Iterator[_Planned]:
    for place, (key, feeds) in enumerate(_pdu_feeds(rack)):
        pdu = rack.pdus[place]
        # A strip is as strong as its feed's breaker, which is judged already.
        node = GraphNode(
            name=pdu.name,
            kind=NodeKind.PDU,
            room=rack.room,
            source=rack.source.at(f"pdus.{place}"),
            feeders=(),
            usable_watts=None,
            rated_watts=None,
            rack=rack.name,
            side=pdu.side,
        )
        if feeds:  # without a feed on its side it has no power: MR015
            yield _Planned(key, node, feeds)


def _pdu_feeds(rack: Rack) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each PDU's key with its feeds: one each where a side has as many of both."""
    sides: dict[Side, list[str]] = defaultdict(list)
    for name, place in feed_names(rack):
        sides[rack.feeds[place].side].append(name)
    met: dict[Side, int] = defaultdict(int)
    for pdu in rack.pdus:
        feeds = sides[pdu.side]
        one_each = len(feeds) == sum(each.side is pdu.side for each in rack.pdus)
        number = met[pdu.side]
        met[pdu.side] += 1
        yield f"{rack.name}/{pdu.name}", (feeds[number],) if one_each else tuple(feeds)


def _cooling(unit: CoolingUnit) -> _Planned:
    input_watts = unit.input_watts or unit.capacity_watts / COOLING_COEFFICIENT
    node = GraphNode(
        name=unit.name,
        kind=NodeKind.COOLING,
        room=unit.room,
        source=unit.source,
        feeders=(),
        usable_watts=None,
        rated_watts=None,
        own_watts=input_watts if unit.fed_by else 0.0,
    )
    return _Planned(f"{unit.room}//{unit.name}", node, unit.fed_by)


def _draws(
    rack: Rack, equipment: Sequence[Equipment], number_of: Mapping[str, int]
) -> Iterator[Draw]:
    """Yield the machines of a rack, grouped by the sides that they draw from."""
    taps = _taps(rack, number_of)
    groups: dict[tuple[Side, ...], list[Equipment]] = defaultdict(list)
    for machine in equipment:
        groups[machine.sides_in(rack)].append(machine)
    for sides, machines in groups.items():
        if sides:  # what has no power to begin with is HW010's and MR020's
            yield Draw(
                rack=rack.name,
                room=rack.room,
                machines=tuple(machines),
                watts=sum(machine.watts for machine in machines),
                taps=tuple(taps[side] for side in sides),
            )


def _taps(rack: Rack, number_of: Mapping[str, int]) -> Mapping[Side, tuple[int, ...]]:
    """Return where machines are plugged in on each side: its PDUs, or its feeds without any."""
    pdus: dict[Side, list[int]] = defaultdict(list)
    for pdu, (key, _) in zip(rack.pdus, _pdu_feeds(rack), strict=True):
        if key in number_of:
            pdus[pdu.side].append(number_of[key])
    feeds: dict[Side, list[int]] = defaultdict(list)
    for name, place in feed_names(rack):
        feeds[rack.feeds[place].side].append(number_of[name])
    return {side: tuple(dict.fromkeys(pdus[side] or feeds[side])) for side in feeds}
