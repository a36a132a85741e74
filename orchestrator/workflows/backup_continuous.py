"""Continuous archives: make them, keep the log moving, copy clusters, list, prove and thin out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, Subject
from orchestrator.model.continuous import Archive, BaseKind, is_continuous
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.planning.backup import subjects_of
from orchestrator.planning.continuous import (
    Archives,
    archive_in,
    continuous,
    due_copy,
    keeps_archive,
)
from orchestrator.ports.backup import Store
from orchestrator.ports.continuous import ContinuousEngine
from orchestrator.workflows.backup_runs import (
    Recorded,
    Works,
    ask_repositories,
    run_name,
    run_recorded,
    servers_of,
)
from orchestrator.workflows.backup_steps import (
    Act,
    BackupPorts,
    Result,
    Step,
    Told,
    counted,
    ended,
    proved,
)
from orchestrator.workflows.labour import GRACE_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class ContinuousPorts:
    """Backups, and the hosts as they archive; `cli.wiring` fills it."""

    backups: BackupPorts
    engine: ContinuousEngine


def archives(
    subjects: Sequence[Subject], ports: ContinuousPorts, *, only: Sequence[str] = ()
) -> dict[str, Mapping[str, Archive | str] | str]:
    """Ask each repository for archives; one that cannot be asked says why instead."""

    def ask(store: Store, mine: Sequence[Subject]) -> Mapping[str, Archive | str]:
        return ports.engine.keeping.archives(mine, store=store)

    return ask_repositories(continuous(subjects), ports.backups.engine.stores, ask, only=only)


def run_archives(
    site: Site,
    wanted: Mapping[str, Sequence[str]],
    ports: ContinuousPorts,
    *,
    told: Told,
    grace: float = GRACE_SECONDS,
) -> tuple[Step, ...]:
    """Let logs move on, and copy clusters where it is due; one that fails stops no other.

    Interrupted, it waits `grace` seconds for what is under way, no longer, and the audit log has
    what ended and what did not.

    Raises:
        SiteLockedError: another run of backups is at work.
    """
    subjects = [one for one in subjects_of(site) if one.name in wanted and is_continuous(one)]
    if not subjects:
        return ()
    meant = {one.name: wanted[one.name] for one in subjects}

    def works(hear: Told, stopped: Event) -> Works:
        known = archives(subjects, ports)

        def turning(subject: Subject) -> Callable[[], None]:
            turn = Turn(site, subject, ports, told=hear, stopped=stopped)
            return lambda: turn.take(meant[subject.name], known)

        return [turning(one) for one in subjects]

    recorded = Recorded(act="archive", why="archive")
    return run_recorded(meant, works, ports.backups, recorded=recorded, told=told, grace=grace)


class Turn:
    """One service's archives, as they are filled."""

    def __init__(
        self, site: Site, subject: Subject, ports: ContinuousPorts, *, told: Told, stopped: Event
    ) -> None:
        """Begin with nothing done; once `stopped` is set no further act begins."""
        self.subject = subject
        self._site, self._ports, self._told, self._stopped = site, ports, told, stopped
        self._run = run_name(ports.backups.clock.now())
        self._fresh: dict[str, Archive] = {}
        """As repositories told of it once the log came: one may have been silent before."""

    def take(self, repositories: Sequence[str], known: Archives) -> None:
        """Make what is not there, let the log move on, copy the cluster where it is due."""
        found = {name: archive_in(known, self.subject.name, name) for name in repositories}
        refused = set()
        for name in [name for name, one in found.items() if one == self._empty(name)]:
            if not self._stopped.is_set() and self._made(name).result is Result.FAILED:
                refused.add(name)
        archived = self._advanced([name for name in repositories if name not in refused])
        for one in archived:
            kind = self._kind(self._fresh.get(one.repository, found[one.repository]))
            if one.result is Result.DONE and kind is not None and not self._stopped.is_set():
                self._copied(one.repository, kind)

    def _empty(self, repository: str) -> Archive:
        return Archive(subject=self.subject.name, repository=repository)

    def _kind(self, archive: Archive | str) -> BaseKind | None:
        known = self._empty("") if isinstance(archive, str) else archive
        return due_copy(known, now=self._ports.backups.clock.now())

    def _made(self, repository: str) -> Step:
        empty = Step(act=Act.MAKE_ARCHIVE, subject=self.subject.name, repository=repository)

        def act(store: Store) -> Step:
            server = primary(self._site, self.subject, self._ports)
            self._ports.engine.archiving.prepare(self.subject, server, store=store)
            return empty

        return ended(empty, act, self._ports.backups, told=self._told)

    def _advanced(self, repositories: Sequence[str]) -> list[Step]:
        """Close a segment once, and ask each repository whether it came."""
        closed: list[str] = []

        def close() -> str:
            if not closed:
                server = primary(self._site, self.subject, self._ports)
                at = self._ports.backups.clock.now()
                archiving = self._ports.engine.archiving
                closed.append(archiving.advance(self.subject, server, run=self._run, at=at))
            return closed[0]

        steps = []
        for name in repositories:
            if self._stopped.is_set():
                break
            empty = Step(act=Act.ARCHIVE, subject=self.subject.name, repository=name)

            def act(store: Store, empty: Step = empty) -> Step:
                return replace(empty, note=self._seen(close(), store))

            steps.append(ended(empty, act, self._ports.backups, told=self._told))
        return steps

    def _seen(self, segment: str, store: Store) -> str:
        """Return a segment's name once the repository has it."""
        told = self._ports.engine.keeping.archives([self.subject], store=store)
        archive = told[self.subject.name]
        if isinstance(archive, str):
            raise BackupError(archive, fault=BackupFault.BROKEN)
        self._fresh[store.repository.name] = archive
        if archive.newest_segment < segment:
            raise BackupError(
                f"{store.repository.name} did not get segment {segment}: its newest is "
                f"{archive.newest_segment or 'none'}",
                fault=BackupFault.FAILED,
                remedy="The database's log says why; it keeps what was not archived.",
            )
        return f"segment {segment}"

    def _copied(self, repository: str, kind: BaseKind) -> Step:
        empty = Step(act=Act.COPY_CLUSTER, subject=self.subject.name, repository=repository)

        def act(store: Store) -> Step:
            server = primary(self._site, self.subject, self._ports)
            self._ports.engine.archiving.copy(
                self.subject, server, store=store, kind=kind, run=self._run
            )
            return replace(empty, note=kind.value)

        return ended(empty, act, self._ports.backups, told=self._told)


def primary(site: Site, subject: Subject, ports: ContinuousPorts) -> Server:
    """Return the server that leads a service now.

    Raises:
        BackupError: none does, or more than one.
    """
    return ports.backups.engine.copying.source(subject, servers_of(site, subject))


def verify_archives(
    subjects: Sequence[Subject], ports: ContinuousPorts, *, whole: bool, told: Told
) -> tuple[Step, ...]:
    """See that no segment is missing, and read all again (`whole`): what is broken is named."""
    steps = []
    for subject in continuous(subjects):
        for name in subject.repositories:
            empty = Step(act=Act.VERIFY_ARCHIVE, subject=subject.name, repository=name)

            def read(store: Store, empty: Step = empty, subject: Subject = subject) -> Step:
                found = ports.engine.keeping.verify(subject, store=store, whole=whole)
                return proved(empty, found, otherwise="files are missing, or not what they were")

            steps.append(ended(empty, read, ports.backups, told=told))
    if steps:
        ports.backups.audit.append(act="archive-verified", facts=counted(steps))
    return tuple(steps)


def expire_archives(
    subjects: Sequence[Subject],
    ports: ContinuousPorts,
    *,
    now: datetime,
    told: Told,
    stale: bool = False,
) -> tuple[Step, ...]:
    """Remove what is older than every moment that policies want back; nothing that is doubtful.

    `stale`: also where nothing was archived for days.

    Raises:
        SiteLockedError: a run of backups is at work.
    """
    work = [(one, name) for one in continuous(subjects) for name in one.repositories]
    if not work:
        return ()
    steps = []
    with ports.backups.work_lock.hold(why="expire archives"):
        for subject, name in work:
            empty = Step(act=Act.EXPIRE, subject=subject.name, repository=name)

            def act(store: Store, empty: Step = empty, subject: Subject = subject) -> Step:
                known = ports.engine.keeping.archives([subject], store=store)[subject.name]
                if known == Archive(subject=subject.name, repository=empty.repository):
                    why = "nothing was archived yet"
                    return replace(empty, result=Result.SKIPPED, reason=why)
                _refuse_doubtful(subject, known, now=now, stale=stale)
                freed = ports.engine.keeping.expire(subject, store=store, now=now)
                return replace(empty, freed_bytes=freed)

            steps.append(ended(empty, act, ports.backups, told=told))
        ports.backups.audit.append(act="archive-expired", facts=counted(steps))
    return tuple(steps)


def _refuse_doubtful(subject: Subject, known: Archive | str, *, now: datetime, stale: bool) -> None:
    why = keeps_archive(subject, known, now=now, stale=stale)
    if why:
        raise BackupError(
            f"all of it is kept: {why}",
            fault=BackupFault.REFUSED,
            remedy="See orchestrator backup list.",
        )
