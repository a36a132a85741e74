"""Write a file so that a reader, or a crash, sees the old content or the new, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from orchestrator.errors import StateError


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace the file's content; the folder is made where it is missing.

    Raises:
        StateError: the disk is full or the folder cannot be written; the old content stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror or error}",
            remedy="The old content is intact. Free space or mend the permissions and run again.",
        ) from error
