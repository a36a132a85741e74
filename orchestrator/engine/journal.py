"""The journal of a running update: one line before every act, and one after it.

It costs the same for every step, however large the stack is. A line names what a state with it
folded in looks like; `Snapshot.apply` does the folding. The first line names the checkpoint that
the journal belongs to, so that a journal that was folded in already is never folded in twice.

Lines are handed to the kernel, not forced to the platter: they survive the death of the process.
Should the machine die and the last lines be lost, the state is merely behind the cloud, and the
provider adopts what exists at the next create.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from orchestrator.engine.records import Record
from orchestrator.engine.snapshot import Begun, Dropped, Ended, Entry, Put
from orchestrator.errors import StateError
from orchestrator.model.units import Json


class Journal:
    """An append-only file; safe to write from many threads."""

    def __init__(self, path: Path, *, base: str) -> None:
        """Take the path and the hash of the checkpoint that the entries change.

        The file is made with the first entry: a run that does nothing leaves none.
        """
        self._path = path
        self._base = base
        self._file: int | None = None
        self._size = 0
        self._broken = False
        self._lock = threading.Lock()

    def append(self, entry: Entry) -> None:
        """Write one entry. Raises StateError where it cannot be written whole."""
        line = _encode(_to_json(entry))
        with self._lock:
            try:
                if self._broken:
                    raise OSError("an earlier entry could not be written")
                if self._file is None:
                    self._open()
                self._write(line)
            except OSError as error:
                self._broken = True
                raise StateError(
                    f"cannot write the journal {self._path}: {error.strerror or error}",
                    remedy="Free some space, then run the same command again: it goes on.",
                ) from error

    def close(self) -> None:
        """Let go of the file; it stays where it is."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._file = os.open(self._path, flags, 0o600)
        self._write(_encode({"base": self._base}))

    def _write(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker: append opened it
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            # Half a line would end the journal early for whoever reads it.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)


def read_journal(text: bytes, *, base: str) -> Iterator[Entry]:
    """Yield a journal's entries, or none where it belongs to another checkpoint.

    The last line may be torn: the process died while writing it.
    """
    lines = text.split(b"\n")[:-1]
    if not lines or _decode(lines[0]).get("base") != base:
        return
    for line in lines[1:]:
        yield _from_json(_decode(line))


def _encode(document: dict[str, Json]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _decode(line: bytes) -> dict[str, Json]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise StateError(
            f"the journal of a killed run is damaged: {error}",
            remedy="Move the journal file away; what it recorded is found in the cloud again.",
        ) from error
    return document if isinstance(document, dict) else {}


def _to_json(entry: Entry) -> dict[str, Json]:
    match entry:
        case Begun(record, act):
            return {"begin": act, "record": record.to_json()}
        case Ended(urn):
            return {"end": urn}
        case Put(record, dooms):
            return {"put": record.to_json(), "dooms": dooms}
        case Dropped(urn, resource_id):
            return {"drop": urn, "id": resource_id}


def _from_json(document: dict[str, Json]) -> Entry:
    match document:
        case {"begin": str(act), "record": dict(record)}:
            return Begun(Record.from_json(record), act)
        case {"end": str(urn)}:
            return Ended(urn)
        case {"put": dict(record), "dooms": bool(dooms)}:
            return Put(Record.from_json(record), dooms)
        case {"drop": str(urn), "id": str(resource_id)}:
            return Dropped(urn, resource_id)
    raise StateError(f"the journal has an entry of an unknown form: {sorted(document)}")
