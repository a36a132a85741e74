"""Files of a host: which there are, and what is in each."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .ground import CHUNK_BYTES, ActError


def digests(paths: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of every regular file below some paths.

    A file that goes away meanwhile is left out; one that changes has no digest.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in files_below(paths):
        try:
            before = os.lstat(file)
            digest = sha256_of(Path(file))
            after = os.lstat(file)
        except FileNotFoundError:
            continue
        steady = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
        found[file] = {
            "size_bytes": after.st_size,
            "sha256": digest if steady else "",
            "mtime": after.st_mtime_ns,
        }
    return found


def settled(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the same, without digests of files that changed since, and without files that went.

    Whether the copy has one that went nobody knows: a restore must not fail for want of it.
    """
    kept = {}
    for file, facts in found.items():
        try:
            same = os.lstat(file).st_mtime_ns == facts["mtime"]
        except (FileNotFoundError, NotADirectoryError):
            continue
        digest = facts["sha256"] if same else ""
        kept[file] = {"size_bytes": facts["size_bytes"], "sha256": digest}
    return kept


def files_below(paths: Sequence[str]) -> Iterator[str]:
    """Return every regular file; what cannot be read is a fault, not a gap."""
    for path in paths:
        if not os.path.lexists(path):
            raise ActError("absent", f"there is no {path} here", broken=[path])
        if stat.S_ISREG(os.lstat(path).st_mode):
            yield path
        for folder, _folders, names in os.walk(path, onerror=_refuse):
            for name in sorted(names):
                file = Path(folder, name)
                if os.path.lexists(file) and stat.S_ISREG(file.lstat().st_mode):
                    yield str(file)


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise ActError("failed", f"cannot read {error.filename}: {error.strerror}")
