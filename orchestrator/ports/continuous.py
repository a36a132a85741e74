"""The ports of continuous archives: what a database's host does, what a repository's server does.

Each call is bounded in time and can be made again after it was cut off anywhere. Whatever fails is
a BackupError that says what is broken and names the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.model.backup import Place, Subject, Verified
from orchestrator.model.continuous import Archive, Backlog, BaseKind, PointRestored
from orchestrator.model.hardware import Server
from orchestrator.ports.backup import Store


class Archiving(Protocol):
    """Fills an archive, as the host does whose cluster leads."""

    def prepare(self, subject: Subject, server: Server, *, store: Store) -> None:
        """Make the archive where there is none; of one that is there, see that it is this one's."""

    def advance(self, subject: Subject, server: Server, *, run: str, at: datetime) -> str:
        """Write a sentinel row, have the log up to it archived, and return that segment's name.

        Whether a repository has it, the repository tells: one may be silent.
        """

    def copy(
        self, subject: Subject, server: Server, *, store: Store, kind: BaseKind, run: str
    ) -> None:
        """Copy the cluster into one repository, for the log to begin from."""

    def backlog(self, subject: Subject, server: Server) -> Backlog:
        """Return what of the log waits on its primary, as long as a repository does not take it."""


class ArchiveKeeping(Protocol):
    """Keeps archives: everything here is asked of a repository's own server."""

    def archives(self, subjects: Sequence[Subject], *, store: Store) -> Mapping[str, Archive | str]:
        """Return what there is of each subject, by its name; or why nobody can tell."""

    def verify(self, subject: Subject, *, store: Store, whole: bool) -> Verified:
        """See that no segment is missing in between, and read every copy and segment (`whole`)."""

    def expire(self, subject: Subject, *, store: Store, now: datetime) -> int:
        """Remove what the policy lets go, and return the bytes that were freed.

        `now` is by the clock of whoever asks: a server whose own says another one refuses.
        """


class PointRestores(Protocol):
    """Brings archives back."""

    def restore(
        self, subject: Subject, *, store: Store, place: Place, server: Server, to: Moment
    ) -> PointRestored:
        """Bring a cluster back as it was at a moment, and let it write again.

        What is at the place is kept aside. Cut off, the next call for the place begins anew, and
        keeps what the first one had put aside.
        """

    def is_cut_off(self, subject: Subject, server: Server) -> bool:
        """Say whether a restore of the service itself was cut off here: it is down since then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where a restore goes back to."""

    run: str
    """Names the restore; what was at the place before is kept under this name."""
    at: datetime | None = None
    """None: to the end of the archive."""
    loaded: tuple[str, ...] = ()
    """Extensions that a new cluster has to load before it can start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContinuousEngine:
    """The three ports together."""

    archiving: Archiving
    keeping: ArchiveKeeping
    restores: PointRestores
