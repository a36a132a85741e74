"""The backup ports: copying things into repositories, keeping them there, bringing them back.

Each call is bounded in time, and can be made again after it was cut off anywhere. Whatever fails is
a BackupError that says what is broken and names the file or object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    BackupFault,
    BackupRepository,
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
from orchestrator.ports.backup_cloud import CloudCopies


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """One repository with the server that keeps it."""

    repository: BackupRepository
    server: Server


class Copying(Protocol):
    """Makes copies, as the servers do whose data it is."""

    def source(self, subject: Subject, servers: Sequence[Server]) -> Server:
        """Return the server that a subject is copied from now: of a service, its primary."""

    def back_up(
        self, subject: Subject, server: Server, *, store: Store, run: str, at: datetime
    ) -> Copy:
        """Copy a subject from a server into one repository.

        `run` names the copy and `at` is the moment by this machine's clock that it counts from.
        A copy is there whole or is none: its manifest is written last.
        """

    def back_up_site(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        """Copy the site's directory and its state from this machine into one repository."""

    def may_delete(self, subject: str, *, store: Store, server: Server) -> bool:
        """Say whether a server that makes copies of a subject can delete in its repository.

        It tries it on a trial file, written for that alone: no copy is at stake. An attempt that
        did not get as far as a refusal is a BackupError.
        """


class Archive(Protocol):
    """Keeps copies: everything here is asked of a repository's own server."""

    def prepare(self, subjects: Sequence[str], *, store: Store) -> tuple[str, ...]:
        """Make a subject's folder where there is none; return the names of those made."""

    def copies(self, subjects: Sequence[str], *, store: Store) -> Listing:
        """Return the copies of some subjects, and by name what of them cannot be read."""

    def manifest(self, copy: Copy, *, store: Store) -> Manifest:
        """Return what was recorded with a copy."""

    def verify(self, subject: str, *, store: Store, parts: Sequence[int]) -> Verified:
        """Read some of the PARTS (from 0) of a subject's data, and all that leads to them.

        Whoever writes meanwhile has to wait for a slice of that, and not for all.
        """

    def prune(self, copies: Sequence[Copy], *, store: Store, now: datetime) -> int:
        """Delete copies of one subject, and the data that no other needs; return bytes freed.

        `now` is the moment by which they were chosen: a server whose own clock says another one
        refuses.
        """


class Restores(Protocol):
    """Brings copies back, and counts what is there."""

    def holding(self, place: Place, *, server: Server) -> Holding:
        """Return what is at a place now."""

    def restore(self, copy: Copy, *, store: Store, place: Place, server: Server) -> Restored:
        """Bring a copy to a place, instead of what is there.

        What is fetched is compared with the manifest's digest before the place changes. Cut off,
        the place is as before or has all of it: the same call begins anew.
        """

    def restore_site(self, copy: Copy, *, store: Store, folder: str) -> Facts:
        """Write a copy of the site's records below a folder of this machine, and count them.

        A folder that is there is refused.
        """

    def facts(self, place: Place, *, server: Server, like: Facts) -> Facts:
        """Count what is at a place, as `like` was counted."""

    def remove(self, place: Place, *, server: Server) -> None:
        """Remove what a restore made at a place. Refuses a cluster that no restore made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupEngine:
    """The ports together, with the stores that the site declares."""

    copying: Copying
    archive: Archive
    restores: Restores
    stores: Mapping[str, Store]
    """By the repository's name."""
    cloud: CloudCopies | None = None
    """None: no cloud's images and volumes are copied here."""

    def of_cloud(self) -> CloudCopies:
        """Return the port of images and volumes. Raises BackupError where there is none."""
        if self.cloud is None:
            raise BackupError(
                "no cloud is wired: its images and volumes cannot be reached",
                fault=BackupFault.UNPREPARED,
            )
        return self.cloud
