"""Continuous archives: how far each reaches, what is due, and which one leads to a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.errors import RefusedError
from orchestrator.model.backup import Subject
from orchestrator.model.continuous import Archive, Backlog, BaseCopy, BaseKind, is_continuous
from orchestrator.planning.backup import LARGEST_CLOCK_DIFFERENCE, WITHOUT_RPO_MINUTES, Age
from orchestrator.planning.backup_keep import FRESH_INTERVALS, LEAST_FRESH

FULL_EVERY = timedelta(days=7)
DIFFERENTIAL_EVERY = timedelta(days=1)
INCREMENTAL_EVERY = timedelta(hours=6)
"""From the newest copy the log is replayed: this bounds how much, and so a part of the RTO."""
FROM_THE_FUTURE = "its newest segment is from the future: a clock was wrong"

Archives = Mapping[str, Mapping[str, Archive | str] | str]
"""By repository what it holds of each subject, or why nobody can tell."""


def continuous(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """Return the subjects that have an archive."""
    return tuple(one for one in subjects if is_continuous(one))


def archive_in(archives: Archives, subject: str, repository: str) -> Archive | str:
    """Return one archive, or why nobody can tell of it."""
    told = archives.get(repository, "it is not declared")
    if isinstance(told, str):
        return told
    return told.get(subject, "its server did not tell of it")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveStanding:
    """One subject's archive in one repository, against its policy."""

    subject: Subject
    repository: str
    age: Age
    archive: Archive | None = None
    due: BaseKind | None = None
    """The copy of the cluster that is due."""
    reason: str = ""
    """Why nothing is known, or what is wrong."""


def archive_standings(
    subjects: Sequence[Subject], archives: Archives, *, now: datetime
) -> tuple[ArchiveStanding, ...]:
    """Compare what repositories hold with what continuous policies promise."""
    return tuple(
        _standing(subject, name, archive_in(archives, subject.name, name), now=now)
        for subject in continuous(subjects)
        for name in subject.repositories
    )


def _standing(
    subject: Subject, repository: str, archive: Archive | str, *, now: datetime
) -> ArchiveStanding:
    if isinstance(archive, str):
        return ArchiveStanding(
            subject=subject, repository=repository, age=Age.UNKNOWN, reason=archive
        )
    age, reason = _age(subject, archive, now=now)
    return ArchiveStanding(
        subject=subject,
        repository=repository,
        age=age,
        archive=archive,
        due=due_copy(archive, now=now),
        reason=reason,
    )


def _age(subject: Subject, archive: Archive, *, now: datetime) -> tuple[Age, str]:
    if archive.archived_at is None:
        return Age.NONE, "nothing was archived yet"
    if archive.reachable is None:
        return Age.NONE, "there is no copy of the cluster to begin from"
    if archive.archived_at - now > LARGEST_CLOCK_DIFFERENCE:
        return Age.UNKNOWN, FROM_THE_FUTURE
    return (Age.OK if now - archive.archived_at <= allowed_loss(subject) else Age.LATE), ""


def wants_attention(told: Backlog | str) -> bool:
    """Say whether somebody must look at a primary: its log waits, or nobody knows whether."""
    return isinstance(told, str) or told.grows


def allowed_loss(subject: Subject) -> timedelta:
    """Return how old the newest archived change may be: the RPO, or as a dump without one."""
    return timedelta(minutes=subject.policy.rpo_minutes or WITHOUT_RPO_MINUTES)


def due_copy(archive: Archive, *, now: datetime) -> BaseKind | None:
    """Return which copy of a cluster is due: by the days, or since its log took another way."""
    by_age = due_kind(archive.copies, now=now)
    return BaseKind.INCREMENTAL if by_age is None and archive.turned else by_age


def due_kind(copies: Sequence[BaseCopy], *, now: datetime) -> BaseKind | None:
    """Return which copy of a cluster is due: a full one each week, less in between."""
    # One of the future (a clock was wrong) must not keep others from being made.
    past = [one for one in copies if one.begun_at - now <= LARGEST_CLOCK_DIFFERENCE]
    ages = {
        kinds: min((now - one.begun_at for one in past if one.kind in kinds), default=None)
        for kinds in (FULLS, DIFFERENTIALS, ANY)
    }
    for kinds, every in ((FULLS, FULL_EVERY), (DIFFERENTIALS, DIFFERENTIAL_EVERY)):
        age = ages[kinds]
        if age is None or age >= every:
            return kinds[-1]
    newest = ages[ANY]
    return BaseKind.INCREMENTAL if newest is None or newest >= INCREMENTAL_EVERY else None


FULLS = (BaseKind.FULL,)
DIFFERENTIALS = (BaseKind.FULL, BaseKind.DIFFERENTIAL)
ANY = tuple(BaseKind)


def archives_due(
    subjects: Sequence[Subject], archives: Archives, *, now: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the repositories of each subject whose archive needs something now, by its name.

    A copy that is due, or a sign of life: an idle database writes no log, and an archive that
    stands still for half of its RPO looks like one that is broken. What is not known is due.
    """
    found: dict[str, list[str]] = {}
    for one in archive_standings(subjects, archives, now=now):
        at = one.archive.archived_at if one.archive else None
        still = at is None or abs(now - at) >= allowed_loss(one.subject) / 2
        if one.age is not Age.OK or one.due is not None or still:
            found.setdefault(one.subject.name, []).append(one.repository)
    return {name: tuple(repositories) for name, repositories in found.items()}


def keeps_archive(subject: Subject, told: Archive | str, *, now: datetime, stale: bool) -> str:
    """Return why nothing of an archive may go now; empty: nothing speaks against it.

    As with copies: a clock that is wrong everywhere makes all of it look old, the newest, too.
    """
    if isinstance(told, str):
        return told
    if told.archived_at is None or not told.copies:
        return "there is no copy of the cluster and a log after it"
    if told.archived_at - now > LARGEST_CLOCK_DIFFERENCE:
        return FROM_THE_FUTURE
    age = now - told.archived_at
    if stale or age <= max(LEAST_FRESH, FRESH_INTERVALS * allowed_loss(subject)):
        return ""
    return (
        f"its newest segment is {age.days} days old: nothing was archived since, or the clock is "
        "wrong (--stale prunes nevertheless)"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The archive that leads to a moment, and the copy of the cluster that it begins from."""

    archive: Archive
    begins: BaseCopy


def choose_archive(
    subject: Subject, archives: Archives, *, at: datetime | None, repository: str = ""
) -> Chosen:
    """Return the archive that leads to a moment; None: as far as any leads.

    Of those that do the first declared, which is the near one.

    Raises:
        RefusedError: no archive leads there; the message says from when to when each one does.
    """
    if not is_continuous(subject):
        raise RefusedError(
            f"{subject.name} has no archive: only its copies can be restored",
            remedy="Give its policy `method: continuous`, or leave --at out.",
        )
    names = [repository] if repository else list(subject.repositories)
    told = {name: archive_in(archives, subject.name, name) for name in names}
    found = [one for one in told.values() if not isinstance(one, str) and one.reachable]
    leading = [one for one in found if at is None or _leads(one, at)]
    if not leading:
        when = "anywhere" if at is None else f"to {_moment(at)}"
        raise RefusedError(
            f"no archive of {subject.name} leads {when}: {'; '.join(_spans(told))}",
            remedy="Give --at within such a span, or restore a copy: orchestrator backup list -v.",
        )
    best = leading[0] if at is not None else max(leading, key=_end)
    usable = [one for one in best.copies if at is None or one.ended_at <= at]
    return Chosen(archive=best, begins=max(usable, key=lambda one: one.ended_at))


def _leads(archive: Archive, at: datetime) -> bool:
    span = archive.reachable
    return span is not None and span[0] <= at <= span[1]


def _end(archive: Archive) -> datetime:
    span = archive.reachable
    assert span is not None  # noqa: S101 - only those with a span are compared
    return span[1]


def _spans(told: Mapping[str, Archive | str]) -> Iterator[str]:
    for name, one in told.items():
        if isinstance(one, str):
            yield f"{name} cannot be asked: {one}"
        elif one.reachable is None:
            yield f"{name} has none yet"
        else:
            yield f"{name} leads from {_moment(one.reachable[0])} to {_moment(one.reachable[1])}"


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
