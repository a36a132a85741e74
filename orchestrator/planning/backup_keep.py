"""Keeping copies: which part of a repository is read now, and what may be let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from orchestrator.model.backup import PARTS, BackupPolicy, Copy, Listing, Subject
from orchestrator.planning.backup import (
    LARGEST_CLOCK_DIFFERENCE,
    interval_minutes,
    not_of_the_future,
    to_prune,
)

FRESH_INTERVALS = 3
LEAST_FRESH = timedelta(days=2)
"""Where nothing is copied for so long, old copies stay: they are all there is."""


def parts_due(
    read: Sequence[datetime | None], *, policy: BackupPolicy, now: datetime
) -> tuple[int, ...]:
    """Return which of the PARTS of a subject's data are read now, by when each was read last.

    What was never read, the oldest of the rest, and whatever would be older than the policy's days
    at the next reading, which is expected as long after this one as the last was before it. Read
    daily, each day has its share; read weekly, all of it is read.
    """
    believed = {
        number: at
        for number, at in enumerate(read)
        if at is not None and at - now <= LARGEST_CLOCK_DIFFERENCE
    }
    never = [number for number in range(PARTS) if number not in believed]
    if not believed:
        return tuple(never)
    pause = max(now - max(believed.values()), timedelta())
    limit = timedelta(days=policy.verify_every_days)
    oldest = sorted(believed, key=lambda number: (believed[number], number))
    share = oldest[: ceil(PARTS / policy.verify_every_days)]
    late = [number for number in oldest if now + pause - believed[number] > limit]
    return tuple(sorted({*never, *share, *late}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruning:
    """What policies let go at a moment, and what is kept although nobody knows whether it must be.

    Both by subject and repository.
    """

    now: datetime
    gone: Mapping[tuple[str, str], tuple[Copy, ...]]
    kept: Mapping[tuple[str, str], str]
    """Why."""


def pruning(
    subjects: Sequence[Subject],
    listed: Mapping[str, Listing | str],
    *,
    now: datetime,
    stale: bool = False,
) -> Pruning:
    """Return what may go; nothing of what is not known, or not to be believed.

    `stale`: also where no new copy was made for days.
    """
    gone: dict[tuple[str, str], tuple[Copy, ...]] = {}
    kept: dict[tuple[str, str], str] = {}
    for subject in subjects:
        for name in subject.repositories:
            told = listed.get(name, "it is not declared")
            reason = _keeps(subject, told, now=now, stale=stale)
            if reason or isinstance(told, str):
                kept[subject.name, name] = reason
                continue
            copies = [copy for copy in told.copies if copy.subject == subject.name]
            found = to_prune(subject, copies, now=now)
            if found:
                gone[subject.name, name] = found
    return Pruning(now=now, gone=gone, kept=kept)


def _keeps(subject: Subject, told: Listing | str, *, now: datetime, stale: bool) -> str:
    """Return why nothing of a subject goes here; empty: nothing speaks against it.

    A clock that is wrong everywhere at once, on servers as here, makes every copy look old. Then
    the newest looks old, too: that is the one sign of it.
    """
    if isinstance(told, str):
        return told
    damaged = told.damaged.get(subject.name, ())
    if damaged:
        return f"some of it cannot be read: {', '.join(damaged)}"
    whole = [copy for copy in told.copies if copy.subject == subject.name and copy.whole]
    if stale or not whole:
        return ""
    newest = max(not_of_the_future(whole, now=now) or whole, key=lambda copy: copy.taken_at)
    fresh = max(LEAST_FRESH, FRESH_INTERVALS * timedelta(minutes=interval_minutes(subject.policy)))
    age = now - newest.taken_at
    if age <= fresh:
        return ""
    return (
        f"its newest copy is {age.days} days old: no backup was made since, or the clock is wrong "
        "(--stale prunes nevertheless)"
    )
