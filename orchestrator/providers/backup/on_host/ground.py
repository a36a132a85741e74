"""What every act stands on: faults with a kind, programs that end in time, one act at a time."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

RUNTIME = Path("/run/orchestrator-backup")
SHOWN_CHARACTERS = 600
"""Of what a program says when it fails."""
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
"""Codes for terminals (ECMA-48): CSI with its parameters, OSC with its text, and any other."""
BUSY_SECONDS = 15.0
CHUNK_BYTES = 1 << 20

Answer = dict[str, Any]


class ActError(Exception):
    """Why an act failed; `kind` is one of the caller's BackupFault."""

    def __init__(self, kind: str, message: str, *, broken: Sequence[str] = ()) -> None:
        """Carry the kind, and the files or objects that are broken."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.broken = list(broken)


def said(text: str | bytes) -> str:
    """Return what a program said, in one line that can be shown.

    What it sends to terminals goes: restic clears lines even where there is none.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = " ".join(ESCAPES.sub("", text).split())
    return "".join(letter for letter in line if letter.isprintable())[-SHOWN_CHARACTERS:]


def run(argv: Sequence[str], *, given: bytes = b"", cwd: str = "/") -> bytes:
    """Run a program to its end and return what it printed."""
    try:
        ended = subprocess.run(  # noqa: S603 - our own argument lists, no shell
            list(argv), input=given, capture_output=True, cwd=cwd, check=False
        )
    except FileNotFoundError:
        raise lacking(argv[0]) from None
    if ended.returncode:
        words = said(ended.stderr or ended.stdout)
        raise ActError("failed", f"{Path(argv[0]).name} ended with {ended.returncode}: {words}")
    return ended.stdout


def run_alone(argv: Sequence[str]) -> tuple[int, bytes]:
    """Run a program, and return its status and words; where it is cut off all it began ends, too.

    runuser (util-linux 2.38) waits beside the program that it runs: killed alone, it leaves that.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 - our own argument lists, no shell
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise lacking(argv[0]) from None
    with child:
        try:
            words, _ = child.communicate()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, words


def lacking(program: str) -> ActError:
    """Return the fault of a host that lacks a program."""
    return ActError("unprepared", f"the host has no {program}")


def end_by(seconds: float) -> None:
    """Raise a fault in this process once the time is over: its children are ended on the way."""

    def late(signum: int, frame: FrameType | None) -> NoReturn:
        raise ActError("silent", f"it did not end within {seconds:.0f} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Let one act at a time work on a subject of this host; a killed one holds nothing."""
    RUNTIME.mkdir(mode=0o700, exist_ok=True)
    lock = RUNTIME / f"{name.replace('/', '_')}.lock"
    with held(lock, within=BUSY_SECONDS, busy=f"another run works on {name} here"):
        yield


@contextmanager
def held(lock: Path, *, within: float, busy: str) -> Iterator[None]:
    """Hold a file alone, as long as this process lives; `busy` is said where another one has it."""
    with lock.open("a+") as file:
        limit = time.monotonic() + within
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > limit:
                    raise ActError("busy", busy) from None
                time.sleep(0.2)
        yield


@contextmanager
def ended_in_any_case(child: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Hand out a child, and leave no child behind."""
    try:
        yield child
    finally:
        if child.poll() is None:
            # restic removes its lock when it is interrupted.
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def secret_pipe(text: str) -> int:
    """Return a descriptor that reads this text once: argument lists and files never see it."""
    read, write = os.pipe()
    os.write(write, text.encode() + b"\n")
    os.close(write)
    return read
