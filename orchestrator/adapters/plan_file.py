"""A saved plan: the plan's facts as JSON with their own digest, so that an edit is noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from orchestrator.adapters.atomic_file import write_atomically
from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan

FORMAT = 1


def write_plan(path: Path, plan: Plan) -> None:
    """Save a plan. Secret values are not in it: a change of one is marked, not shown."""
    from pydantic import TypeAdapter

    body = TypeAdapter(Plan).dump_json(plan).decode()
    envelope = {"format": FORMAT, "digest": _digest(body), "plan": body}
    write_atomically(path, json.dumps(envelope, indent=1).encode())


def read_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        OrchestratorError: not a plan of this format, or changed since it was saved.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        envelope = json.loads(path.read_bytes())
        body = envelope["plan"]
        intact = envelope["format"] == FORMAT and envelope["digest"] == _digest(body)
        if not intact:
            raise ValueError("digest")
        return TypeAdapter(Plan).validate_json(body)
    except OSError as error:
        raise OrchestratorError(f"cannot read the plan {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise OrchestratorError(
            f"{path} is not a plan of this version, or it was changed after it was saved",
            remedy="Make it again: orchestrator plan SITE --out FILE",
        ) from error


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 of a plan's facts, for the audit log."""
    from pydantic import TypeAdapter

    return _digest(TypeAdapter(Plan).dump_json(plan).decode())


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
