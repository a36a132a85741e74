"""The lab's virtual environment, with the pinned packages of requirements.lock."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.progress import LabWatch, Step

LOCK_FILE = Path(__file__).with_name("requirements.lock")
MARKER = ".lab-installed"
INSTALL_SECONDS = 1800
"""A slow mirror and no cache; on a usual line it is a minute or two."""


def install_environment(venv: Path, watch: LabWatch) -> None:
    """Make the environment, unless it is there and complete.

    A killed installation leaves no marker and is done again from the start.
    """
    with _one_at_a_time(venv):
        if is_installed(venv):
            return
        marker = venv / MARKER
        packages = LOCK_FILE.read_text().count("==")
        watch(Step(text=f"installing {packages} packages into {venv} (once; this takes minutes)"))
        marker.unlink(missing_ok=True)
        for command in _commands(venv):
            _run(command)
        marker.write_text(_fingerprint())


def is_installed(venv: Path) -> bool:
    """Say whether the environment holds what the lock file pins, for this Python."""
    marker = venv / MARKER
    return marker.exists() and marker.read_text() == _fingerprint()


def _fingerprint() -> str:
    python = ".".join(map(str, sys.version_info[:3]))
    pins = [
        line for line in LOCK_FILE.read_text().splitlines() if not line.lstrip().startswith("#")
    ]
    return f"{hashlib.sha256(chr(10).join(pins).encode()).hexdigest()} python {python}\n"


def _commands(venv: Path) -> list[list[str]]:
    uv = Path(sys.executable).with_name("uv")
    python = str(venv / "bin/python")
    if uv.exists():
        return [
            [str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)],
            [str(uv), "pip", "sync", "--quiet", "--python", python, "--require-hashes",
             str(LOCK_FILE)],
        ]  # fmt: skip
    return [
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK_FILE)],
    ]


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own argument lists, no shell
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"installing the lab took more than {INSTALL_SECONDS} s",
            remedy="Check the line to your package index and run the command again.",
        ) from error
    if done.returncode:
        raise LabError(
            f"installing the lab failed: {Path(command[0]).name} {command[1]} ended with "
            f"{done.returncode}\n{done.stderr.strip()[-2000:]}",
            remedy="Check that your package index is reachable and run the command again.",
        )


@contextmanager
def _one_at_a_time(venv: Path) -> Iterator[None]:
    """Let one process install; several labs may share an environment."""
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        lock = venv.with_name(f".{venv.name}.lock").open("w")
    except OSError as error:
        raise LabError(
            f"{venv.parent} cannot be written: {error.strerror}",
            remedy="Choose another folder with --dir or $ORCHESTRATOR_LAB_DIR.",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
