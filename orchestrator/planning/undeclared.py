"""Stacks that the site no longer declares: kept as orphans, or destroyed where it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.model.plan import PlanStep
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    Action,
    ResourceChange,
    ResourceState,
    StackName,
    StackPreview,
    StackState,
)
from orchestrator.model.tenancy import Removed

NO_JOB = "none"
"""Stands for the job digest of a stack that is destroyed, not run."""

_THING_OF_LAYER = {
    Layer.TENANCY: "tenant",
    Layer.ROOM: "region",
    Layer.NETWORK: "region",
    Layer.HARDWARE: "region",
    Layer.SYSTEM: "system",
}


def plan_undeclared(
    states: Mapping[StackName, StackState], removed: Sequence[Removed]
) -> list[PlanStep]:
    """Plan the stacks that are recorded but not declared; what is destroyed comes last."""
    things = {entry.thing for entry in removed}
    steps = []
    for stack, state in sorted(states.items(), reverse=True):
        destroys = f"{_THING_OF_LAYER[stack.layer]}/{stack.name}" in things
        steps.append(destroy_step(state) if destroys else _kept(state))
    return sorted(steps, key=lambda step: step.destroys)


def destroy_step(state: StackState) -> PlanStep:
    """Plan the deletion of everything in a stack, users before what they use."""
    changes = tuple(
        ResourceChange(kind=resource.kind, name=resource.name, action=Action.DELETE)
        for resource in reversed(managed(state))
    )
    preview = StackPreview(stack=state.stack, changes=changes, unchanged=0)
    return PlanStep(preview=preview, job_digest=NO_JOB, state_serial=state.serial, destroys=True)


def managed(state: StackState) -> tuple[ResourceState, ...]:
    """Return the resources that stand for something in the cloud, not Pulumi's own records."""
    return tuple(
        resource for resource in state.resources if not resource.kind.startswith("pulumi:")
    )


def _kept(state: StackState) -> PlanStep:
    changes = tuple(
        ResourceChange(kind=resource.kind, name=resource.name, action=Action.KEEP_ORPHAN)
        for resource in managed(state)
    )
    preview = StackPreview(stack=state.stack, changes=changes, unchanged=0)
    return PlanStep(preview=preview, job_digest=NO_JOB, state_serial=state.serial)
