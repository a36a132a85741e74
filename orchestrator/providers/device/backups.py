"""Configurations as devices ran them, before and after each push: kept, private, and diffable."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.errors import StateError

KEPT = 40
"""Backups of one device; the oldest goes."""

_NAME = re.compile(r"(\d{8}T\d{6}\d*Z)-(before|after|taken)\.txt")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Backup:
    """One kept configuration."""

    device: str
    taken: str
    """When, in UTC: `20261122T100344123456Z`."""
    when: str
    """`before` or `after` a push, or `taken` on its own."""
    path: Path

    @property
    def name(self) -> str:
        """Return what it is called on the command line."""
        return f"{self.device}/{self.taken}-{self.when}"

    def text(self) -> str:
        """Return the configuration. Raises StateError where it cannot be read."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise StateError(f"cannot read {self.path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """The backups of a site's devices, in its private state folder."""

    folder: Path

    def keep(self, device: str, text: str, *, when: str, now: datetime) -> Backup:
        """Keep a configuration, unless it is what the last backup says already.

        Raises:
            StateError: it cannot be written; nothing should be pushed then.
        """
        newest = next(reversed(self.of(device)), None)
        if newest is not None and newest.text() == text:
            return newest
        taken = now.strftime("%Y%m%dT%H%M%S%fZ")
        path = self.folder / device / f"{taken}-{when}.txt"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_suffix(".tmp")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            for old in self.of(device)[:-KEPT]:
                old.path.unlink()
        except OSError as error:
            raise StateError(
                f"cannot write {path}: {error.strerror}",
                remedy="Without a backup nothing is pushed: make the state folder writable.",
            ) from error
        return Backup(device=device, taken=taken, when=when, path=path)

    def of(self, device: str) -> tuple[Backup, ...]:
        """Return a device's backups, the oldest first."""
        found = []
        for path in sorted((self.folder / device).glob("*.txt")):
            if told := _NAME.fullmatch(path.name):
                taken, when = told.groups()
                found.append(Backup(device=device, taken=taken, when=when, path=path))
        return tuple(found)

    def all(self) -> tuple[Backup, ...]:
        """Return every backup, by device, the oldest first."""
        names = sorted(path.name for path in self.folder.glob("*") if path.is_dir())
        return tuple(backup for name in names for backup in self.of(name))
