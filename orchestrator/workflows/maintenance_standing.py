"""How maintenance stands, by its records alone."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import RefusedError
from orchestrator.model.maintenance import MaintenancePlan
from orchestrator.model.maintenance_report import MaintenanceReport
from orchestrator.planning.maintenance_progress import left_disabled, progress_of, result_of
from orchestrator.ports.maintenance import MaintenanceRecords


def standing(records: MaintenanceRecords, plan: MaintenancePlan) -> MaintenanceReport:
    """Return how each operation of a plan stands by its journal; nobody is asked."""
    progress = progress_of(records.entries(plan.id))
    return MaintenanceReport(
        plan=plan.id,
        results=tuple(result_of(one, progress.get(one.number)) for one in plan.operations),
    )


def still_disabled(records: MaintenanceRecords) -> dict[str, str]:
    """Return the hosts that our own acts left disabled, with the plan that did so."""
    return left_disabled((plan, records.entries(plan.id)) for plan in records.plans())


def unfinished(records: MaintenanceRecords, named: str | None) -> MaintenancePlan:
    """Return the plan to go on with: the named one, or the newest that has work left.

    Raises:
        RefusedError: there is none.
    """
    plans = records.plans()
    if named is not None:
        return begun(plans, named)
    for plan in reversed(plans):
        progress = progress_of(records.entries(plan.id))
        standing_now = [progress.get(one.number) for one in plan.operations]
        if not all(one is not None and one.is_done for one in standing_now):
            return plan
    raise RefusedError(
        "no maintenance that was begun has work left",
        remedy="`orchestrator maintenance run FILE` begins a saved plan.",
    )


def begun(plans: Sequence[MaintenancePlan], named: str | None) -> MaintenancePlan:
    """Return one of the plans that were begun: the named one, or the newest.

    Raises:
        RefusedError: there is none of that name.
    """
    for plan in reversed(plans):
        if named in {None, plan.id}:
            return plan
    known = ", ".join(plan.id for plan in plans) or "none"
    raise RefusedError(
        f"no maintenance {named} was begun", remedy=f"Those that were begun: {known}."
    )
