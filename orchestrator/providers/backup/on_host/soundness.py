"""Whether a repository's files are what their names say, and when that was seen last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .files import sha256_of

HEAD = ("keys", "snapshots", "index")
DATA = ("data",)
"""restic names each of these files by the SHA-256 of what is in it."""


def files_of(folder: Path, kinds: Sequence[str]) -> list[Path]:
    """Return the files of some kinds."""
    return sorted(f for kind in kinds for f in (folder / kind).rglob("*") if f.is_file())


def damaged(folder: Path, kinds: Sequence[str]) -> list[Path]:
    """Return the files of some kinds that are not what their name says."""
    return [file for file in files_of(folder, kinds) if is_bad(file)]


def is_bad(file: Path) -> bool:
    """Say whether a file is not what its name says; one that was removed meanwhile is not bad."""
    try:
        return sha256_of(file) != file.name
    except FileNotFoundError:
        return False


def part_of(file: Path) -> int:
    """Return the part of the data that a file is in, by the first digit of its name."""
    return int(file.name[0], 16)


def read_before(folder: Path) -> dict[str, float]:
    """Return when each part was found sound, in seconds since 1970; a list that is none: never."""
    try:
        told = json.loads(_memory(folder).read_text())
        return {str(int(part)): float(at) for part, at in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(folder: Path, part: int, *, at: float | None) -> None:
    """Write down when a part was found sound; None: it was not, and is read first next time.

    A kill leaves the old list or the new one.
    """
    told = read_before(folder)
    told.pop(str(part), None)
    if at is not None:
        told[str(part)] = round(at, 1)
    draft = folder.with_name(f"{folder.name}.read-draft")
    draft.write_text(json.dumps(told))
    draft.replace(_memory(folder))


def _memory(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.read")
