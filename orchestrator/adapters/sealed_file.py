"""A saved plan of any kind: its facts as JSON with their own digest, so that an edit is noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from orchestrator.engine.durable import write_durably
from orchestrator.errors import OrchestratorError
from orchestrator.model.units import Json

FORMAT = 1


def write_sealed(path: Path, kind: str, body: str, **beside: Json) -> None:
    """Save a body of JSON under the name of its kind; what stands beside it is not sealed."""
    envelope = {"format": FORMAT, **beside, "digest": _digest(body), kind: body}
    write_durably(path, json.dumps(envelope, indent=1).encode())


def read_sealed(path: Path, kind: str) -> dict[str, Any]:
    """Return the facts of a saved body.

    Raises:
        OrchestratorError: the file cannot be read.
        ValueError, KeyError, TypeError: not of this kind and format, or changed since it was saved.
    """
    try:
        envelope = json.loads(path.read_bytes())
    except OSError as error:
        raise OrchestratorError(f"cannot read the plan {path}: {error.strerror}") from error
    body = envelope[kind]
    if envelope["format"] != FORMAT or envelope["digest"] != _digest(body):
        raise ValueError("digest")
    facts: dict[str, Any] = json.loads(body)
    return facts


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
