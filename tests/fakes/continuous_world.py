"""Archives in memory, behind the ports of continuous archives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, Place, Sentinel, Subject, Verified
from orchestrator.model.continuous import Archive, Backlog, BaseCopy, BaseKind, PointRestored
from orchestrator.model.hardware import Server
from orchestrator.ports.backup import Store
from orchestrator.ports.continuous import ContinuousEngine, Moment
from orchestrator.workflows.backup_continuous import ContinuousPorts
from tests.fakes.backup_world import NAME, BackupWorld


@dataclass
class ContinuousWorld:
    """A service's archives, by repository; what a test breaks, it says so."""

    backups: BackupWorld
    archives_in: dict[str, Archive] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    """Repositories whose server does not answer."""
    deaf: tuple[str, ...] = ()
    """Repositories that answer, and get no piece of the log."""
    broken: tuple[str, ...] = ()
    acts: list[str] = field(default_factory=list)
    brought_back: list[Moment] = field(default_factory=list)
    restore_fails: bool = False
    segment: int = 0
    waiting_bytes: int = 0
    """Of the log, on the primary."""
    cut_off: tuple[str, ...] = ()
    """Servers where a restore of the service itself was cut off."""

    def ports(self) -> ContinuousPorts:
        engine = ContinuousEngine(archiving=self, keeping=self, restores=self)
        return ContinuousPorts(backups=self.backups.ports(), engine=engine)

    def _reach(self, store: Store) -> str:
        name = store.repository.name
        if name in self.silent:
            raise BackupError(f"{name} does not answer", fault=BackupFault.SILENT)
        return name

    def prepare(self, subject: Subject, server: Server, *, store: Store) -> None:
        self.acts.append(f"make {self._reach(store)}")

    def advance(self, subject: Subject, server: Server, *, run: str, at: datetime) -> str:
        self.segment += 1
        self.acts.append("advance")
        name = f"{self.segment:024X}"
        for repository in subject.repositories:
            if repository not in (*self.silent, *self.deaf):
                known = self.archives_in.get(repository)
                known = known or Archive(subject=subject.name, repository=repository)
                self.archives_in[repository] = replace(known, newest_segment=name, archived_at=at)
        return name

    def backlog(self, subject: Subject, server: Server) -> Backlog:
        return Backlog(server=server.name, waiting_bytes=self.waiting_bytes, free_bytes=9 << 30)

    def copy(
        self, subject: Subject, server: Server, *, store: Store, kind: BaseKind, run: str
    ) -> None:
        name = self._reach(store)
        self.acts.append(f"{kind.value} into {name}")
        now = self.backups.clock.now()
        made = BaseCopy(label=run, kind=kind, begun_at=now, ended_at=now, size_bytes=1)
        known = self.archives_in[name]
        self.archives_in[name] = replace(known, copies=(*known.copies, made))

    def archives(self, subjects: Sequence[Subject], *, store: Store) -> Mapping[str, Archive | str]:
        name = self._reach(store)
        empty = Archive(subject=NAME, repository=name)
        return {one.name: self.archives_in.get(name, empty) for one in subjects}

    def verify(self, subject: Subject, *, store: Store, whole: bool) -> Verified:
        name = self._reach(store)
        return Verified(
            subject=subject.name, repository=name, files_read=3, bytes_read=9, broken=self.broken
        )

    def expire(self, subject: Subject, *, store: Store, now: datetime) -> int:
        self.acts.append(f"expire {self._reach(store)}")
        return 5

    def is_cut_off(self, subject: Subject, server: Server) -> bool:
        return server.name in self.cut_off

    def restore(
        self, subject: Subject, *, store: Store, place: Place, server: Server, to: Moment
    ) -> PointRestored:
        self._reach(store)
        if self.restore_fails:
            raise BackupError("pgBackRest failed", fault=BackupFault.FAILED)
        self.brought_back.append(to)
        at = to.at or self.backups.clock.now()
        self.backups.there = replace(
            self.backups.comes_back,
            extensions={"pgaudit": "1.7"},
            sentinel=Sentinel(id=1, written_at=at),
        )
        return PointRestored(seconds=1.0, fetched_bytes=2, kept="" if place.make else "/kept")
