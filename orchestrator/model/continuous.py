"""Continuous archives: a cluster's log as it is written, and copies of it to begin from."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.model.backup import BackupMethod, BackupRepository, Subject
from orchestrator.model.units import NaturalInt, Secret

ARCHIVES = ".archive"
"""Below a repository's folder; no subject's name begins with a dot."""
HOMES = "/var/lib/site-archive"
NAME_LETTERS = 12
LARGEST_BACKLOG_BYTES = 256 << 20
"""Sixteen pieces of the log: some minutes of a busy database."""


class BaseKind(StrEnum):
    """What a copy of a cluster rests on (pgBackRest's words)."""

    FULL = "full"
    DIFFERENTIAL = "diff"
    """What changed since the newest full one."""
    INCREMENTAL = "incr"
    """What changed since the newest of any kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseCopy:
    """One copy of a whole cluster, from which the log is replayed."""

    label: str
    kind: BaseKind
    begun_at: datetime
    ended_at: datetime
    """From here on the log leads to every moment; by the database's host's clock."""
    size_bytes: NaturalInt
    """What it added to the repository."""
    timeline: str = ""
    """PostgreSQL's, as it begins the names of segments; empty: it was not told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """What one repository holds of one service's archive."""

    subject: str
    repository: str
    copies: tuple[BaseCopy, ...] = ()
    """The oldest first."""
    newest_segment: str = ""
    archived_at: datetime | None = None
    """When the newest segment came, by the repository's server's clock; None: none came."""

    @property
    def turned(self) -> bool:
        """Say whether the log went on along another history after the newest copy.

        After a failover, and after a service went back in time. In the latter case no copy that is
        younger than that moment leads anywhere.
        """
        if not self.copies or not self.newest_segment:
            return False
        newest = max(self.copies, key=lambda one: one.ended_at)
        return bool(newest.timeline) and not self.newest_segment.startswith(newest.timeline)

    @property
    def reachable(self) -> tuple[datetime, datetime] | None:
        """Return the first and the last moment that can be gone back to; None: there is none."""
        if not self.copies or self.archived_at is None:
            return None
        begin = min(one.ended_at for one in self.copies)
        return (begin, self.archived_at) if begin <= self.archived_at else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What a primary keeps of its log because a repository did not take it yet."""

    server: str
    waiting_bytes: NaturalInt
    free_bytes: NaturalInt
    """Left on the disk that it waits on: once that is full the database stops."""

    @property
    def grows(self) -> bool:
        """Say whether it is more than what waits for a moment where much is written."""
        return self.waiting_bytes >= LARGEST_BACKLOG_BYTES or self.waiting_bytes > self.free_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePlace:
    """Where a service's archive is on a repository's server, and who owns it there."""

    stanza: str
    """What pgBackRest calls it: the cluster's name."""
    user: str
    """A user of that server for this service alone: the kernel keeps services apart."""
    home: str
    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PointRestored:
    """What a restore to a moment did, by its own account."""

    seconds: float
    fetched_bytes: NaturalInt
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step."""
    kept: str = ""
    """The folder with what was at the place before; empty: nothing was."""


def is_continuous(subject: Subject) -> bool:
    """Say whether a subject has an archive beside its dumps."""
    return subject.cluster is not None and subject.policy.method is BackupMethod.CONTINUOUS


def archive_place(subject: Subject, repository: BackupRepository) -> ArchivePlace:
    """Return where a service's archive is in a repository."""
    stanza = cluster_of(subject)
    return ArchivePlace(
        stanza=stanza,
        user=f"archive-{hashlib.sha256(stanza.encode()).hexdigest()[:NAME_LETTERS]}",
        home=f"{HOMES}/{stanza}",
        folder=f"{repository.path}/{ARCHIVES}/{stanza}",
    )


def archive_key(repository_key: Secret, subject: str) -> Secret:
    """Return what a service's archive in a repository is encrypted with.

    It lies on the hosts that archive, so it must open nothing else: it is made of the repository's
    key and the service's name, and the repository's key cannot be made of it (HMAC-SHA256).
    """
    words = f"archive {subject}".encode()
    return Secret(hmac.new(repository_key.reveal().encode(), words, hashlib.sha256).hexdigest())


def archive_key_variable(subject: Subject, repository: str) -> str:
    """Return the name of the playbook's variable that has this key."""
    name = hashlib.sha256(f"{subject.name} {repository}".encode()).hexdigest()
    return f"archive_key_{name[:NAME_LETTERS]}"


def cluster_of(subject: Subject) -> str:
    """Return the name of a service's cluster."""
    if subject.cluster is None:
        raise ValueError(f"{subject.name} is no service, and has no archive")
    return subject.cluster.name
