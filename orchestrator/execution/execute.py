"""Do what the plan says, stack after stack, and keep going where a failure allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from orchestrator.model.plan import ApplyReport, Plan, PlanStep
from orchestrator.model.progress import StackFinished, StackStarted
from orchestrator.model.stack import ResourceDrift, StackJob, StackName, StackResult
from orchestrator.ports import Ports

STACKS_AT_ONCE = 4
"""A tenant's resources wait for one another; several tenants together keep the services busy.
The engine bounds the calls in flight over all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a step is run with."""

    jobs: Mapping[StackName, StackJob]
    drifts: Mapping[StackName, Sequence[ResourceDrift]]


def execute(plan: Plan, work: Work, ports: Ports) -> ApplyReport:
    """Run every step of the plan, layer after layer; the stacks of a layer run side by side.

    A failed stack stops the layers above it (a tenant's network needs the platform's), but not
    its neighbours. An interrupt stops after the operations in flight; the report says what is left.
    """
    steps = [step for step in plan.steps if step.destroys or step.stack in work.jobs]
    results: list[StackResult] = []
    for _, layer in groupby(steps, key=lambda step: (step.stack.layer, step.destroys)):
        done = _run_layer(list(layer), work, ports)
        results += done
        if any(result.failures or result.interrupted for result in done):
            break
    reached = {result.stack for result in results if not _untouched(result)}
    return ApplyReport(
        site=plan.site,
        results=tuple(result for result in results if result.stack in reached),
        unchanged=plan.unchanged,
        remaining=tuple(step.stack for step in steps if step.stack not in reached),
        not_applied=plan.not_applied,
    )


def _run_layer(steps: Sequence[PlanStep], work: Work, ports: Ports) -> list[StackResult]:
    with ThreadPoolExecutor(STACKS_AT_ONCE, thread_name_prefix="stack") as runners:
        running = [runners.submit(_run, step, work, ports) for step in steps]
        return [run.result() for run in running]


def _untouched(result: StackResult) -> bool:
    """Say whether the interrupt came before the stack did anything."""
    return result.interrupted and not result.changes and not result.failures


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
