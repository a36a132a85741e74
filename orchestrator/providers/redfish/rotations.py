"""Which password follows which: until the site names the new one, a BMC may have either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import StateError
from orchestrator.model.units import SecretRef

FILE = "rotations.json"


def read_rotations(folder: Path) -> dict[SecretRef, SecretRef]:
    """Return the new reference by the old one.

    Raises:
        StateError: the file is broken.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {SecretRef(old): SecretRef(new) for old, new in dict(found).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise StateError(
            f"cannot read {path}: {error}",
            remedy="It maps old password references to new ones, in JSON: mend or delete it.",
        ) from error


def write_rotations(folder: Path, rotations: Mapping[SecretRef, SecretRef]) -> None:
    """Replace the file, whole or not at all.

    Raises:
        StateError: it cannot be written.
    """
    path = folder / FILE
    draft = path.with_name(f".{FILE}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(rotations, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror}",
            remedy="No password was changed. Free space in the state folder and run again.",
        ) from error
