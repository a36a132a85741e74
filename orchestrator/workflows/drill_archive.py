"""Drills of continuous archives: the end of an archive, as drills see any other copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    BackupFault,
    Copy,
    Facts,
    Holding,
    Listing,
    Manifest,
    Place,
    Restored,
    Subject,
    Verified,
)
from orchestrator.model.hardware import Server
from orchestrator.planning.continuous import continuous
from orchestrator.ports.backup import Archive, BackupEngine, Restores, Store
from orchestrator.ports.continuous import ContinuousEngine, Moment
from orchestrator.workflows.restore_point import PRELOADED

RUN = "archive"
"""What the end of an archive is called, where copies have the name of their run."""


def with_archives(
    engine: BackupEngine, archives: ContinuousEngine, subjects: Sequence[Subject]
) -> BackupEngine:
    """Return an engine for which a continuous subject's newest copy is the end of its archive."""
    known = {one.name: one for one in continuous(subjects)}
    if not known:
        return engine
    archive = EndOfArchives(dumps=engine.archive, archives=archives, known=known)
    restores = ArchiveRestores(dumps=engine.restores, archives=archives, known=known)
    return replace(engine, archive=archive, restores=restores)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndOfArchives:
    """Repositories, in which an archive counts as one copy that grows."""

    dumps: Archive
    archives: ContinuousEngine
    known: Mapping[str, Subject]

    def prepare(self, subjects: Sequence[str], *, store: Store) -> tuple[str, ...]:
        """Make a subject's folder where there is none."""
        return self.dumps.prepare(subjects, store=store)

    def copies(self, subjects: Sequence[str], *, store: Store) -> Listing:
        """Return the end of each archive, and the copies of what has none."""
        archived = [self.known[name] for name in subjects if name in self.known]
        others = [name for name in subjects if name not in self.known]
        found = self.dumps.copies(others, store=store) if others else Listing()
        told = self.archives.keeping.archives(archived, store=store) if archived else {}
        ends: list[Copy] = []
        for name, one in told.items():
            if isinstance(one, str):
                raise BackupError(one, fault=BackupFault.BROKEN)
            if one.archived_at is not None and one.copies:
                newest = one.copies[-1]
                end = Copy(
                    subject=name,
                    repository=store.repository.name,
                    run=RUN,
                    taken_at=one.archived_at,
                    data_id=newest.label,
                    manifest_id=one.newest_segment,
                    size_bytes=newest.size_bytes,
                )
                ends.append(end)
        return replace(found, copies=(*found.copies, *ends))

    def manifest(self, copy: Copy, *, store: Store) -> Manifest:
        """Return what was recorded with a dump: an archive has no record of its own."""
        if copy.run != RUN:
            return self.dumps.manifest(copy, store=store)
        whole = [one for one in self.dumps.copies([copy.subject], store=store).copies if one.whole]
        if not whole:
            raise BackupError(
                f"{store.repository.name} has no dump of {copy.subject} to compare with",
                fault=BackupFault.ABSENT,
                remedy="orchestrator backup run makes one.",
            )
        on_the_way = timedelta(seconds=self.known[copy.subject].policy.archive_seconds)
        return self.dumps.manifest(
            comparable(whole, ends=copy.taken_at, on_the_way=on_the_way), store=store
        )

    def verify(self, subject: str, *, store: Store, parts: Sequence[int]) -> Verified:
        """Read an archive, or a subject's folder."""
        if subject in self.known:
            keeping = self.archives.keeping
            return keeping.verify(self.known[subject], store=store, whole=True)
        return self.dumps.verify(subject, store=store, parts=parts)

    def prune(self, copies: Sequence[Copy], *, store: Store, now: datetime) -> int:
        """Delete copies."""
        return self.dumps.prune(copies, store=store, now=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRestores:
    """Hosts, to which the end of an archive is brought as any other copy."""

    dumps: Restores
    archives: ContinuousEngine
    known: Mapping[str, Subject]

    def holding(self, place: Place, *, server: Server) -> Holding:
        """Return what is at a place now."""
        return self.dumps.holding(place, server=server)

    def restore(self, copy: Copy, *, store: Store, place: Place, server: Server) -> Restored:
        """Bring an archive's end, or a copy, to a place."""
        if copy.run != RUN:
            return self.dumps.restore(copy, store=store, place=place, server=server)
        restored = self.archives.restores.restore(
            self.known[copy.subject],
            store=store,
            place=place,
            server=server,
            to=Moment(run=RUN, loaded=PRELOADED),
        )
        return Restored(
            seconds=restored.seconds, fetched_bytes=restored.fetched_bytes, steps=restored.steps
        )

    def restore_site(self, copy: Copy, *, store: Store, folder: str) -> Facts:
        """Write a copy of the site's records below a folder of this machine."""
        return self.dumps.restore_site(copy, store=store, folder=folder)

    def facts(self, place: Place, *, server: Server, like: Facts) -> Facts:
        """Count what is at a place."""
        return self.dumps.facts(place, server=server, like=like)

    def remove(self, place: Place, *, server: Server) -> None:
        """Remove what a restore made at a place."""
        self.dumps.remove(place, server=server)


def comparable(dumps: Sequence[Copy], *, ends: datetime, on_the_way: timedelta) -> Copy:
    """Return the newest dump whose sentinel an archive that `ends` then must hold.

    The log is archived in pieces: a dump of the last minute may be younger than the newest piece.
    Where all are, the oldest is the likeliest to be in.
    """
    archived = [one for one in dumps if one.taken_at + on_the_way <= ends]
    if archived:
        return max(archived, key=lambda one: one.taken_at)
    return min(dumps, key=lambda one: one.taken_at)
