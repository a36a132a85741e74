from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from orchestrator.model.system import Freeze, MaintenanceWindow, SystemLayer
from orchestrator.planning.windows import (
    closed_because,
    closed_regions,
    freeze_at,
    is_open,
    next_opening,
    parallel_hosts,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
SATURDAY_NIGHT = MaintenanceWindow(
    name="night", region="city", weekdays=(6,), start="23:00", hours=6
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("when", "open_"),
    [
        (at(21, 22, 59), False),
        (at(21, 23), True),
        (at(22, 4, 59), True),
        (at(22, 5), False),
        (at(22, 23), False),
        (at(20, 23, 30), False),
    ],
)
def test_a_window_passes_midnight_and_closes(when: datetime, open_: bool) -> None:
    assert is_open(SATURDAY_NIGHT, when) is open_


def test_a_window_of_days_is_open_on_each() -> None:
    long = MaintenanceWindow(name="long", region="city", weekdays=(6,), start="23:00", hours=60)
    assert is_open(long, at(24, 10, 59))
    assert not is_open(long, at(24, 11))


def test_a_region_without_a_window_is_closed() -> None:
    assert closed_regions((SATURDAY_NIGHT,), ("city", "dr"), at(21, 23)) == ("dr",)


SPRING = Freeze(
    name="spring",
    since="2026-11-21T12:00",
    until="2026-11-28T12:00",
    reason="春节",
    regions=("city",),
)
FROZEN = SystemLayer(maintenance_windows=(SATURDAY_NIGHT,), freezes=(SPRING,))
OPEN = SystemLayer(maintenance_windows=(SATURDAY_NIGHT,))


@pytest.mark.parametrize(
    ("when", "frozen"),
    [(at(21, 11, 59), False), (at(21, 12), True), (at(28, 11, 59), True), (at(28, 12), False)],
)
def test_a_freeze_begins_and_ends_on_the_sites_clock(when: datetime, frozen: bool) -> None:
    assert (freeze_at([SPRING], "city", when) is SPRING) is frozen


def test_a_freeze_of_regions_leaves_others_alone_and_one_without_freezes_all() -> None:
    assert freeze_at([SPRING], "dr", at(22, 0)) is None
    everywhere = Freeze(name="f", since=SPRING.since, until=SPRING.until, reason="r")
    assert freeze_at([everywhere], "dr", at(22, 0)) is everywhere


def test_a_freeze_beats_an_open_window_and_is_named() -> None:
    assert closed_because(OPEN, "city", at(21, 23)) == ""
    assert "frozen until 2026-11-28T12:00 (春节)" in closed_because(FROZEN, "city", at(21, 23))
    assert "no maintenance window of city" in closed_because(OPEN, "city", at(21, 22))


def test_the_next_opening_is_now_or_the_start_of_a_window_after_the_freeze() -> None:
    assert next_opening(OPEN, "city", at(21, 23, 30)) == at(21, 23, 30)
    assert next_opening(OPEN, "city", at(21, 22)) == at(21, 23)
    assert next_opening(FROZEN, "city", at(21, 23, 30)) == at(28, 23)
    assert next_opening(OPEN, "dr", at(21, 22)) is None


def test_as_many_hosts_at_a_time_as_the_narrowest_window_of_the_region_says() -> None:
    wide = MaintenanceWindow(
        name="w", region="city", weekdays=(1,), start="23:00", hours=1, max_parallel_hosts=4
    )
    assert parallel_hosts([wide], "city") == 4
    assert parallel_hosts([wide, SATURDAY_NIGHT], "city") == 1
    assert parallel_hosts([wide], "dr") == 1
