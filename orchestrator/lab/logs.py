"""Where a lab's services say what they do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.lab.settings import LabSettings

TAIL_BYTES = 64 * 1024


def log_files(settings: LabSettings, service: str) -> Sequence[Path]:
    """Return a service's logs that exist: its own, what it printed, and its requests."""
    names = (f"{service}.log", f"{service}.out", f"{service}.access.log", f"{service}.init.log")
    return [settings.logs / name for name in names if (settings.logs / name).exists()]


def last_lines(file: Path, count: int = 15) -> str:
    """Return the end of a log, reading no more of it than needed."""
    try:
        with file.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"({file} cannot be read: {error.strerror})"
    return "\n".join(text.splitlines()[-count:])
