"""Maintenance windows: say which are open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from orchestrator.model.system import MaintenanceWindow


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
