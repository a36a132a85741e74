"""The calendar of drills: what was proved when, and what is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from orchestrator.model.backup import Subject
from orchestrator.model.drill import Due, DueState, PastDrill
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup import LARGEST_CLOCK_DIFFERENCE


def calendar(
    subjects: Sequence[Subject], past: Iterable[PastDrill], *, now: datetime
) -> tuple[Due, ...]:
    """Return a line for each subject, the most overdue first.

    Only a drill that passed moves the date. A later one that did not pass makes the subject due,
    for what it found wrong is wrong until another passes. One from the future (a clock was wrong)
    moves no date: nobody knows when it was.
    """
    by_subject: dict[str, list[PastDrill]] = {}
    for drill in past:
        by_subject.setdefault(drill.subject, []).append(drill)
    lines = [_line(one, by_subject.get(one.name, []), now) for one in subjects]
    return tuple(sorted(lines, key=_urgency))


def _line(subject: Subject, past: Sequence[PastDrill], now: datetime) -> Due:
    ordered = sorted(past, key=lambda drill: drill.began)
    believed = [drill for drill in ordered if drill.began - now <= LARGEST_CLOCK_DIFFERENCE]
    passed = [drill for drill in believed if drill.verdict is Verdict.PASS]
    last = ordered[-1] if ordered else None
    every_days = subject.policy.drill_every_days
    next_by = passed[-1].began + timedelta(days=every_days) if passed else None
    late = (now - next_by).days if next_by and now > next_by else 0
    return Due(
        subject=subject.name,
        policy=subject.policy.name,
        every_days=every_days,
        state=_state(last, next_by, now),
        last=last,
        last_passed=passed[-1] if passed else None,
        next_by=next_by,
        overdue_days=late,
    )


def _state(last: PastDrill | None, next_by: datetime | None, now: datetime) -> DueState:
    if next_by is None:
        return DueState.NEVER
    if last is not None and last.verdict is not Verdict.PASS:
        return DueState.FAILED
    return DueState.DUE if now > next_by else DueState.CURRENT


def _urgency(line: Due) -> tuple[int, float, str]:
    order = (DueState.FAILED, DueState.NEVER, DueState.DUE, DueState.CURRENT)
    when = line.next_by.timestamp() if line.next_by else 0.0
    return order.index(line.state), when, line.subject
