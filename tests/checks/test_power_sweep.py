"""The single-failure sweep against brute force, and what it says about the reference city."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.run import check_site
from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.room import (
    Pdu,
    PowerFeed,
    PowerPanel,
    PowerSource,
    PowerSourceKind,
    RoomGrade,
    Side,
    Ups,
)
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site

ROOT = Path(__file__).parents[2]
BASE = load_site(ROOT / "tests" / "cases" / "_base").site
CITY = load_site(ROOT / "inventory" / "yangzhou").site
TODAY = date(2026, 11, 22)
SIDES = st.sampled_from(list(Side))
WATTS = st.integers(1000, 9000)


def some(names: list[str], *, least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=3, unique=True).map(tuple)


@st.composite
def rooms(draw: st.DrawFn) -> Site:
    """Draw a small room: any feeder may feed anything below it, across sides too."""
    utilities = [
        PowerSource(name=f"u{n}", room="hall", kind=PowerSourceKind.UTILITY,
                    capacity_watts=draw(WATTS))
        for n in range(draw(st.integers(1, 2)))
    ]  # fmt: skip
    generators = [
        PowerSource(name=f"g{n}", room="hall", kind=PowerSourceKind.GENERATOR,
                    capacity_watts=draw(WATTS))
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    roots = [each.name for each in (*utilities, *generators)]
    ups = tuple(
        Ups(name=f"ups{n}", room="hall", side=draw(SIDES), capacity_watts=draw(WATTS),
            battery_minutes=15, fed_by=draw(some(roots)))
        for n in range(draw(st.integers(1, 3)))
    )  # fmt: skip
    panels = tuple(
        PowerPanel(name=f"p{n}", room="hall", side=draw(SIDES), capacity_watts=draw(WATTS),
                   fed_by=draw(some([each.name for each in ups] + roots[:1])))
        for n in range(draw(st.integers(1, 3)))
    )  # fmt: skip
    feeds = st.builds(
        PowerFeed, side=SIDES, panel=st.sampled_from([each.name for each in panels]),
        amperes=st.integers(5, 32),
    )  # fmt: skip
    racks = tuple(
        replace(
            BASE.room.racks[0],
            name=f"rack{n}",
            feeds=tuple(draw(st.lists(feeds, max_size=3))),
            pdus=tuple(
                Pdu(name=f"pdu{n}-{m}", side=side, model="x", outlets=8)
                for m, side in enumerate(draw(st.lists(SIDES, max_size=3)))
            ),
        )
        for n in range(draw(st.integers(1, 3)))
    )
    devices = tuple(
        replace(
            BASE.network.devices[0],
            name=f"d{n}",
            rack=draw(st.sampled_from([each.name for each in racks])),
            nameplate_watts=draw(st.integers(1, 2000)),
            psus=tuple(draw(st.lists(SIDES, max_size=2))),
        )
        for n in range(draw(st.integers(1, 6)))
    )
    room = replace(
        BASE.room, power_sources=(*utilities, *generators), ups=ups, power_panels=panels,
        racks=racks, cooling_units=(), sensors=(),
    )  # fmt: skip
    network = replace(BASE.network, devices=devices)
    return replace(BASE, room=room, network=network, hardware=replace(BASE.hardware, servers=()))


class BruteForce:
    """A room with one thing gone, computed anew and from nothing but the declaration."""

    def __init__(self, site: Site, gone: str | None) -> None:
        self.gone = gone
        room = site.room
        self.feeders = {n.name: n.fed_by for n in (*room.power_sources, *room.ups)}
        self.feeders |= {panel.name: panel.fed_by for panel in room.power_panels}
        self.standby = {n.name for n in room.power_sources if n.kind is PowerSourceKind.GENERATOR}
        self.efficiency = {each.name: each.efficiency_percent / 100 for each in room.ups}
        self.cords: dict[str, list[list[str]]] = {}
        for rack in room.racks:
            self._wire(rack, [each for each in site.network.devices if each.rack == rack.name])
        self.watts = {each.name: each.nameplate_watts for each in site.network.devices}

    def _wire(self, rack, devices) -> None:
        feeds: dict[Side, list[str]] = {}
        for feed in rack.feeds:
            names = feeds.setdefault(feed.side, [])
            names.append(f"{rack.name}/{feed.side}" + (f".{len(names) + 1}" if names else ""))
            self.feeders[names[-1]] = (feed.panel,)
        plugs = {}
        for side, names in feeds.items():
            strips = [pdu.name for pdu in rack.pdus if pdu.side is side]
            for n, strip in enumerate(strips):
                single = len(strips) == len(names)
                self.feeders[strip] = (names[n],) if single else tuple(names)
            plugs[side] = strips or names
        for device in devices:
            sides = set(device.psus) or set(Side)
            self.cords[device.name] = [plugs[side] for side in sides if side in plugs]

    def alive(self, name: str) -> bool:
        feeders = self.feeders[name]
        return name != self.gone and (not feeders or any(map(self.alive, feeders)))

    def active(self, name: str) -> list[str]:
        live = [each for each in self.feeders[name] if self.alive(each)]
        return [each for each in live if each not in self.standby] or live

    def dark(self) -> set[str]:
        return {
            name for name, sides in self.cords.items()
            if sides and not any(self.alive(plug) for plugs in sides for plug in plugs)
        }  # fmt: skip

    @cache  # noqa: B019 - lives as long as one example
    def load(self, name: str) -> float:
        if not self.alive(name):
            return 0.0
        total = 0.0
        for device, sides in self.cords.items():
            live = [[plug for plug in plugs if self.alive(plug)] for plugs in sides]
            live = [plugs for plugs in live if plugs]
            total += sum(self.watts[device] / len(live) / len(p) for p in live if name in p)
        for child in self.feeders:
            if self.alive(child) and name in (active := self.active(child)):
                total += self.load(child) / self.efficiency.get(child, 1.0) / len(active)
        return total


@settings(max_examples=80)
@given(rooms())
def test_every_loss_is_what_brute_force_says(site: Site) -> None:
    graph = SiteIndex(site, TODAY).power_graph
    sound = BruteForce(site, None)
    assert {node.name for node in graph.nodes} == set(sound.feeders)
    for number, node in enumerate(graph.nodes):
        assert graph.normal_loads[number] == pytest.approx(sound.load(node.name), abs=1e-6)
    for number, node in enumerate(graph.nodes):
        loss, brute = graph.lose(number), BruteForce(site, node.name)
        assert {graph.nodes[each].name for each in loss.dead} == {
            name for name in brute.feeders if not brute.alive(name)
        }
        for other, each in enumerate(graph.nodes):
            assert graph.load_after(loss, other) == pytest.approx(brute.load(each.name), abs=1e-6)
        dark = {machine.name for each in loss.dark for machine in graph.draws[each].machines}
        assert dark == brute.dark()


@settings(max_examples=80)
@given(rooms())
def test_the_sweep_keeps_the_worst_loss_of_each_node_and_every_blackout(site: Site) -> None:
    index = SiteIndex(site, TODAY)
    graph, found = index.power_graph, index.power_sweep
    brutes = {None: BruteForce(site, None)}
    brutes |= {node.name: BruteForce(site, node.name) for node in graph.nodes}
    worst = {graph.nodes[each.node].name: each.watts for each in found.overloads}
    for node in graph.nodes:
        loads = [brute.load(node.name) for brute in brutes.values()]
        over = [each for each in loads if node.is_overloaded_by(each)]
        normal = brutes[None].load(node.name)
        if node.is_overloaded_by(normal):
            assert worst[node.name] == pytest.approx(normal)
        elif over:
            assert worst[node.name] == pytest.approx(max(over))
        else:
            assert node.name not in worst
    dual = {each.name for draw in graph.draws if draw.is_dual_fed for each in draw.machines}
    said = {
        each.name for blackout in found.blackouts
        for draw in blackout.draws for each in graph.draws[draw].machines
    }  # fmt: skip
    dark = set().union(*(brute.dark() for gone, brute in brutes.items() if gone))
    assert said == dual & dark


def findings(site: Site, code: str) -> list[Diagnostic]:
    return [each for each in check_site(site, today=TODAY) if each.code == code]


def with_room(site: Site, **changes: object) -> Site:
    return replace(site, room=replace(site.room, **changes))


def test_the_city_survives_every_single_failure() -> None:
    sweep = SiteIndex(CITY, TODAY).power_sweep
    assert (sweep.overloads, sweep.blackouts, sweep.cooling) == ((), (), ())


def test_a_feed_from_the_wrong_panel_is_named_with_what_goes_dark() -> None:
    racks = tuple(
        replace(rack, feeds=(rack.feeds[0], replace(rack.feeds[1], panel="city-panel-a-a")))
        if rack.name == "city-a03" else rack
        for rack in CITY.room.racks
    )  # fmt: skip
    [found] = findings(with_room(CITY, racks=racks), "MR018")
    assert "Without panel city-panel-a-a, 10,315 W go dark: city-cmp-023" in found.detail
    assert found.source.file == "room/city.yaml"


def test_a_transformer_that_cannot_take_over_is_named_with_the_loss_and_the_watts() -> None:
    sources = tuple(
        replace(each, capacity_watts=200_000) if each.name == "city-transformer-a" else each
        for each in CITY.room.power_sources
    )
    [found] = findings(with_room(CITY, power_sources=sources), "MR017")
    assert found.detail.startswith("Without ")
    assert "transformer city-transformer-a would carry" in found.detail
    assert "W of 200,000 W" in found.detail


def test_a_room_of_grade_c_need_not_survive_its_only_utility() -> None:
    """The same room in grade B must."""
    sources = (
        PowerSource(name="grid", room="hall", kind=PowerSourceKind.UTILITY, capacity_watts=100_000),
    )
    ups = tuple(replace(each, fed_by=("grid",)) for each in BASE.room.ups)
    site = with_room(BASE, power_sources=sources, ups=ups)
    hall, *others = BASE.room.rooms
    for grade, count in ((RoomGrade.B, 1), (RoomGrade.C, 0)):
        judged = with_room(site, rooms=(replace(hall, grade=grade), *others))
        assert len(findings(judged, "MR018")) == count


def test_a_loop_does_not_stop_the_sweep() -> None:
    first, *others = BASE.room.ups
    site = with_room(BASE, ups=(replace(first, fed_by=(first.name, "panel-a")), *others))
    assert findings(site, "MR009")
    assert len(SiteIndex(site, TODAY).power_graph.nodes) == len(
        SiteIndex(BASE, TODAY).power_graph.nodes
    )


def test_supplies_on_one_side_are_found_and_lose_their_machine_with_that_side() -> None:
    servers = (replace(BASE.hardware.servers[0], psus=(Side.A, Side.A)), *BASE.hardware.servers[1:])
    site = replace(BASE, hardware=replace(BASE.hardware, servers=servers))
    [found] = findings(site, "MR020")
    assert "cmp-01" in found.detail
    graph = SiteIndex(site, TODAY).power_graph
    loss = graph.lose(graph.numbers["r1/A"])
    assert [graph.draws[each].machines[0].name for each in loss.dark] == ["cmp-01"]
