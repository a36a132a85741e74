"""Running one long program: its words as they come, an end in time, and how full its disk was."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the programs of a build are, whatever the caller's PATH."""
LAST_LINES = 20
LOOK_SECONDS = 0.2
"""Between two looks at the disk."""
GRACE_SECONDS = 20.0
"""For the program to take away what it mounted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a program ended."""

    status: int | None
    """None: it was ended because it took too long."""
    last_words: str
    least_free_bytes: int
    """Of the disk that it worked on, at its fullest."""


def run_program(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    within: float,
    heard: Callable[[str], None],
) -> Ended:
    """Run a program to its end, which comes within so many seconds or is brought about.

    It ends with this process, too, whatever ends that; and where `heard` raises.
    """
    process = subprocess.Popen(  # noqa: S603 - our own argument list, no shell
        ["setpriv", "--pdeathsig=TERM", *command],  # noqa: S607 - PATH is ours
        env={"PATH": SEARCHED, "LANG": "C.UTF-8", **environment},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        umask=0o022,
        # Ctrl-C at the terminal is ours to answer, once.
        start_new_session=True,
    )
    try:
        return _attend(process, folder, deadline=time.monotonic() + within, heard=heard)
    finally:
        _end(process)


def _attend(
    process: subprocess.Popen[str],
    folder: Path,
    *,
    deadline: float,
    heard: Callable[[str], None],
) -> Ended:
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stderr, lines), daemon=True)
    reader.start()
    last: deque[str] = deque(maxlen=LAST_LINES)
    least = shutil.disk_usage(folder).free
    while time.monotonic() < deadline:
        least = min(least, shutil.disk_usage(folder).free)
        try:
            line = lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            status = process.wait(timeout=GRACE_SECONDS)
            return Ended(status=status, last_words="\n".join(last), least_free_bytes=least)
        last.append(line)
        heard(line)
    return Ended(status=None, last_words="\n".join(last), least_free_bytes=least)


def _read(stream: IO[str] | None, lines: queue.Queue[str | None]) -> None:
    for line in stream or ():
        lines.put(line.rstrip())
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the program and what it started; asked first, so that it takes its mounts away."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its session is its own
            process.wait()
    if process.stderr is not None:
        process.stderr.close()
