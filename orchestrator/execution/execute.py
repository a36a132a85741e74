"""Do what the plan says, stack after stack, and keep going where a failure allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.model.plan import ApplyReport, Plan, PlanStep
from orchestrator.model.progress import StackFinished, StackStarted
from orchestrator.model.site import Layer
from orchestrator.model.stack import ResourceDrift, StackJob, StackName, StackResult
from orchestrator.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a step is run with."""

    jobs: Mapping[StackName, StackJob]
    drifts: Mapping[StackName, Sequence[ResourceDrift]]


def execute(plan: Plan, work: Work, ports: Ports) -> ApplyReport:
    """Run every step of the plan.

    A failed stack stops the layers above it (a tenant's network needs the platform's), but not
    its neighbours. An interrupt stops after the operations in flight; the report says what is left.
    """
    results: list[StackResult] = []
    broken: Layer | None = None
    for position, step in enumerate(plan.steps):
        if broken is not None and step.stack.layer is not broken:
            return _report(plan, results, remaining=plan.steps[position:])
        result = _run(step, work, ports)
        results.append(result)
        if result.interrupted:
            return _report(plan, results, remaining=plan.steps[position + 1 :])
        if result.failures:
            broken = step.stack.layer
    return _report(plan, results, remaining=())


def _run(step: PlanStep, work: Work, ports: Ports) -> StackResult:
    ports.watch(StackStarted(stack=step.stack, changes=len(step.preview.changes)))
    ports.audit.append(
        act="destroy-stack" if step.destroys else "update-stack",
        facts={"stack": str(step.stack), "changes": len(step.preview.changes)},
    )
    if step.destroys:
        result = ports.stacks.destroy(step.stack, watch=ports.watch)
    else:
        result = ports.stacks.update(
            work.jobs[step.stack], watch=ports.watch, drifts=work.drifts.get(step.stack, ())
        )
    ports.watch(StackFinished(stack=step.stack, failed=bool(result.failures) or result.interrupted))
    return result


def _report(
    plan: Plan, results: Sequence[StackResult], *, remaining: Sequence[PlanStep]
) -> ApplyReport:
    return ApplyReport(
        site=plan.site,
        results=tuple(results),
        unchanged=plan.unchanged,
        remaining=tuple(step.stack for step in remaining),
        not_applied=plan.not_applied,
    )
