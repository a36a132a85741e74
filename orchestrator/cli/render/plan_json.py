"""A plan, a drift and a report as JSON: the facts of the text under keys that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.cli.render.names import VERBS
from orchestrator.cli.render.values import LINES, lines_between
from orchestrator.model.plan import ApplyReport, DriftReport, Plan, PlanStep
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    HIDDEN,
    Action,
    AttributeChange,
    ResourceChange,
    ResourceDrift,
    ResourceFailure,
    StackResult,
)
from orchestrator.model.units import Json

COUNTED = {
    Action.CREATE: "add",
    Action.UPDATE: "change",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.KEEP_ORPHAN: "orphans_kept",
}


def plan_json(plan: Plan) -> dict[str, Json]:
    """Return the plan."""
    summary: dict[str, Json] = {word: plan.count(action) for action, word in COUNTED.items()}
    return {
        "site": plan.site,
        "site_digest": plan.site_digest,
        "created": plan.created,
        "has_changes": plan.has_changes,
        "summary": {**summary, "unchanged": plan.unchanged},
        "not_applied": _by_layer(plan.not_applied),
        "awaiting_restart": [
            {"name": one.name, "paths": [*one.paths], "written": one.written}
            for one in plan.awaiting_restart
        ],
        "steps": [_step(step) for step in plan.steps],
    }


def drift_json(report: DriftReport) -> dict[str, Json]:
    """Return what was found changed in the cloud."""
    return {
        "site": report.site,
        "observed_kinds": report.observed_kinds,
        "observed_resources": report.observed_resources,
        "has_drift": any(report.drifts.values()),
        "drifts": [
            {"stack": str(stack), **_drift(drift)}
            for stack, drifts in report.drifts.items()
            for drift in drifts
        ],
    }


def report_json(report: ApplyReport) -> dict[str, Json]:
    """Return how an apply or a destroy ended."""
    return {
        "site": report.site,
        "failed": report.failed,
        "interrupted": report.interrupted,
        "unchanged": report.unchanged,
        "not_applied": _by_layer(report.not_applied),
        "remaining": [str(stack) for stack in report.remaining],
        "results": [_result(result) for result in report.results],
    }


def _step(step: PlanStep) -> Json:
    return {
        "stack": str(step.stack),
        "destroys": step.destroys,
        "job_digest": step.job_digest,
        "state_serial": step.state_serial,
        "unchanged": step.preview.unchanged,
        "changes": [_change(change) for change in step.preview.changes],
        "failures": _failures(step.preview.failures),
    }


def _result(result: StackResult) -> Json:
    return {
        "stack": str(result.stack),
        "interrupted": result.interrupted,
        "unchanged": result.unchanged,
        "changes": [_change(change) for change in result.changes],
        "failures": _failures(result.failures),
    }


def _change(change: ResourceChange) -> Json:
    return {
        "action": VERBS[change.action],
        "kind": change.kind,
        "name": change.name,
        "drifted": change.drifted,
        "attributes": _attributes(change.attributes),
    }


def _drift(drift: ResourceDrift) -> dict[str, Json]:
    return {
        "kind": drift.kind,
        "name": drift.name,
        "urn": drift.urn,
        "gone": drift.gone,
        "attributes": _attributes(drift.attributes),
    }


def _attributes(changes: Iterable[AttributeChange]) -> list[Json]:
    return [
        {
            "path": change.path,
            "old": HIDDEN if change.secret else change.old,
            "new": HIDDEN if change.secret else change.new,
            "secret": change.secret,
            **_lines(change),
        }
        for change in changes
    ]


def _lines(change: AttributeChange) -> dict[str, Json]:
    """Return which lines of a configuration go and which come; null for what has no lines."""
    if not (change.path in LINES and isinstance(change.old, list) and isinstance(change.new, list)):
        return {"lines_gone": None, "lines_come": None}
    gone, come = lines_between(change.old, change.new)
    return {"lines_gone": [*gone], "lines_come": [*come]}


def _failures(failures: Iterable[ResourceFailure]) -> list[Json]:
    return [
        {
            "kind": failure.kind,
            "name": failure.name,
            "reason": failure.reason,
            "skipped": failure.skipped,
        }
        for failure in failures
    ]


def _by_layer(counts: Mapping[Layer, int]) -> dict[str, Json]:
    return {layer.value: count for layer, count in counts.items()}
