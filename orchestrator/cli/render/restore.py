"""Restores: what would be done, what was, and how it compares with the record."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.backup import copy_json, size
from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.units import Json
from orchestrator.model.verdict import Verdict
from orchestrator.planning.restore import Comparison, Outcome, RestorePlan, steps_of
from orchestrator.workflows.restore import RestoreReport, failures

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "magenta"}
OUTCOME_STYLES = {
    Outcome.WHOLE: "bold",
    Outcome.UNPROVED: "bold magenta",
    Outcome.DIFFERENT: "bold red",
}
MOST_SHOWN = 40
"""Comparisons in a table; JSON has all of them."""


def plan_parts(plan: RestorePlan) -> list[RenderableType]:
    """Return the plan as numbered steps."""
    parts: list[RenderableType] = [
        Text(f"Restore {plan.subject.name} to {plan.where}", "bold"),
        *(f"  {number}. {step}" for number, step in enumerate(steps_of(plan), 1)),
    ]
    if plan.overwrites:
        parts.append(Text("Data is lost: confirm with the subject's name.", "bold red"))
    return parts


def plan_json(plan: RestorePlan) -> dict[str, Json]:
    """Return the plan for machines."""
    facts = plan.manifest.facts
    return {
        "subject": plan.subject.name,
        "copy": copy_json(plan.copy),
        "to": plan.where,
        "host": plan.server.name if plan.server else None,
        "overwrites": plan.overwrites,
        "rows_lost": plan.holding.rows if plan.holding else None,
        "recorded": {
            "tables": {name: one.rows for name, one in facts.tables.items()},
            "files": len(facts.files),
            "extensions": dict(facts.extensions),
            "roles": list(facts.roles),
            "server_version": facts.server_version,
            "bytes": plan.manifest.data_bytes,
        },
        "steps": list(steps_of(plan)),
    }


def report_parts(report: RestoreReport) -> list[RenderableType]:
    """Return how what came back compares with the record."""
    shown = _shown(report.comparisons)
    parts: list[RenderableType] = [
        table(
            ("What", "Recorded", "Restored", "Verdict"),
            [
                (one.what, one.wanted, one.found, Text(one.verdict.value, STYLES[one.verdict]))
                for one in shown
            ],
        )
    ]
    more = len(report.comparisons) - len(shown)
    if more:
        parts.append(f"and {more} more that are as they were recorded (-o json has all)")
    restored = report.restored
    line = (
        f"{report.plan.subject.name}: {size(restored.fetched_bytes)} in {restored.seconds:.1f} s "
        f"to {report.plan.where}: "
    )
    line += _told(report)
    return [*parts, "", Text(line, OUTCOME_STYLES[report.outcome])]


def _told(report: RestoreReport) -> str:
    """Return what is proved of what came back."""
    count = len(report.comparisons)
    wrong = len(failures(report.comparisons))
    unknown = sum(one.verdict is Verdict.UNKNOWN for one in report.comparisons)
    match report.outcome:
        case Outcome.DIFFERENT:
            return f"{plural(wrong, 'thing')} of {count} not as recorded."
        case Outcome.UNPROVED if unknown:
            return f"not proved: {unknown} of {plural(count, 'thing')} could not be compared."
        case Outcome.UNPROVED:
            return "not proved: nothing was recorded that could be compared."
        case Outcome.WHOLE:
            return f"whole: all of {plural(count, 'thing')} as recorded."


def _shown(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return what to show: all faults first, then as many as there is room for."""
    ordered = sorted(comparisons, key=lambda one: one.verdict is Verdict.PASS)
    faults = sum(one.verdict is not Verdict.PASS for one in comparisons)
    return ordered[: max(faults, MOST_SHOWN)]


def report_json(report: RestoreReport) -> dict[str, Json]:
    """Return the same for machines."""
    return {
        "subject": report.plan.subject.name,
        "copy": copy_json(report.plan.copy),
        "to": report.plan.where,
        "outcome": report.outcome.value,
        "whole": report.whole,
        "seconds": report.restored.seconds,
        "bytes": report.restored.fetched_bytes,
        "steps": dict(report.restored.steps),
        "comparisons": [
            {
                "what": one.what,
                "recorded": one.wanted,
                "restored": one.found,
                "verdict": one.verdict.value,
            }
            for one in report.comparisons
        ],
    }
