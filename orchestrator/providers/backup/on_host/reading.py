"""Reading a repository again, in slices: whoever writes waits for one of them, and not for all."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .ground import ActError, Answer
from .keeping import nobody_else, repository_folder
from .restic import Repository
from .soundness import DATA, HEAD, files_of, is_bad, part_of, remember

SLICE_SECONDS = 20.0
"""So long a repository is held at a time; whoever wants to write to it waits for a minute."""
BETWEEN_SECONDS = 1.0


def verify(request: Answer) -> Answer:
    """Read some parts of the data and all that leads to it; ask restic whether all is there.

    Each part that was found sound is remembered, also where a later one could not be read.
    """
    folder = repository_folder(request)
    found = Found()
    for part in sorted(request["parts"]):
        broken_before = len(found.broken)
        read_slowly(
            folder, [file for file in files_of(folder, DATA) if part_of(file) == part], found
        )
        sound = len(found.broken) == broken_before
        remember(folder, part, at=time.time() if sound else None)
    read_slowly(folder, files_of(folder, HEAD), found)
    complaint = ""
    if not found.broken:
        found.broken, complaint = _structure(request, folder)
    return {
        "files_read": found.files,
        "bytes_read": found.size,
        "broken": found.broken,
        "complaint": complaint,
    }


class Found:
    """What reading found so far."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.files, self.size = 0, 0
        self.broken: list[str] = []

    def take(self, file: Path) -> None:
        """Read one file; what was pruned since it was listed counts for nothing."""
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            return
        if is_bad(file):
            self.broken.append(str(file))
        self.files, self.size = self.files + 1, self.size + size


def read_slowly(
    folder: Path,
    files: Sequence[Path],
    found: Found,
    *,
    slice_seconds: float = SLICE_SECONDS,
    between: float = BETWEEN_SECONDS,
) -> None:
    """Read files, and let go of the repository every now and then for whoever writes."""
    ahead = deque(files)
    while ahead:
        with nobody_else(folder):
            until = time.monotonic() + slice_seconds
            found.take(ahead.popleft())
            while ahead and time.monotonic() < until:
                found.take(ahead.popleft())
        if ahead:
            time.sleep(between)


def _structure(request: Answer, folder: Path) -> tuple[list[str], str]:
    """Let restic follow every snapshot to its packs; where one is missing, name it.

    It takes long, and nobody has to wait for it: what it complains of while somebody writes is
    asked again when nobody does.
    """
    repository = Repository.of(request)
    if not _complaint(repository):
        return [], ""
    with nobody_else(folder):
        complaint = _complaint(repository)
        if not complaint:
            return [], ""
        packs = {file.name for file in files_of(folder, DATA)}
        wanted: set[str] = set()
        for file in files_of(folder, ("index",)):
            index: list[Any] = repository.lines("--no-lock", "cat", "index", file.name)
            wanted |= {pack["id"] for pack in index[0]["packs"]}
        missing = [str(folder / "data" / name[:2] / name) for name in sorted(wanted - packs)]
        return missing, "" if missing else complaint


def _complaint(repository: Repository) -> str:
    """Return what restic's own check finds wrong; nothing, where it finds nothing."""
    try:
        repository.run("--no-lock", "check")
    except ActError as fault:
        if fault.kind == "wrong-key":
            raise
        return fault.message
    return ""
