"""Checks of what is promised of the platform: backups that survive, windows that make sense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, error
from orchestrator.model.site import RegionKind
from orchestrator.model.system import BackupPolicy

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

LONGEST_RPO_MINUTES: Final = {1: 10_080, 2: 10_080, 3: 1_440, 4: 1_440, 5: 30, 6: 0}
"""By grade of GB/T 20988: a week, a day, half an hour, nothing."""
LONGEST_RTO_MINUTES: Final = {4: 2_880, 5: 2_880, 6: 60}
"""By grade: two days, an hour; the lower grades set none."""
LONGEST_DRILL_INTERVAL_DAYS: Final = 366


@error(
    "SW009",
    "A backup policy would not survive the loss of the city",
    remedy="Keep two copies or more, one of them outside the city's own region.",
)
def backups_leave_the_city(index: SiteIndex) -> Iterator[Finding]:
    """Require two copies, and one of them outside the production region (kind `city`)."""
    cities = {region.name for region in index.site.regions if region.kind is RegionKind.CITY}
    for policy in index.site.system.backup_policies:
        if len(policy.copies) < 2:
            detail = f"{policy.name} keeps {len(policy.copies)} copy."
            yield Finding(detail, policy.source.at("copies"))
        elif set(policy.copies) <= cities:
            detail = f"All copies of {policy.name} are in {', '.join(sorted(set(policy.copies)))}."
            yield Finding(detail, policy.source.at("copies"))


@error(
    "SW010",
    "A backup policy's figures contradict each other",
    remedy="Correct the figure, or choose the grade that fits it.",
)
def backup_figures_are_sane(index: SiteIndex) -> Iterator[Finding]:
    """Require RPO and RTO to fit the grade, copies kept longer than the RPO, and yearly drills.

    Limits by grade follow the informative annex of GB/T 20988: an RPO of a week (1, 2), a day
    (3, 4), half an hour (5), nothing (6); an RTO of two days (4, 5), an hour (6).
    """
    for policy in index.site.system.backup_policies:
        for key, fault in _backup_faults(policy):
            yield Finding(f"{policy.name} {fault}.", policy.source.at(key))


def _backup_faults(policy: BackupPolicy) -> Iterator[tuple[str, str]]:
    rpo_limit = LONGEST_RPO_MINUTES[policy.grade]
    rto_limit = LONGEST_RTO_MINUTES.get(policy.grade)
    if policy.rpo_minutes > rpo_limit:
        yield "rpo_minutes", f"may lose {policy.rpo_minutes} minutes; its grade allows {rpo_limit}"
    if rto_limit is not None and policy.rto_minutes > rto_limit:
        yield "rto_minutes", f"may take {policy.rto_minutes} minutes; its grade allows {rto_limit}"
    if policy.keep_days * 24 * 60 < policy.rpo_minutes:
        yield "keep_days", f"keeps a copy {policy.keep_days} days, less than its RPO"
    if policy.drill_every_days > LONGEST_DRILL_INTERVAL_DAYS:
        yield "drill_every_days", f"is drilled every {policy.drill_every_days} days, not yearly"


@error("SW011", "A maintenance window makes no sense", remedy="Correct its start, hours or days.")
def windows_make_sense(index: SiteIndex) -> Iterator[Finding]:
    """Require a window to start at HH:MM, to last at most a day, and to name each weekday once."""
    for window in index.site.system.maintenance_windows:
        if not _TIME.fullmatch(window.start):
            yield Finding(f"`{window.start}` is not HH:MM.", window.source.at("start"))
        if window.hours > 24:
            yield Finding(f"{window.hours} hours are too long.", window.source.at("hours"))
        if not window.weekdays or len(set(window.weekdays)) < len(window.weekdays):
            detail = f"{window.name} names no weekday, or one of them twice."
            yield Finding(detail, window.source.at("weekdays"))


CHECKS: tuple[Check, ...] = (backups_leave_the_city, backup_figures_are_sane, windows_make_sense)
