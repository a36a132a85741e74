"""What the Pulumi CLI's events say, in the words of the plan.

Source:
    The event types of pulumi.automation.events, which follow sdk/go/common/apitype/events.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pulumi.automation.events import (
    EngineEvent,
    OpType,
    StepEventMetadata,
    StepEventStateMetadata,
)

from orchestrator.engine.changes import attribute_changes, change_of
from orchestrator.engine.urn import PROVIDER_PREFIX, name_of, type_of
from orchestrator.model.stack import Action, AttributeChange, ResourceChange, ResourceFailure
from orchestrator.model.units import Json
from orchestrator.providers.values import as_secret

_ACTIONS = {
    OpType.CREATE: Action.CREATE,
    OpType.UPDATE: Action.UPDATE,
    OpType.REPLACE: Action.REPLACE,
    OpType.DELETE: Action.DELETE,
}
"""A replacement also shows as create-replacement and delete-replaced: those are its parts."""

_MASK = "[secret]"
"""What the CLI writes in its events in the place of a secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CliAccount:
    """What a preview or an update of the CLI did, or would do."""

    changes: tuple[ResourceChange, ...]
    unchanged: int
    failures: tuple[ResourceFailure, ...]
    deletes: frozenset[str]
    """The URNs that are deleted because the program no longer declares them."""


def read_events(
    events: Iterable[EngineEvent],
    *,
    drifted: Collection[str] = (),
    kept: Collection[str] = (),
) -> CliAccount:
    """Return the account in a run's events.

    `drifted` are the URNs that differed from their record, `kept` those that were left out of
    the run because they are orphans.
    """
    steps: dict[str, StepEventMetadata] = {}
    failed: dict[str, StepEventMetadata] = {}
    errors: dict[str, str] = {}
    for event in events:
        if (told := event.diagnostic_event) and told.severity == "error" and told.urn:
            errors[told.urn] = told.message.strip()
        if (failure := event.res_op_failed_event) is not None:
            failed[failure.metadata.urn] = failure.metadata
        if (step := event.resource_pre_event) and _is_whole(step.metadata):
            steps[step.metadata.urn] = step.metadata
    done = {urn: step for urn, step in steps.items() if urn not in failed and urn not in kept}
    changes = [change for step in done.values() for change in _change(step, drifted)]
    orphans = [change_of(urn, Action.KEEP_ORPHAN, kind=type_of(urn)) for urn in sorted(kept)]
    return CliAccount(
        changes=(*changes, *orphans),
        unchanged=sum(step.op is OpType.SAME for step in done.values()),
        failures=tuple(
            ResourceFailure(kind=step.type, name=name_of(urn), reason=errors.get(urn, "failed"))
            for urn, step in failed.items()
        ),
        deletes=frozenset(urn for urn, step in steps.items() if step.op is OpType.DELETE),
    )


def watching(take: Callable[[ResourceChange, str | None], None]) -> Callable[[EngineEvent], None]:
    """Return a listener that hands on each finished change, or the reason why it failed."""
    errors: dict[str, str] = {}

    def listen(event: EngineEvent) -> None:
        if (told := event.diagnostic_event) and told.severity == "error" and told.urn:
            errors[told.urn] = told.message.strip()
        failure, output = event.res_op_failed_event, event.res_outputs_event
        ended = failure or output
        if ended is None or not _is_real(ended.metadata):
            return
        reason = errors.get(ended.metadata.urn, "failed") if failure else None
        for change in _change(ended.metadata, ()):
            take(change, reason)

    return listen


def _is_whole(step: StepEventMetadata) -> bool:
    """Say whether the step counts by itself, and is not a part of a replacement or a read."""
    return _is_real(step) and (step.op in _ACTIONS or step.op is OpType.SAME)


def _is_real(step: StepEventMetadata) -> bool:
    """Say whether the step is of something in the cloud, and not of a group or a provider."""
    state = step.new or step.old
    custom = state is not None and state.custom
    return bool(custom) and not step.type.startswith(PROVIDER_PREFIX)


def _change(step: StepEventMetadata, drifted: Collection[str]) -> Iterator[ResourceChange]:
    action = _ACTIONS.get(step.op)
    if action is None:
        return
    yield change_of(
        step.urn,
        action,
        kind=step.type,
        attributes=_attributes(step, action),
        drifted=step.urn in drifted,
    )


def _attributes(step: StepEventMetadata, action: Action) -> Iterator[AttributeChange]:
    if action is Action.DELETE:
        return iter(())
    old, new = _inputs(step.old), _inputs(step.new)
    names = set(step.diffs or ()) | set(step.keys or ())
    if action is Action.CREATE:
        names = set(new)
    return attribute_changes(names & {*old, *new}, old, new)


def _inputs(state: StepEventStateMetadata | None) -> dict[str, Json]:
    inputs: Mapping[str, Json] = (state.inputs if state else None) or {}
    return {key: as_secret(None) if value == _MASK else value for key, value in inputs.items()}
