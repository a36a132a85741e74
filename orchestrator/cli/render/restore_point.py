"""Restores to a moment: what would be done, what was, and what proves it."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.backup import size
from orchestrator.cli.render.restore import OUTCOME_STYLES, STYLES
from orchestrator.cli.render.table import table
from orchestrator.model.units import Json
from orchestrator.planning.restore_point import PointPlan, steps_of_point
from orchestrator.workflows.restore_point import PointReport


def point_parts(plan: PointPlan) -> list[RenderableType]:
    """Return the plan as numbered steps."""
    parts: list[RenderableType] = [
        Text(f"Restore {plan.subject.name} as of {plan.when} to {plan.where}", "bold"),
        *(f"  {number}. {step}" for number, step in enumerate(steps_of_point(plan), 1)),
    ]
    if plan.in_place:
        words = "The service itself goes back: confirm with --overwrite and its name."
        parts.append(Text(words, "bold red"))
    return parts


def point_json(plan: PointPlan) -> dict[str, Json]:
    """Return the plan for machines."""
    span = plan.chosen.archive.reachable
    return {
        "subject": plan.subject.name,
        "at": plan.at.isoformat() if plan.at else None,
        "repository": plan.chosen.archive.repository,
        "begins": plan.chosen.begins.label,
        "reachable_from": span[0].isoformat() if span else None,
        "reachable_to": span[1].isoformat() if span else None,
        "to": plan.where,
        "host": plan.server.name,
        "in_place": plan.in_place,
        "rows_there": plan.holding.rows,
        "steps": list(steps_of_point(plan)),
    }


def report_parts(report: PointReport) -> list[RenderableType]:
    """Return what came back, and what was kept."""
    plan, restored = report.plan, report.restored
    rows = [
        (one.what, one.wanted, one.found, Text(one.verdict.value, STYLES[one.verdict]))
        for one in report.comparisons
    ]
    line = (
        f"{plan.subject.name}: as of {plan.when}, {size(restored.fetched_bytes)} in "
        f"{restored.seconds:.1f} s to {plan.where}: {report.outcome.value}."
    )
    parts: list[RenderableType] = [table(("What", "Wanted", "Restored", "Verdict"), rows), ""]
    if restored.kept:
        parts.append(f"What was there before is kept on {plan.server.name}: {restored.kept}")
    return [*parts, Text(line, OUTCOME_STYLES[report.outcome])]


def report_json(report: PointReport) -> dict[str, Json]:
    """Return the same for machines."""
    newest = report.facts.sentinel
    return {
        "subject": report.plan.subject.name,
        "at": report.plan.at.isoformat() if report.plan.at else None,
        "repository": report.plan.chosen.archive.repository,
        "begins": report.plan.chosen.begins.label,
        "to": report.plan.where,
        "outcome": report.outcome.value,
        "seconds": report.restored.seconds,
        "bytes": report.restored.fetched_bytes,
        "steps": dict(report.restored.steps),
        "kept": report.restored.kept,
        "newest_sentinel": newest.written_at.isoformat() if newest else None,
        "tables": {name: one.rows for name, one in report.facts.tables.items()},
        "comparisons": [
            {
                "what": one.what,
                "wanted": one.wanted,
                "restored": one.found,
                "verdict": one.verdict.value,
            }
            for one in report.comparisons
        ],
    }
