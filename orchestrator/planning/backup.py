"""Backups: what is copied to where, how old copies are, what is due, and what may go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.model.backup import (
    BackupMethod,
    BackupPolicy,
    BackupSet,
    Cluster,
    Copy,
    Listing,
    Subject,
    SubjectKind,
)
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.model.service import DatabaseEngine
from orchestrator.model.site import Site
from orchestrator.planning.backup_databases import subjects_of_databases

SITE_SUBJECT = "site"
"""The second half of the name of a set's own records."""
LONGEST_INTERVAL_MINUTES = 1440
WITHOUT_RPO_MINUTES = 60
"""Between backups, where the policy may lose nothing: the rest is replication's."""
LARGEST_CLOCK_DIFFERENCE = timedelta(minutes=5)
"""Between the machines that run backups. A copy that is further ahead is from the future."""
FROM_THE_FUTURE = "from the future, so that a clock is wrong"
MOST_NAMED = 3


def subjects_of(site: Site) -> tuple[Subject, ...]:
    """Return everything that a checked site wants copied: services first, then its sets."""
    policies = {policy.name: policy for policy in site.system.backup_policies}
    found: list[Subject] = []
    for declared in declared_services(site):
        policy = policies.get(declared.backup or "")
        if policy is not None and declared.service.engine is DatabaseEngine.POSTGRESQL:
            found.append(_of_service(site, declared, policy))
    for one in site.system.backup_sets:
        policy = policies.get(one.policy)
        if policy is not None:
            found.extend(_of_set(site, one, policy))
    return tuple(found)


def repositories_for(site: Site, policy: BackupPolicy) -> tuple[str, ...]:
    """Return the repositories that hold a policy's copies: those in its regions."""
    wanted = set(policy.copies)
    return tuple(one.name for one in site.system.backup_repositories if one.region in wanted)


def _of_service(site: Site, declared: DeclaredService, policy: BackupPolicy) -> Subject:
    return Subject(
        name=declared.name,
        kind=SubjectKind.SERVICE,
        policy=policy,
        repositories=repositories_for(site, policy),
        hosts=declared.service.hosts,
        cluster=Cluster(
            name=declared.cluster,
            version=declared.service.version,
            port=declared.service.port,
            database=declared.database,
        ),
    )


def _of_set(site: Site, declared: BackupSet, policy: BackupPolicy) -> Iterator[Subject]:
    repositories = repositories_for(site, policy)
    if declared.site:
        yield Subject(
            name=f"{declared.name}/{SITE_SUBJECT}",
            kind=SubjectKind.SITE,
            policy=policy,
            repositories=repositories,
            settings=declared.settings,
        )
        return
    for image in declared.images:
        yield Subject(
            name=f"{declared.name}/{image}",
            kind=SubjectKind.IMAGE,
            policy=policy,
            repositories=repositories,
            image=image,
        )
    for volume in declared.volumes:
        yield Subject(
            name=f"{declared.name}/{volume.name}",
            kind=SubjectKind.VOLUME,
            policy=policy,
            repositories=repositories,
            volume=volume,
        )
    if declared.databases:
        yield from subjects_of_databases(site, declared, policy, repositories=repositories)
        return
    for server in filter(declared.means, site.hardware.servers):
        yield Subject(
            name=f"{declared.name}/{server.name}",
            kind=SubjectKind.FILES,
            policy=policy,
            repositories=repositories,
            hosts=(server.name,),
            paths=declared.paths,
            exclude=declared.exclude,
        )


class Age(StrEnum):
    """How the newest whole copy of a subject in a repository stands against its RPO."""

    OK = "ok"
    LATE = "late"
    NONE = "none"
    DAMAGED = "damaged"
    """Some of it cannot be read: copies may be missing, whatever the newest one says."""
    UNKNOWN = "unknown"
    """The repository could not be asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One subject in one repository."""

    subject: Subject
    repository: str
    age: Age
    newest: Copy | None = None
    whole: int = 0
    cut_off: int = 0
    size_bytes: int = 0
    """Of the newest copy."""
    reason: str = ""
    """Why nothing is known."""
    damaged: tuple[str, ...] = ()
    """Files that cannot be read."""


def standings(
    subjects: Sequence[Subject],
    listed: Mapping[str, Listing | str],
    *,
    now: datetime,
) -> tuple[Standing, ...]:
    """Compare what repositories hold with what policies promise.

    `listed` has for each repository what it holds, or why it could not be asked.
    """
    return tuple(
        _standing(subject, name, listed.get(name, "it is not declared"), now=now)
        for subject in subjects
        for name in subject.repositories
    )


def _standing(
    subject: Subject, repository: str, listed: Listing | str, *, now: datetime
) -> Standing:
    if isinstance(listed, str):
        return Standing(subject=subject, repository=repository, age=Age.UNKNOWN, reason=listed)
    mine = [copy for copy in listed.copies if copy.subject == subject.name]
    whole = [copy for copy in mine if copy.whole]
    dated = not_of_the_future(whole, now=now)
    newest = max(dated, key=lambda copy: copy.taken_at, default=None)
    damaged = listed.damaged.get(subject.name, ())
    age = _age(subject.policy, newest, has_copies=bool(whole), now=now)
    reason = _named_ahead([copy for copy in whole if copy not in dated])
    if damaged:
        age, reason = Age.DAMAGED, f"cannot be read: {', '.join(damaged)}"
    return Standing(
        subject=subject,
        repository=repository,
        age=age,
        newest=newest,
        whole=len(whole),
        cut_off=len(mine) - len(whole),
        size_bytes=newest.size_bytes if newest else 0,
        reason=reason,
        damaged=damaged,
    )


def _age(policy: BackupPolicy, newest: Copy | None, *, has_copies: bool, now: datetime) -> Age:
    """Return how the newest copy stands whose moment can be believed."""
    if newest is None:
        return Age.UNKNOWN if has_copies else Age.NONE
    return Age.OK if now - newest.taken_at <= allowed_age(policy) else Age.LATE


def _named_ahead(copies: Sequence[Copy]) -> str:
    """Name the copies that are ahead of this machine's clock: one of two clocks is wrong."""
    if not copies:
        return ""
    runs = [copy.run for copy in sorted(copies, key=lambda copy: copy.taken_at)]
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    return f"{', '.join(runs[:MOST_NAMED])}{more} {FROM_THE_FUTURE}"


def not_of_the_future(copies: Iterable[Copy], *, now: datetime) -> list[Copy]:
    """Return the copies whose moment can be believed.

    Of one that a wrong clock made nobody knows how old it is: it must not pass for the newest, or
    no further one would be due until that moment came.
    """
    return [copy for copy in copies if copy.taken_at - now <= LARGEST_CLOCK_DIFFERENCE]


def allowed_age(policy: BackupPolicy) -> timedelta:
    """Return how old the newest copy may be: the RPO, or the interval where there is no RPO.

    Where an archive keeps the RPO the dump is late when its turn came and another one passed.
    """
    if policy.method is BackupMethod.CONTINUOUS:
        return timedelta(minutes=2 * interval_minutes(policy))
    return timedelta(minutes=policy.rpo_minutes or interval_minutes(policy))


def interval_minutes(policy: BackupPolicy) -> int:
    """Return the time between two backups."""
    if policy.every_minutes is not None:
        return policy.every_minutes
    if policy.method is BackupMethod.CONTINUOUS:
        return LONGEST_INTERVAL_MINUTES
    if not policy.rpo_minutes:
        return WITHOUT_RPO_MINUTES
    return max(1, min(policy.rpo_minutes // 2, LONGEST_INTERVAL_MINUTES))


def due(
    subjects: Sequence[Subject],
    listed: Mapping[str, Listing | str],
    *,
    now: datetime,
) -> dict[str, tuple[str, ...]]:
    """Return the repositories that each subject is to be copied into now, by its name.

    What could not be asked is due: a copy too many does no harm.
    """
    found: dict[str, list[str]] = {}
    for one in standings(subjects, listed, now=now):
        every = timedelta(minutes=interval_minutes(one.subject.policy))
        if one.newest is None or now - one.newest.taken_at >= every:
            found.setdefault(one.subject.name, []).append(one.repository)
    return {name: tuple(repositories) for name, repositories in found.items()}


def to_prune(subject: Subject, copies: Sequence[Copy], *, now: datetime) -> tuple[Copy, ...]:
    """Return the copies of one repository that its policy lets go.

    Kept are: everything within the immutable days, all copies of the newest days, the last one of
    each day after that until `keep_days`, and whatever happens the newest whole one. What was cut
    off goes after a day; a copy from the future (a clock was wrong) is kept and shown.
    """
    policy = subject.policy
    whole = sorted((c for c in copies if c.whole), key=lambda copy: copy.taken_at)
    # By subject and repository one list; the last of a day stands for it.
    last_of_day = {copy.taken_at.date(): copy.run for copy in whole}
    newest = (not_of_the_future(whole, now=now) or whole)[-1].run if whole else ""
    gone = []
    for copy in copies:
        age = now - copy.taken_at
        if age < timedelta(days=policy.immutable_days) or copy.run == newest:
            continue
        if not copy.whole:
            keep = age < timedelta(days=1)
        elif age < timedelta(days=policy.keep_all_days):
            keep = True
        else:
            in_time = age <= timedelta(days=policy.keep_days)
            keep = in_time and last_of_day[copy.taken_at.date()] == copy.run
        if not keep:
            gone.append(copy)
    return tuple(gone)
