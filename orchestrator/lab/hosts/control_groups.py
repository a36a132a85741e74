"""A control group of its own for each host, in which its systemd makes one for each unit.

`systemd-nspawn --keep-unit` puts a host below the group that it is started in, and systemd names
its units' groups alike on all hosts. Started in one group, hosts that boot at the same moment
remove each other's: a unit then fails at once (219/CGROUP). Seen with systemd-user-sessions: that
host answers, and lets nobody log in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DYING_SECONDS = 1.0
"""For the last processes of hosts to be gone: until then a group is in use."""
MOUNTS, OWN = Path("/proc/self/mounts"), Path("/proc/self/cgroup")

ENTER = 'for group; do shift; [ "$group" = -- ] && exec "$@"; echo 0 >"$group/cgroup.procs"; done'
"""For `sh -ec`: enter the groups before `--`, and become the command after it. 0 is who writes."""


def entering(name: str) -> tuple[str, ...]:
    """Make a host's groups, without what an earlier boot left in them; return how to enter them.

    Raises:
        OSError: the machine does not let us.
    """
    remove_groups(name)
    groups = [folder / name for folder in _own_folders()]
    for group in groups:
        group.mkdir(exist_ok=True)
    return ("sh", "-ec", ENTER, "sh", *map(str, groups), "--")


def remove_groups(pattern: str) -> None:
    """Remove the groups whose names fit, and what hosts made in them; one that is in use stays."""
    limit = time.monotonic() + DYING_SECONDS
    for folder in _own_folders():
        for group in folder.glob(pattern):
            while not _removed(group) and time.monotonic() < limit:
                time.sleep(0.05)


def _removed(group: Path) -> bool:
    for inner, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(inner).rmdir()
    return not group.exists()


def _own_folders() -> Iterator[Path]:
    """Return where this process is, in each hierarchy that a systemd makes groups in."""
    lines = (line.split(":", maxsplit=2) for line in OWN.read_text().splitlines())
    own = {hierarchy: path.lstrip("/") for _, hierarchy, path in lines}
    for line in MOUNTS.read_text().splitlines():
        _, mount, kind, options, *_ = line.split()
        named = kind == "cgroup" and "name=systemd" in options.split(",")
        if named or kind == "cgroup2":
            folder = Path(mount, own.get("name=systemd" if named else "", ""))
            # Seen from a container, its own group may be the root of what is mounted.
            yield folder if folder.is_dir() else Path(mount)
