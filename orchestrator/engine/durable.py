"""Files that are either the old ones or the new ones, whole, whatever happens in between."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import StateError


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file in one step and force it to disk, readable by its owner only.

    Its folder is made where it is missing.

    Raises:
        StateError: it cannot be written (disk full, for example); the old file is untouched.
    """
    # A name per process and thread: two that write at once never share a draft.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(draft, content)
        draft.replace(path)
        _force(path.parent)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise StateError(
            f"cannot write {path}: {error.strerror or error}",
            remedy="Free some space, or mend the folder's permissions, then run again. "
            "The file that was there before is untouched.",
        ) from error


def _write(draft: Path, content: bytes) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _force(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_or_none(path: Path) -> bytes | None:
    """Return a file's content, or None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
