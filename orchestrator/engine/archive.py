"""State files out and in, as `pulumi stack export` and `pulumi stack import` know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.engine.deployment import FORMAT_VERSION, Deployment, refuse_other_formats
from orchestrator.engine.integrity import verify
from orchestrator.engine.records import Record
from orchestrator.engine.secrets import StackSecrets, Vault
from orchestrator.engine.state_folder import StateFolder
from orchestrator.errors import StateError
from orchestrator.model.stack import StackName
from orchestrator.model.units import Json

_WHERE = "the deployment"


def export(folder: StateFolder, stack: StackName, *, written_at: str) -> dict[str, Json]:
    """Return the state of a stack, a killed run's journal folded in."""
    stored = folder.load(stack)
    if not stored.serial:
        raise StateError(
            f"the stack {stack} has no state",
            remedy="`orchestrator state list` shows those that do.",
        )
    return {
        "version": FORMAT_VERSION,
        "deployment": stored.deployment.to_json(written_at=written_at),
    }


def load(
    folder: StateFolder,
    stack: StackName,
    document: Mapping[str, Json],
    *,
    vault: Vault,
    written_at: str,
) -> None:
    """Replace the state of a stack; secrets that come in the clear are encrypted."""
    refuse_other_formats(document, where=_WHERE)
    written = document.get("deployment")
    if not isinstance(written, dict):
        raise StateError(f"{_WHERE} holds no deployment")
    deployment = Deployment.from_json(written)
    verify(deployment, where=_WHERE)
    _refuse_other_stacks(deployment, stack)
    secrets = StackSecrets(vault, deployment.salt)
    records = tuple(_sealed(record, secrets) for record in deployment.records)
    operations = tuple(
        replace(operation, record=_sealed(operation.record, secrets))
        for operation in deployment.operations
    )
    sealed = replace(deployment, records=records, operations=operations, salt=secrets.salt)
    folder.forget_digest(stack)
    folder.save(stack, sealed, written_at=written_at)


def _sealed(record: Record, secrets: StackSecrets) -> Record:
    return replace(record, inputs=secrets.seal(record.inputs), outputs=secrets.seal(record.outputs))


def _refuse_other_stacks(deployment: Deployment, stack: StackName) -> None:
    prefix = f"urn:pulumi:{stack.name}::{stack.project}::"
    for record in deployment.records:
        if not record.urn.startswith(prefix):
            raise StateError(
                f"{_WHERE} belongs to another stack: {record.urn} is not of {stack}",
                remedy=f"Load it into the stack that it was exported from, or export {stack}.",
            )
