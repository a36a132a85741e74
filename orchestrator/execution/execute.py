"""Do what the plan says, and keep going where a failure allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import ApplyReport, Plan, PlanStep
from orchestrator.model.progress import ResourceFinished, StackFinished, StackStarted
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    Action,
    ResourceDrift,
    ResourceFailure,
    StackJob,
    StackName,
    StackResult,
)
from orchestrator.ports import Ports

LANES = ({Layer.ROOM}, {Layer.NETWORK}, {Layer.HARDWARE}, {Layer.SYSTEM, Layer.TENANCY})
"""Layers that need one another. Enrolling servers needs neither the platform's offer nor tenants,
devices of rooms and of the network need nobody, and of hundreds one is always broken: it must not
keep a department waiting."""

STACKS_AT_ONCE = 4
"""A tenant's resources wait for one another; several tenants together keep the services busy.
The engine bounds the calls in flight over all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a step is run with."""

    jobs: Mapping[StackName, StackJob]
    drifts: Mapping[StackName, Sequence[ResourceDrift]]


def execute(plan: Plan, work: Work, ports: Ports) -> ApplyReport:
    """Run every step of the plan: lane beside lane, layer after layer, a layer's stacks at once.

    A failed stack stops the layers after it in its lane (a tenant's network needs the platform's),
    but not its neighbours. An interrupt stops after the operations in flight; the report says
    what is left.
    """
    steps = [step for step in plan.steps if step.destroys or step.stack in work.jobs]
    lanes = [[step for step in steps if step.stack.layer in lane] for lane in LANES]
    with ThreadPoolExecutor(len(lanes), thread_name_prefix="lane") as runners:
        running = [runners.submit(_run_lane, lane, work, ports) for lane in lanes]
        ended = [result for run in running for result in run.result()]
    results = {result.stack: result for result in ended if not _untouched(result)}
    return ApplyReport(
        site=plan.site,
        results=tuple(results[step.stack] for step in steps if step.stack in results),
        unchanged=plan.unchanged,
        remaining=tuple(step.stack for step in steps if step.stack not in results),
        interrupted=any(result.interrupted for result in ended),
        not_applied=plan.not_applied,
    )


def _run_lane(steps: Sequence[PlanStep], work: Work, ports: Ports) -> list[StackResult]:
    results: list[StackResult] = []
    for _, layer in groupby(steps, key=lambda step: (step.stack.layer, step.destroys)):
        done = _run_layer(list(layer), work, ports)
        results += done
        if any(result.failures or result.interrupted for result in done):
            break
    return results


def _run_layer(steps: Sequence[PlanStep], work: Work, ports: Ports) -> list[StackResult]:
    with ThreadPoolExecutor(STACKS_AT_ONCE, thread_name_prefix="stack") as runners:
        running = [runners.submit(_run, step, work, ports) for step in steps]
        return [run.result() for run in running]


def _untouched(result: StackResult) -> bool:
    """Say whether the interrupt came before the stack did anything."""
    return result.interrupted and not result.changes and not result.failures


def _run(step: PlanStep, work: Work, ports: Ports) -> StackResult:
    ports.watch(StackStarted(stack=step.stack, changes=len(step.preview.changes)))
    try:
        result = _carry_out(step, work, ports)
    except OrchestratorError as error:
        # Of the program, or the disk: what the stacks beside this one did is reported all the same.
        result = _failed(step, error)
        failure = result.failures[0]
        ports.watch(
            ResourceFinished(
                stack=step.stack,
                kind=failure.kind,
                name=failure.name,
                action=Action.UPDATE,
                error=failure.reason,
            )
        )
    ports.watch(StackFinished(stack=step.stack, failed=bool(result.failures) or result.interrupted))
    return result


def _failed(step: PlanStep, error: OrchestratorError) -> StackResult:
    reason = f"{error.message}. {error.remedy}" if error.remedy else error.message
    failure = ResourceFailure(kind="stack", name=str(step.stack), reason=reason)
    return StackResult(stack=step.stack, changes=(), unchanged=0, failures=(failure,))


def _carry_out(step: PlanStep, work: Work, ports: Ports) -> StackResult:
    ports.audit.append(
        act="destroy-stack" if step.destroys else "update-stack",
        facts={"stack": str(step.stack), "changes": len(step.preview.changes)},
    )
    if step.destroys:
        return ports.stacks.destroy(step.stack, watch=ports.watch)
    return ports.stacks.update(
        work.jobs[step.stack], watch=ports.watch, drifts=work.drifts.get(step.stack, ())
    )
