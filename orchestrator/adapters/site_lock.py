"""The site lock: a lock of the operating system on one file, which also says who holds it.

The kernel drops the lock when its process dies, so that a killed run never leaves a stale one.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from orchestrator.errors import SiteLockedError, StateError
from orchestrator.ports import Clock, LockHolder


class FileSiteLock:
    """The SiteLock port on a lock file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Lock `path`; its folder is made when the lock is first held."""
        self._path = path
        self._clock = clock

    @contextmanager
    def hold(self, *, why: str, shared: bool = False) -> Iterator[None]:
        """Hold the lock, alone or shared with other readers."""
        descriptor = self._open()
        try:
            try:
                fcntl.flock(
                    descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
                )
            except BlockingIOError:
                raise self._locked() from None
            if shared:
                yield
                return
            self._write_holder(descriptor, why)
            try:
                yield
            finally:
                os.ftruncate(descriptor, 0)  # else who meets a reader is told of this run
        finally:
            os.close(descriptor)

    def holder(self) -> LockHolder | None:
        """Return who works on the site now."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._read_holder()
        finally:
            os.close(descriptor)
        return None

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"cannot open the lock file {self._path}: {error.strerror}",
                remedy="The state folder must be writable by whoever applies the site.",
            ) from error

    def _write_holder(self, descriptor: int, why: str) -> None:
        holder = LockHolder(
            who=getpass.getuser(),
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._clock.now().isoformat(timespec="seconds"),
            why=why,
        )
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
        except OSError as error:
            raise StateError(
                f"cannot write the lock file {self._path}: {error.strerror}",
                remedy="Nothing was changed. Free space in the state folder and run again.",
            ) from error

    def _read_holder(self) -> LockHolder:
        try:
            return LockHolder(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            # A reader holds it, or the holder has not written its name yet.
            return LockHolder(
                who="somebody", host="unknown host", pid=0, since="now", why="reading"
            )

    def _locked(self) -> SiteLockedError:
        held = self._read_holder()
        return SiteLockedError(
            f"the site is locked by {held.who} on {held.host} (pid {held.pid}) "
            f"since {held.since}, for: {held.why}",
            remedy="Wait until that run ends, or talk to its owner; a killed run frees the lock.",
        )
