"""A stored state as people and the planner may see it: nothing decrypted, no secret shown."""

from __future__ import annotations

from orchestrator.engine.records import Record
from orchestrator.engine.removal import is_real
from orchestrator.engine.secrets import hide
from orchestrator.engine.state_folder import Stored
from orchestrator.engine.urn import name_of
from orchestrator.model.stack import ResourceState, StackName, StackState


def show(stack: StackName, stored: Stored) -> StackState | None:
    """Return the state, or None where there is none."""
    if not stored.serial:
        return None
    deployment = stored.deployment
    return StackState(
        stack=stack,
        resources=tuple(_resource(record) for record in deployment.records if is_real(record)),
        digest=stored.digest,
        serial=stored.serial,
        interrupted=tuple(operation.record.urn for operation in deployment.operations),
    )


def _resource(record: Record) -> ResourceState:
    return ResourceState(
        kind=record.kind,
        name=name_of(record.urn),
        urn=record.urn,
        id=record.id,
        inputs={key: hide(value) for key, value in record.inputs.items()},
        outputs={key: hide(value) for key, value in record.outputs.items()},
        pending_delete=record.doomed,
    )
