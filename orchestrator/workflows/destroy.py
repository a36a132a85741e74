"""Destroy: delete what the stacks made, the uppermost layer first."""

from __future__ import annotations

from orchestrator.errors import StalePlanError
from orchestrator.execution.execute import Work, execute
from orchestrator.model.plan import ApplyReport, Plan, Scope
from orchestrator.model.site import Layer
from orchestrator.planning.undeclared import destroy_step
from orchestrator.ports import Ports
from orchestrator.workflows.check import CheckedSite
from orchestrator.workflows.plan import recorded_states


def plan_destroy(checked: CheckedSite, ports: Ports, scope: Scope) -> Plan:
    """Plan the deletion of every stack in the scope; nothing is written."""
    with ports.lock.hold(why="plan a destroy", shared=True):
        return _plan(checked, ports, scope)


def destroy(checked: CheckedSite, ports: Ports, plan: Plan) -> ApplyReport:
    """Carry out a destroy plan that was shown and confirmed.

    Raises:
        StalePlanError: a stack changed since the plan was made.
    """
    with ports.lock.hold(why="destroy"):
        if _plan(checked, ports, plan.scope).steps != plan.steps:
            raise StalePlanError(
                "the stacks changed since the plan was shown", remedy="Run destroy again."
            )
        stacks = [str(step.stack) for step in plan.steps]
        ports.audit.append(act="destroy", facts={"site": plan.site, "stacks": list(stacks)})
        report = execute(plan, Work(jobs={}, drifts={}), ports)
        ports.audit.append(
            act="destroyed",
            facts={
                "site": plan.site,
                "failures": sum(len(result.failures) for result in report.results),
                "remaining": [str(stack) for stack in report.remaining],
            },
        )
        return report


def _plan(checked: CheckedSite, ports: Ports, scope: Scope) -> Plan:
    states = recorded_states(checked.site, ports, scope)
    order = sorted(states, key=lambda stack: list(Layer).index(stack.layer))
    return Plan(
        site=checked.site.name,
        site_digest=checked.loaded.digest,
        created=ports.clock.now().isoformat(timespec="seconds"),
        scope=scope,
        steps=tuple(destroy_step(states[stack]) for stack in reversed(order)),
        unchanged=0,
    )
