"""Apply: plan, ask, do, record."""

from __future__ import annotations

from orchestrator.errors import RefusedError, StalePlanError
from orchestrator.execution.execute import execute
from orchestrator.model.plan import ApplyReport, Plan, Scope
from orchestrator.planning.guard import guard
from orchestrator.planning.saved_plan import reasons_stale
from orchestrator.ports import Approve, Ports
from orchestrator.workflows.check import CheckedSite
from orchestrator.workflows.plan import PlannedWork, plan_work


def apply_site(
    checked: CheckedSite, ports: Ports, scope: Scope, *, approve: Approve
) -> ApplyReport:
    """Make the cloud what the site says, after approval.

    Raises:
        SiteLockedError: somebody else is working on the site.
        RefusedError: the guard or the person said no; nothing was changed.
    """
    with ports.lock.hold(why="apply"):
        planned = plan_work(checked, ports, scope)
        guard(planned.plan)
        if planned.plan.has_changes and not approve(planned.plan):
            raise RefusedError("the plan was not approved: nothing was changed")
        return _carry_out(planned, ports)


def apply_plan(checked: CheckedSite, ports: Ports, plan: Plan) -> ApplyReport:
    """Do exactly what a saved and reviewed plan says, or nothing.

    Raises:
        StalePlanError: the site, the state or the cloud moved since the plan was made.
    """
    with ports.lock.hold(why="apply a saved plan"):
        fresh = plan_work(checked, ports, plan.scope)
        reasons = reasons_stale(plan, fresh.plan)
        if reasons:
            raise StalePlanError(
                "the saved plan is stale: " + "; ".join(reasons),
                remedy="Make a new plan, review it, and apply that.",
            )
        guard(fresh.plan)
        return _carry_out(fresh, ports)


def _carry_out(planned: PlannedWork, ports: Ports) -> ApplyReport:
    plan = planned.plan
    if not plan.steps:  # a step without changes still settles what an interrupted run left open
        return ApplyReport(
            site=plan.site, results=(), unchanged=plan.unchanged, not_applied=plan.not_applied
        )
    ports.audit.append(
        act="apply",
        facts={
            "site": plan.site,
            "site_digest": plan.site_digest,
            "stacks": [str(step.stack) for step in plan.steps],
        },
    )
    report = execute(plan, planned.work, ports)
    ports.audit.append(
        act="applied",
        facts={
            "site": plan.site,
            "stacks": [str(result.stack) for result in report.results],
            "failures": sum(len(result.failures) for result in report.results),
            "remaining": [str(stack) for stack in report.remaining],
        },
    )
    return report
