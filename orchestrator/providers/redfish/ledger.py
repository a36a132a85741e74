"""What is remembered of each BMC on disk: its certificate, and the session that is open on it.

One folder, two small files per BMC. A run that is killed leaves the session's URI behind; the next
one that speaks to the BMC closes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import BmcError, StateError
from orchestrator.model.inventory import BmcFault

LOGGING_IN = "logging-in"
"""Stands in the ledger from before a login until its session is known."""

_LOCK_PAUSE_SECONDS = 0.1


@dataclass(kw_only=True, slots=True)
class SessionLedger:
    """The sessions on one BMC that are ours and not known to be closed."""

    descriptor: int
    left_over: tuple[str, ...] = field(default=())
    """What a run that was killed left: session URIs, or LOGGING_IN for one it never learnt."""

    def note(self, line: str) -> None:
        """Add a line before what it tells of is used."""
        os.write(self.descriptor, f"{line}\n".encode())

    def close_all(self) -> None:
        """Note that no session of ours is open."""
        os.ftruncate(self.descriptor, 0)


@dataclass(frozen=True, slots=True)
class BmcFolder:
    """The files of one BMC; `address` is the declared one."""

    folder: Path
    address: str

    @property
    def _certificate(self) -> Path:
        return self.folder / f"{self.address}.sha256"

    @contextmanager
    def alone(self, *, deadline: float) -> Iterator[SessionLedger]:
        """Be the only one that speaks to the BMC, among all runs on this machine.

        The kernel drops the lock of a process that dies.

        Raises:
            BmcError: another run still speaks to it at the deadline.
        """
        path = self.folder / f"{self.address}.session"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"cannot open {path}: {error.strerror}",
                remedy="The state folder must be writable: sessions on BMCs are noted there.",
            ) from error
        try:
            self._lock(descriptor, deadline)
            kept = os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")
            yield SessionLedger(descriptor=descriptor, left_over=tuple(kept.split()))
        finally:
            os.close(descriptor)

    def check_certificate(self, certificate: bytes) -> None:
        """Pin the certificate at first contact; afterwards refuse any other.

        Raises:
            BmcError: it is another one.
        """
        presented = fingerprint(certificate)
        try:
            pinned = self._certificate.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            self._pin(presented)
            return
        if presented != pinned:
            raise BmcError(
                f"its certificate is not the pinned one: pinned SHA-256 {pinned}, "
                f"presented {presented}",
                fault=BmcFault.CERTIFICATE_CHANGED,
                remedy="No login was sent. If the certificate was renewed on purpose, compare the "
                f"fingerprint on the BMC's console, then delete {self._certificate}.",
            )

    def _pin(self, presented: str) -> None:
        draft = self._certificate.with_name(f".{self._certificate.name}.tmp")
        draft.write_text(f"{presented}\n", encoding="ascii")
        draft.replace(self._certificate)  # whole or not at all; the BMC's lock keeps others out

    def _lock(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BmcError(
                        "another run on this machine speaks to it",
                        fault=BmcFault.BUSY,
                        remedy="Wait until that run ends: BMCs are asked one thing at a time.",
                    ) from None
                time.sleep(_LOCK_PAUSE_SECONDS)
            else:
                return


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER) as consoles show it."""
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
