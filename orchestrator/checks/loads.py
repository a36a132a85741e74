"""Loads in watts along the power chain, with one side of a room lost.

A rack's equipment has a supply on each side; when one side is lost, the other carries all of it.
So every feed, panel and UPS is judged as if its side were the only one. Loads are nameplate
sums: what may be drawn, not what usually is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from orchestrator.checks.index import SiteIndex
from orchestrator.model.power_graph import NodeKind
from orchestrator.model.room import MachineRoom, PowerFeed, PowerPanel, Rack, Side, Ups


def rack_watts(index: SiteIndex, rack: Rack) -> int:
    """Return the nameplate sum of a rack's equipment."""
    return sum(each.watts for each in index.equipment_by_rack.get(rack.name, ()))


def room_heat_watts(index: SiteIndex, room: MachineRoom) -> float:
    """Return the heat of a room: its racks' nameplate sum, and what its UPSs lose on the way.

    A UPS's loss is taken at its load with nothing lost. UPSs in a room of their own heat that one.
    """
    graph = index.power_graph
    ups_loss_watts = sum(
        watts / node.efficiency - watts
        for node, watts in zip(graph.nodes, graph.normal_loads, strict=True)
        if node.kind is NodeKind.UPS and node.room == room.name
    )
    racks = (rack for rack in index.site.room.racks if rack.room == room.name)
    return sum(rack_watts(index, rack) for rack in racks) + ups_loss_watts


def feeds_by_side(rack: Rack) -> Mapping[Side, Sequence[PowerFeed]]:
    """Group a rack's feeds by side."""
    sides: dict[Side, list[PowerFeed]] = defaultdict(list)
    for feed in rack.feeds:
        sides[feed.side].append(feed)
    return sides


def node_watts(index: SiteIndex) -> Mapping[str, float]:
    """Return the load of every panel and UPS. What has several feeders loads them equally."""
    direct: dict[str, float] = defaultdict(float)
    for rack in index.site.room.racks:
        for feeds in feeds_by_side(rack).values():
            for feed in feeds:
                direct[feed.panel] += rack_watts(index, rack) / len(feeds)
    children: dict[str, list[tuple[str, int]]] = defaultdict(list)
    room = index.site.room
    nodes: tuple[PowerPanel | Ups, ...] = (*room.power_panels, *room.ups)
    for node in nodes:
        for feeder in node.fed_by:
            children[feeder].append((node.name, len(node.fed_by)))
    loads: dict[str, float] = {}
    for node in nodes:
        _add_load(node.name, loads, (direct, children))
    return loads


def _add_load(
    name: str,
    loads: dict[str, float],
    chain: tuple[Mapping[str, float], Mapping[str, list[tuple[str, int]]]],
) -> float:
    """Return the load of a node, and remember it; a loop (MR009) counts once."""
    if name not in loads:
        direct, children = chain
        loads[name] = direct.get(name, 0.0)
        loads[name] += sum(
            _add_load(child, loads, chain) / feeders for child, feeders in children.get(name, ())
        )
    return loads[name]
