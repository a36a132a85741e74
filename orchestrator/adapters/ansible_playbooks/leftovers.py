"""Find and end what a run has started, by the mark in its environment.

Ansible's workers make sessions of their own, ssh masters and modules leave theirs: neither process
groups nor parents reach them all. The environment is inherited by every one of them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.adapters.ansible_playbooks.request import MARK

LONGEST_SECONDS = 5.0


def end_marked(run: Path, *, spare: int = 0) -> bool:
    """Kill every process of a run but the one to spare; say whether none is left.

    A process may start another while we look, so that we look until there is none.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        found = [pid for pid in marked(run) if pid != spare]
        if not found:
            return True
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended by itself
            except PermissionError:
                return False  # another user's: it has become somebody by sudo
        time.sleep(0.02)
    return False


def marked(run: Path) -> Iterator[int]:
    """Give the living processes of a run that we may look at."""
    wanted = f"{MARK}={run}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                continue
        except OSError:
            continue  # gone meanwhile, or another user's
        yield int(entry.name)
