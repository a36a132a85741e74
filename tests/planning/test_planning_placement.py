"""Placement: what it honours, one limit at a time, and that nothing else is in the way."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.checks.index import SiteIndex
from orchestrator.model.room import CoolingUnit
from orchestrator.model.site import Site
from orchestrator.planning.placement import Placement, Wanted, place
from orchestrator.spec.load import load_site
from orchestrator.workflows.room import propose

ROOT = Path(__file__).parents[2]
BASE = load_site(ROOT / "tests" / "cases" / "_base").site
CITY = load_site(ROOT / "inventory" / "yangzhou").site
TODAY = date(2026, 11, 22)
HALL = frozenset({"hall"})


def wanted(count: int = 100, **changes: object) -> Wanted:
    small = Wanted(count=count, watts=10, units=1, weight_kg=1.0, rooms=HALL)
    return replace(small, **changes)


def placed(site: Site, asked: Wanted) -> Placement:
    index = SiteIndex(site, TODAY)
    return place(site, asked, graph=index.power_graph, equipment=index.equipment_by_rack)


def with_racks(**changes: object) -> Site:
    racks = tuple(
        replace(rack, **changes) if rack.room == "hall" else rack for rack in BASE.room.racks
    )
    return replace(BASE, room=replace(BASE.room, racks=racks))


def test_every_free_unit_is_used_and_no_other() -> None:
    found = placed(BASE, wanted())
    taken = {(each.rack, each.unit) for each in found.places}
    assert taken == {("r1", n) for n in range(7, 42)} | {("r2", n) for n in range(5, 42)}
    assert found.limits == {"r1": "no 1 free units in a row", "r2": "no 1 free units in a row"}


def test_a_server_needs_its_units_in_a_row() -> None:
    found = placed(BASE, wanted(units=30))
    assert [(each.rack, each.unit) for each in found.places] == [("r2", 5), ("r1", 7)]


@pytest.mark.parametrize(
    ("changes", "asked", "count", "limit"),
    [
        ({"max_watts": 3000}, {"watts": 300}, 4, "rack limit of 3,000 W"),
        ({"max_weight_kg": 99}, {"weight_kg": 5.0}, 4, "rack limit of 99 kg"),
        ({"feeds": BASE.room.racks[0].feeds[:1]}, {}, 0, "not fed from both sides"),
        ({}, {"watts": 3200}, 1, "feed r1/A, with another piece lost"),
    ],
)
def test_a_limit_of_the_rack_stops_it_and_is_named(
    changes: dict, asked: dict, count: int, limit: str
) -> None:
    found = placed(with_racks(**changes), wanted(**asked))
    assert (len(found.places), limit) == (count, found.limits["r1"])


def test_a_panel_must_carry_everything_when_the_other_side_is_lost() -> None:
    """It carries 4,800 W then; 5,000 leave room for two of 100."""
    panels = tuple(replace(each, capacity_watts=5000) for each in BASE.room.power_panels)
    site = replace(BASE, room=replace(BASE.room, power_panels=panels))
    found = placed(site, wanted(watts=100))
    assert len(found.places) == 2
    assert found.limits["r1"] == "panel panel-a, with another piece lost"


def test_cooling_counts_without_its_largest_unit_and_with_the_losses_of_the_ups() -> None:
    """5,053 W of heat; 5,200 W leave room for one of 100 W with its loss, not for two."""
    units = tuple(CoolingUnit(name=f"c{n}", room="hall", capacity_watts=5200) for n in "ab")
    site = replace(BASE, room=replace(BASE.room, cooling_units=units))
    found = placed(site, wanted(watts=100))
    assert len(found.places) == 1
    assert found.limits["r2"] == "cooling of hall, with its largest unit lost"


def test_the_floor_bears_only_what_it_bears() -> None:
    """Two racks of 120 kg with 84+10 and 71+10 kg; 4 m2 of 1.1 kN/m2 bear 448.7 kg."""
    hall, *others = BASE.room.rooms
    light = replace(hall, area_m2=4.0, floor_load_kn_m2=1.1)
    site = replace(BASE, room=replace(BASE.room, rooms=(light, *others)))
    found = placed(site, wanted(weight_kg=10.0))
    assert len(found.places) == 3
    assert found.limits["r1"] == "floor load of hall"


def test_servers_keep_away_from_those_of_their_role() -> None:
    """Rack r1 has three compute servers, r2 two storage servers."""
    first = placed(BASE, wanted(3, role="compute"))
    assert [each.rack for each in first.places] == ["r2", "r2", "r2"]
    spread = placed(BASE, wanted(4))
    assert Counter(each.rack for each in spread.places) == {"r1": 2, "r2": 2}


@settings(max_examples=25)
@given(
    st.builds(
        Wanted,
        count=st.integers(1, 80),
        watts=st.integers(50, 4000),
        units=st.integers(1, 6),
        weight_kg=st.floats(1, 300),
        role=st.sampled_from([None, "compute", "control"]),
        rooms=st.sampled_from([frozenset({"city-hall-1"}), frozenset({"dr-hall", "gaoyou-room"})]),
    )
)
def test_what_is_placed_breaks_no_check_and_is_never_more_than_asked(asked: Wanted) -> None:
    """`propose` runs the checks of rooms and power over the city with the servers in it."""
    found = propose(SiteIndex(CITY, TODAY), asked)
    assert found.faults == ()
    assert len(found.placement.places) <= asked.count
    assert found.fits or found.placement.limits
