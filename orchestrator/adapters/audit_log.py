"""The audit log: one JSON line per act, each carrying the digest of the line before.

A changed, removed or reordered line breaks the chain from there on (`first_broken_entry`).
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from orchestrator.errors import StateError
from orchestrator.model.units import Json
from orchestrator.ports import Clock

_NO_PREVIOUS = "0" * 64


def _digest(entry: Mapping[str, Json]) -> str:
    body = {key: value for key, value in entry.items() if key != "digest"}
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class ChainedAuditLog:
    """The AuditLog port on a file of JSON lines."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Append to `path`; it is made at the first entry."""
        self._path = path
        self._clock = clock

    def append(self, *, act: str, facts: Mapping[str, Json]) -> None:
        """Add one entry and wait until it is on the disk."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                previous, torn = _last_line(file)
                entry: dict[str, Json] = {
                    "number": cast("int", previous["number"]) + 1 if previous else 1,
                    "time": self._clock.now().isoformat(timespec="milliseconds"),
                    "who": getpass.getuser(),
                    "host": socket.gethostname(),
                    "act": act,
                    "facts": dict(facts),
                    "previous": previous["digest"] if previous else _NO_PREVIOUS,
                }
                if torn:  # a run died while it wrote; keep the fragment and say so
                    entry["torn"] = hashlib.sha256(torn).hexdigest()
                    file.write(b"\n")
                entry["digest"] = _digest(entry)
                file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StateError(
                f"cannot write the audit log {self._path}: {error.strerror or error}",
                remedy="No act is done without its entry. Free space or mend the permissions.",
            ) from error

    def last(self) -> Mapping[str, Json] | None:
        """Return the newest whole entry."""
        try:
            with self._path.open("rb") as file:
                return _last_line(file)[0]
        except FileNotFoundError:
            return None

    def first_broken_entry(self) -> int | None:
        """Return the number of the first line (from 1) at which the chain breaks, or None."""
        previous = _NO_PREVIOUS
        fragment: bytes | None = None
        for number, line in enumerate(self._path.read_bytes().splitlines(), start=1):
            entry = _parsed(line)
            if entry is None:
                fragment = line
                continue
            told = entry.get("torn")
            explained = told == (hashlib.sha256(fragment).hexdigest() if fragment else None)
            if entry["previous"] != previous or entry["digest"] != _digest(entry) or not explained:
                return number
            previous, fragment = str(entry["digest"]), None
        return None


def _parsed(line: bytes) -> dict[str, Json] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "digest" in entry else None


def _last_line(file: BinaryIO) -> tuple[dict[str, Json] | None, bytes]:
    """Return the last whole entry, and the torn fragment after it (empty where there is none)."""
    end = file.seek(0, os.SEEK_END)
    window = 65536
    while True:
        start = max(0, end - window)
        file.seek(start)
        lines = file.read(end - start).split(b"\n")
        torn = lines.pop()  # empty when the file ends with a newline
        for line in reversed(lines[1:] if start else lines):
            entry = _parsed(line)
            if entry is not None:
                return entry, torn
        if start == 0:
            return None, torn
        window *= 4
