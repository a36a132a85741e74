from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from orchestrator.model.system import MaintenanceWindow
from orchestrator.planning.windows import closed_regions, is_open

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
