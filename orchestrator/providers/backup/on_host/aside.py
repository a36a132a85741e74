"""A cluster's data while a restore brings it back: kept aside, found again after a kill.

Beside the data lies a mark as long as what is at the place is not whole. It has the name of what
was put aside; of a cluster that the restore itself made it is empty.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from . import postgres
from .ground import Answer

DATA = Path("/var/lib/postgresql")


def data_of(cluster: postgres.Cluster, *, root: Path = DATA) -> Path:
    """Return the folder of a cluster's data."""
    return root / cluster.version / cluster.name


def mark_of(data: Path) -> Path:
    """Return the file that says of a cluster that it is not whole yet."""
    return data.with_name(f".{data.name}.restoring")


def is_cut_off(data: Path) -> bool:
    """Say whether a restore in the place of a cluster was cut off: what was there is aside."""
    kept = _kept(data)
    return kept is not None and kept.exists() and _is_half(data)


def cut_off(request: Answer) -> Answer:
    """Say whether a restore of a cluster of this host, in its place, was cut off."""
    cluster = postgres.Cluster(request["cluster"])
    return {"cut_off": is_cut_off(data_of(cluster))}


def put_aside(data: Path, run: str) -> Path:
    """Keep a stopped cluster's data under another name, and return that.

    Where an earlier restore was cut off, its half goes, and what it had put aside stays.
    """
    kept = _kept(data)
    if kept is not None and is_cut_off(data):
        if data.exists():
            shutil.rmtree(data)
        return kept
    aside = data.with_name(f"{data.name}.before-{run}")
    _write_durably(mark_of(data), aside.name)
    data.rename(aside)
    return aside


def put_back(data: Path, aside: Path) -> None:
    """Give a cluster back what was put aside."""
    _write_durably(mark_of(data), aside.name)
    if data.exists():
        shutil.rmtree(data)
    aside.rename(data)
    mark_of(data).unlink(missing_ok=True)


def make_empty(data: Path) -> None:
    """Make the folder that a cluster is fetched into."""
    data.mkdir(mode=0o700)
    owner = pwd.getpwnam(postgres.OWNER)
    os.chown(data, owner.pw_uid, owner.pw_gid)


def inside(folder: Path) -> tuple[int, int]:
    """Return the files and bytes of a folder that somebody works in: some may go meanwhile."""
    files = size = 0
    for each, _, names in os.walk(folder):
        for name in names:
            try:
                size += Path(each, name).stat().st_size
            except FileNotFoundError:
                continue
            files += 1
    return files, size


def _is_half(data: Path) -> bool:
    """Say whether nobody can have written to what is at the place.

    pgBackRest 2.45 writes pg_control last, and PostgreSQL removes the signal once it has replayed.
    """
    return not (data / "global/pg_control").exists() or (data / "recovery.signal").exists()


def _kept(data: Path) -> Path | None:
    mark = mark_of(data)
    name = mark.read_text().strip() if mark.exists() else ""
    # Cut off while it was written it names nothing that is there: then the data is in its place.
    return data.with_name(name) if name.startswith(f"{data.name}.before-") else None


def _write_durably(file: Path, text: str) -> None:
    """Write a file that is there after a power cut, before what follows is."""
    with file.open("w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
