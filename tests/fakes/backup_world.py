"""Repositories and one database in memory, behind the ports of backups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    Copy,
    Facts,
    Holding,
    Listing,
    Manifest,
    Place,
    Restored,
    Subject,
    TableFacts,
    Verified,
)
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Secret, SecretRef
from orchestrator.planning.backup import subjects_of
from orchestrator.ports.backup import BackupEngine, Store
from orchestrator.workflows.backup import stores_of
from orchestrator.workflows.backup_steps import BackupPorts
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAME = "gongan/population"
RECORDED = Facts(tables={"data.person": TableFacts(rows=9, checksum="81")})


class NoSecrets:
    """A vault that nobody may open here."""

    def get(self, ref: SecretRef) -> Secret:
        raise AssertionError(f"{ref} is not for workflows")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("nothing is stored")


@dataclass
class BackupWorld:
    """Repositories as lists of copies, and one database; what a test breaks, it says so."""

    site: Site
    kept: dict[str, list[Copy]] = field(default_factory=dict)
    faults: dict[str, BackupError] = field(default_factory=dict)
    """By repository: every act on it fails so."""
    broken: tuple[str, ...] = ()
    damaged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By repository: files of NAME that cannot be read."""
    read: dict[str, tuple[datetime | None, ...]] = field(default_factory=dict)
    """By repository: when the parts of NAME were read."""
    asked_parts: list[tuple[int, ...]] = field(default_factory=list)
    pruned_by: list[datetime] = field(default_factory=list)
    deletable: bool = False
    there: Facts = RECORDED
    """What the service has now."""
    comes_back: Facts = RECORDED
    recorded: Facts = RECORDED
    """With every copy."""
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    audit: FakeAudit = field(default_factory=FakeAudit)

    def ports(self) -> BackupPorts:
        engine = BackupEngine(
            copying=self, archive=self, restores=self, stores=stores_of(self.site)
        )
        return BackupPorts(
            engine=engine,
            secrets=NoSecrets(),
            clock=self.clock,
            lock=FakeLock(),
            audit=self.audit,
            work_lock=FakeLock(),
        )

    def subject(self, name: str = NAME) -> Subject:
        return next(one for one in subjects_of(self.site) if one.name == name)

    def _reach(self, store: Store) -> str:
        name = store.repository.name
        if name in self.faults:
            raise self.faults[name]
        return name

    def source(self, subject: Subject, servers: Sequence[Server]) -> Server:
        return servers[0]

    def back_up(
        self, subject: Subject, server: Server, *, store: Store, run: str, at: datetime
    ) -> Copy:
        name = self._reach(store)
        copy = Copy(
            subject=subject.name, repository=name, run=run, taken_at=at, data_id="d",
            manifest_id="m", host=server.name, size_bytes=7,
        )  # fmt: skip
        self.kept.setdefault(name, []).append(copy)
        return copy

    def back_up_site(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        raise AssertionError("no test copies the site's records here")

    def may_delete(self, subject: str, *, store: Store, server: Server) -> bool:
        return self.deletable

    def prepare(self, subjects: Sequence[str], *, store: Store) -> tuple[str, ...]:
        raise AssertionError("no test prepares here")

    def copies(self, subjects: Sequence[str], *, store: Store) -> Listing:
        name = self._reach(store)
        return Listing(
            copies=tuple(copy for copy in self.kept.get(name, []) if copy.subject in subjects),
            damaged={NAME: self.damaged[name]} if name in self.damaged else {},
            read={NAME: self.read[name]} if name in self.read else {},
        )

    def manifest(self, copy: Copy, *, store: Store) -> Manifest:
        self._reach(store)
        return Manifest(
            run=copy.run, subject=copy.subject, taken_at=copy.taken_at, host=copy.host,
            facts=self.recorded, data_id="d", data_bytes=7,
        )  # fmt: skip

    def verify(self, subject: str, *, store: Store, parts: Sequence[int]) -> Verified:
        name = self._reach(store)
        self.asked_parts.append(tuple(parts))
        return Verified(
            subject=subject, repository=name, files_read=3, bytes_read=30, broken=self.broken
        )

    def prune(self, copies: Sequence[Copy], *, store: Store, now: datetime) -> int:
        name = self._reach(store)
        self.pruned_by.append(now)
        self.kept[name] = [copy for copy in self.kept[name] if copy not in copies]
        return 100

    def holding(self, place: Place, *, server: Server) -> Holding:
        rows = 0 if place.make else sum(one.rows for one in self.there.tables.values())
        return Holding(cluster=not place.make, running=not place.make, in_recovery=False, rows=rows)

    def restore(self, copy: Copy, *, store: Store, place: Place, server: Server) -> Restored:
        self._reach(store)
        self.there = self.comes_back
        return Restored(seconds=1.0, fetched_bytes=7)

    def restore_site(self, copy: Copy, *, store: Store, folder: str) -> Facts:
        raise AssertionError("no test restores the site's records here")

    def facts(self, place: Place, *, server: Server, like: Facts) -> Facts:
        return self.there

    def remove(self, place: Place, *, server: Server) -> None:
        raise AssertionError("a restore removes nothing")
