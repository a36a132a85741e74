"""Maintenance windows and freezes: say where work may disturb now, and when it may next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from orchestrator.model.system import Freeze, MaintenanceWindow, SystemLayer

LOOK_AHEAD_DAYS = 366
"""How far the next opening is looked for."""


def is_open(window: MaintenanceWindow, local: datetime) -> bool:
    """Say whether a window is open at a time of the site's own clock; it may pass midnight."""
    start = time.fromisoformat(window.start)
    for days_ago in range(1 + window.hours // 24 + 1):
        opened = datetime.combine(local.date() - timedelta(days=days_ago), start, local.tzinfo)
        if opened.isoweekday() in window.weekdays and (
            opened <= local < opened + timedelta(hours=window.hours)
        ):
            return True
    return False


def closed_regions(
    windows: Iterable[MaintenanceWindow], regions: Iterable[str], local: datetime
) -> tuple[str, ...]:
    """Return the regions that have no open window now; one without windows is never open."""
    open_now = {window.region for window in windows if is_open(window, local)}
    return tuple(sorted(set(regions) - open_now))


def freeze_at(freezes: Iterable[Freeze], region: str, local: datetime) -> Freeze | None:
    """Return the freeze that a region is in at a time of the site's own clock, or None."""
    for freeze in freezes:
        begins, ends = _bounds(freeze, local)
        if (not freeze.regions or region in freeze.regions) and begins <= local < ends:
            return freeze
    return None


def closed_because(system: SystemLayer, region: str, local: datetime) -> str:
    """Return why work may not disturb a region now, or nothing: a freeze beats every window."""
    freeze = freeze_at(system.freezes, region, local)
    if freeze is not None:
        return f"{region} is frozen until {freeze.until} ({freeze.reason})"
    if closed_regions(system.maintenance_windows, (region,), local):
        return f"no maintenance window of {region} is open at {local:%a %H:%M}"
    return ""


def next_opening(system: SystemLayer, region: str, local: datetime) -> datetime | None:
    """Return when work may disturb a region next, a whole window at its start; None: not in a year.

    A window that is open now counts as now.
    """
    if not closed_because(system, region, local):
        return local
    mine = [one for one in system.maintenance_windows if one.region == region]
    for days in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=days)
        opened = sorted(
            datetime.combine(day, time.fromisoformat(one.start), local.tzinfo)
            for one in mine
            if day.isoweekday() in one.weekdays
        )
        for moment in opened:
            if moment > local and freeze_at(system.freezes, region, moment) is None:
                return moment
    return None


def parallel_hosts(windows: Iterable[MaintenanceWindow], region: str) -> int:
    """Return how many hosts of a region may be worked on at a time: one where no window says."""
    return min((one.max_parallel_hosts for one in windows if one.region == region), default=1)


def _bounds(freeze: Freeze, local: datetime) -> tuple[datetime, datetime]:
    begins, ends = (datetime.fromisoformat(text) for text in (freeze.since, freeze.until))
    return begins.replace(tzinfo=local.tzinfo), ends.replace(tzinfo=local.tzinfo)
