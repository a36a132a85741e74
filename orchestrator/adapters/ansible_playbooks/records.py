"""What is kept of runs: a private folder each, the last ones only; and what dead runs left."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.ansible_playbooks.leftovers import end_marked
from orchestrator.engine.durable import write_durably
from orchestrator.errors import StateError
from orchestrator.model.playbook import PlaybookResult

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - in memory, and each folder in it is made private
RESULT = "result.json"
WORK = "work"
"""A link to the folder in memory that the run works in; gone when the run has ended."""
ALIVE = "alive"
"""Locked for as long as somebody minds the run."""


class Records:
    """The folders of runs."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        """Keep the last `keep` runs in `folder`."""
        self._folder = folder
        self._keep = keep

    @contextmanager
    def begin(self) -> Iterator[tuple[Path, Path]]:
        """Give the folders of a new run: one to keep, and one to work in, which is removed.

        Raises:
            StateError: they cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.chmod(0o700)
            self._clear()
            run = self._new()
            alive = os.open(run / ALIVE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"cannot make the record of a playbook's run in {self._folder}: {error.strerror}",
                remedy="Nothing was run. Free space or mend the permissions, and run it again.",
            ) from error
        try:
            fcntl.flock(alive, fcntl.LOCK_EX)
            yield run, (run / WORK).resolve()
        finally:
            _remove_work(run)
            os.close(alive)

    def keep_result(self, run: Path, result: PlaybookResult) -> None:
        """Write how a run ended.

        Raises:
            StateError: the disk is full; what the run did is done.
        """
        text = json.dumps(asdict(result), ensure_ascii=False, indent=1)
        try:
            write_durably(run / RESULT, text.encode() + b"\n")
        except StateError as error:
            raise StateError(
                f"the playbook has run ({result.ending.value}), but without a record: "
                f"{error.message}",
                remedy="Free space, and run the playbook again to see how the hosts are.",
            ) from error

    def _new(self) -> Path:
        # The folder's name is for people; nothing is decided by it.
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")  # noqa: TID251 - see above
        run = Path(tempfile.mkdtemp(prefix=f"{stamp}-", dir=self._folder))
        place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
        (run / WORK).symlink_to(tempfile.mkdtemp(prefix="orchestrator-play-", dir=place))
        return run

    def _clear(self) -> None:
        """End what runs left whose minder was killed, and drop the oldest records."""
        runs = sorted(path for path in self._folder.iterdir() if path.is_dir())
        for run in runs:
            if (run / WORK).is_symlink() and not _is_minded(run):
                end_marked(run)
                _remove_work(run)
        ended = [run for run in runs if not (run / WORK).is_symlink()]
        for run in ended[: max(0, len(ended) - self._keep + 1)]:
            shutil.rmtree(run)


def _is_minded(run: Path) -> bool:
    try:
        alive = os.open(run / ALIVE, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(alive)
    return False


def _remove_work(run: Path) -> None:
    link = run / WORK
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()
