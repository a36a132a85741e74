"""Limits of the rules about sources, phases, supplies and sensors: each side of each of them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check
from orchestrator.checks.supply import (
    generators_carry_the_site,
    generators_have_fuel,
    phases_are_balanced,
    rooms_are_watched,
    supplies_reach_both_sides,
)
from orchestrator.checks.sweep import losses_leave_enough_cooling, pairs_do_not_fail_together
from orchestrator.model.room import CoolingUnit, PowerSource, PowerSourceKind, RoomGrade, Side
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site

BASE = load_site(Path(__file__).parents[1] / "cases" / "_base").site
TODAY = date(2026, 11, 22)


def details(check: Check, site: Site) -> list[str]:
    return [finding.detail for finding in check.find(SiteIndex(site, TODAY))]


def with_room(**changes: object) -> Site:
    return replace(BASE, room=replace(BASE.room, **changes))


def graded(site: Site, grade: RoomGrade) -> Site:
    rooms = tuple(replace(each, grade=grade) for each in site.room.rooms)
    return replace(site, room=replace(site.room, rooms=rooms))


def with_generators(*watts: int, fuel_hours: int | None = 12) -> Site:
    """Put generators behind both UPSs; they give 4,800 W, take 5,053 W, and cool with a third."""
    generators = tuple(
        PowerSource(
            name=f"gen-{number}",
            room="hall",
            kind=PowerSourceKind.GENERATOR,
            capacity_watts=each,
            fuel_hours=fuel_hours,
        )
        for number, each in enumerate(watts)
    )
    names = tuple(each.name for each in generators)
    ups = tuple(replace(each, fed_by=(*each.fed_by, *names)) for each in BASE.room.ups)
    return with_room(power_sources=(*BASE.room.power_sources, *generators), ups=ups)


@pytest.mark.parametrize(
    ("grade", "watts", "weak"),
    [
        (RoomGrade.B, (6736,), 1),
        (RoomGrade.B, (6737,), 0),
        (RoomGrade.B, (3369, 3369), 0),
        (RoomGrade.A, (3369, 3369), 2),
        (RoomGrade.A, (6737, 6736), 1),
        (RoomGrade.A, (6737, 6737), 0),
    ],
)
def test_generators_start_ups_and_cooling_in_grade_a_without_one_of_them(
    grade: RoomGrade, watts: tuple[int, ...], weak: int
) -> None:
    """4,800 / 0.95 * 4 / 3 = 6,736.8 W."""
    found = details(generators_carry_the_site, graded(with_generators(*watts), grade))
    assert len(found) == weak


def test_cooling_that_says_its_panel_is_not_counted_twice() -> None:
    """5,053 W for the UPSs; the coolers' own 100 W come over a UPS that takes 105."""
    units = tuple(replace(each, fed_by=("panel-a",), input_watts=50)
                  for each in BASE.room.cooling_units)  # fmt: skip
    for watts, weak in ((5157, 1), (5158, 0)):
        site = with_generators(watts)
        site = graded(replace(site, room=replace(site.room, cooling_units=units)), RoomGrade.B)
        assert len(details(generators_carry_the_site, site)) == weak


@pytest.mark.parametrize(
    ("grade", "hours", "count"),
    [(RoomGrade.A, 12, 0), (RoomGrade.A, 11, 1), (RoomGrade.A, None, 1), (RoomGrade.B, 1, 0)],
)
def test_fuel_lasts_twelve_hours_in_grade_a(
    grade: RoomGrade, hours: int | None, count: int
) -> None:
    site = graded(with_generators(9000, fuel_hours=hours), grade)
    assert len(details(generators_have_fuel, site)) == count


@pytest.mark.parametrize(
    ("phases", "found"),
    [
        # r1 loads 1,350 W a side and r2 1,050: two phases of three are far from even.
        ((1, 2), ["panel-a carries L1 1,350 W, L2 1,050 W, L3 0 W: 100% off the mean."]),
        ((1, 1), ["panel-a carries L1 2,400 W, L2 0 W, L3 0 W: 200% off the mean."]),
        ((1, None), []),
        ((None, None), []),
    ],
)
def test_phases_are_judged_where_every_feed_says_its_own(
    phases: tuple[int | None, ...], found: list[str]
) -> None:
    racks = list(BASE.room.racks)
    for number, phase in enumerate(phases):
        first, *others = racks[number].feeds
        racks[number] = replace(racks[number], feeds=(replace(first, phase=phase), *others))
    assert details(phases_are_balanced, with_room(racks=tuple(racks))) == found


@pytest.mark.parametrize(("watts", "count"), [(800, 0), (799, 1)])
def test_a_phase_may_be_a_fifth_off_the_mean(watts: int, count: int) -> None:
    """Three racks of 1,100, 1,100 and 800 W: the mean is 1,000."""
    rack = BASE.room.racks[0]
    loads = (1100, 1100, watts)
    racks = tuple(
        replace(rack, name=f"x{n}", pdus=(),
                feeds=tuple(replace(feed, phase=n) for feed in rack.feeds))
        for n in (1, 2, 3)
    )  # fmt: skip
    devices = tuple(
        replace(BASE.network.devices[0], name=f"d{n}", rack=f"x{n}", nameplate_watts=load)
        for n, load in enumerate(loads, start=1)
    )
    site = replace(
        with_room(racks=racks),
        network=replace(BASE.network, devices=devices),
        hardware=replace(BASE.hardware, servers=()),
    )
    assert len(details(phases_are_balanced, site)) == 2 * count


@pytest.mark.parametrize(
    ("psus", "count"),
    [((), 0), ((Side.A,), 0), ((Side.A, Side.B), 0), ((Side.B, Side.B), 1), ((Side.A,) * 3, 1)],
)
def test_two_supplies_hang_on_two_sides(psus: tuple[Side, ...], count: int) -> None:
    first, *others = BASE.network.devices
    site = replace(
        BASE, network=replace(BASE.network, devices=(replace(first, psus=psus), *others))
    )
    assert len(details(supplies_reach_both_sides, site)) == count


def test_a_pair_of_single_supplies_is_apart_only_on_two_sides() -> None:
    """On one side each, both go with that side's panel; on two sides, no one failure takes both."""
    for sides, found in (
        ((Side.A, Side.A), ["Without panel panel-a, leaf-1 and leaf-2 both go dark."]),
        ((Side.A, Side.B), []),
    ):
        devices = tuple(
            replace(device, psus=(side,))
            for device, side in zip(BASE.network.devices, sides, strict=True)
        )
        site = replace(BASE, network=replace(BASE.network, devices=devices))
        assert details(pairs_do_not_fail_together, site) == found


def test_a_cooling_unit_with_a_transfer_switch_survives_either_panel() -> None:
    units = (
        CoolingUnit(name="c1", room="hall", capacity_watts=6000, fed_by=("panel-a", "panel-b")),
        CoolingUnit(name="c2", room="hall", capacity_watts=6000, fed_by=("panel-a", "panel-b")),
    )
    assert details(losses_leave_enough_cooling, with_room(cooling_units=units)) == []
    single = tuple(replace(unit, fed_by=("panel-a",)) for unit in units)
    [found] = details(losses_leave_enough_cooling, with_room(cooling_units=single))
    assert found.startswith("Without panel panel-a, c1, c2 stop; the rest remove 0 W")


def test_every_kind_of_sensor_is_asked_for_in_rooms_with_equipment_above_grade_c() -> None:
    for sensor in (each for each in BASE.room.sensors if each.room == "hall"):
        site = with_room(sensors=tuple(each for each in BASE.room.sensors if each != sensor))
        assert details(rooms_are_watched, site) == [f"hall has none for {sensor.kind}."]
        assert details(rooms_are_watched, graded(site, RoomGrade.C)) == []
