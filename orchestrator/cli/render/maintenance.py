"""Maintenance: a plan before it is carried out, its progress, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.maintenance import MaintenancePlan, Operation
from orchestrator.model.maintenance_report import (
    MaintenanceReport,
    OperationOutcome,
    OperationResult,
)
from orchestrator.model.units import Json
from orchestrator.workflows.maintenance import Told

STYLES = {
    OperationOutcome.DONE: "green",
    OperationOutcome.SKIPPED: "cyan",
    OperationOutcome.FAILED: "bold red",
    OperationOutcome.UNKNOWN: "magenta",
    OperationOutcome.NOT_STARTED: "dim",
}
PACKAGES_NAMED = 3
"""Packages that an operation names; JSON names all."""

Openings = Mapping[str, datetime | None]
"""When each region may be disturbed next, in the site's own time."""


def plan_parts(plan: MaintenancePlan, openings: Openings) -> list[RenderableType]:
    """Return a plan: what cannot be done first, then the batches in their order."""
    parts: list[RenderableType] = []
    if plan.blocked:
        rows = [(one.host, reason) for one in plan.blocked for reason in one.reasons]
        parts += [table(("Left as it is", "Because"), rows), Text()]
    if plan.operations:
        parts += [_operations(plan), Text()]
    notes = [(one.host, note) for one in plan.operations for note in one.notes]
    if notes:
        parts += [table(("Host", "To be known"), notes), Text()]
    parts += [Text(line) for line in _opening_lines(openings)]
    parts += [Text(f"Not looked at: {remark}.", "yellow") for remark in plan.remarks]
    if plan.idle:
        parts.append(Text(f"Nothing to do on {', '.join(plan.idle)}."))
    needs = ", ".join(need.value for need in plan.needs)
    line = (
        f"Maintenance {plan.id} ({needs}): {plural(len(plan.operations), 'operation')} in "
        f"{len(plan.batches)} batches; left as they are: {plural(len(plan.blocked), 'host')}."
    )
    return [*parts, Text(line, "bold")]


def _operations(plan: MaintenancePlan) -> Table:
    rows = []
    for batch in plan.batches:
        for one in batch.operations:
            acts = ", ".join(act.value for act in one.acts)
            lines = [acts, *_details(one)]
            rows.append((f"{batch.number}", f"{one.number}", one.host, "\n".join(lines)))
    return table(("Batch", "No", "Host", "What is done, in this order"), rows, right="No")


def _details(one: Operation) -> Iterator[str]:
    for over in one.hand_overs:
        yield f"  {over.service}: primary to {over.to}"
    for move in one.moves:
        yield f"  {move.name}: to {move.to}"
    for change in one.firmware:
        yield f"  {change.component}: {change.before} to {change.after}"
    if one.certificate_until:
        yield f"  certificate: ends {one.certificate_until[:10]}"
    if one.packages:
        named = ", ".join(f"{each.name} {each.after}" for each in one.packages[:PACKAGES_NAMED])
        more = len(one.packages) - PACKAGES_NAMED
        yield f"  packages: {named}" + (f" and {more} more" if more > 0 else "")


def _opening_lines(openings: Openings) -> Iterator[str]:
    for region, moment in openings.items():
        when = f"{moment:%a %Y-%m-%d %H:%M}" if moment else "not within a year"
        yield f"{region} may be disturbed next: {when}."


def plan_json(plan: MaintenancePlan, openings: Openings) -> dict[str, Json]:
    """Return a plan for machines."""
    return {
        "plan": plan.id,
        "site": plan.site,
        "made": plan.made,
        "needs": [need.value for need in plan.needs],
        "batches": [
            {
                "number": batch.number,
                "region": batch.region,
                "operations": [_operation_json(one) for one in batch.operations],
            }
            for batch in plan.batches
        ],
        "blocked": [{"host": one.host, "reasons": list(one.reasons)} for one in plan.blocked],
        "idle": list(plan.idle),
        "remarks": list(plan.remarks),
        "openings": {
            region: moment.isoformat() if moment else None for region, moment in openings.items()
        },
    }


def _operation_json(one: Operation) -> dict[str, Json]:
    return {
        "number": one.number,
        "host": one.host,
        "role": one.role,
        "acts": [act.value for act in one.acts],
        "moves": [
            {"instance": move.instance, "name": move.name, "from": move.source, "to": move.to}
            for move in one.moves
        ],
        "hand_overs": [
            {"service": over.service, "from": over.source, "to": over.to} for over in one.hand_overs
        ],
        "packages": [
            {"package": each.name, "from": each.before or None, "to": each.after}
            for each in one.packages
        ],
        "firmware": [
            {"component": each.component, "from": each.before, "to": each.after}
            for each in one.firmware
        ],
        "certificate_until": one.certificate_until or None,
        "notes": list(one.notes),
    }


def report_parts(report: MaintenanceReport) -> list[RenderableType]:
    """Return how a run ended, or how it stands: every operation, and what to do next."""
    rows = [
        (
            str(one.number),
            one.host,
            Text(one.outcome.value, STYLES[one.outcome]),
            one.act.value if one.act else "",
            one.state,
        )
        for one in report.results
    ]
    parts: list[RenderableType] = [
        table(("No", "Host", "Outcome", "At", "State"), rows, right="No"),
        Text(),
    ]
    remedies = dict.fromkeys(
        (one.host, one.remedy) for one in report.results if one.remedy and not one.outcome.is_well
    )
    parts += [Text.assemble((f"{host}: ", "bold"), remedy) for host, remedy in remedies]
    if report.stopped:
        parts.append(Text(f"Stopped: {report.stopped}.", "yellow"))
    counts = ", ".join(
        f"{report.count(one)} {one.value}" for one in OperationOutcome if report.count(one)
    )
    parts.append(Text(f"Maintenance {report.plan}: {counts or 'nothing to do'}.", "bold"))
    return parts


def report_json(report: MaintenanceReport) -> dict[str, Json]:
    """Return how a run ended, for machines."""
    return {
        "plan": report.plan,
        "stopped": report.stopped or None,
        "summary": {one.value: report.count(one) for one in OperationOutcome},
        "operations": [
            {
                "number": one.number,
                "host": one.host,
                "outcome": one.outcome.value,
                "act": one.act.value if one.act else None,
                "done": [act.value for act in one.done],
                "state": one.state,
                "remedy": one.remedy or None,
                "seconds": one.seconds,
            }
            for one in report.results
        ],
    }


def disabled_lines(left: Mapping[str, str]) -> Iterator[str]:
    """Name the hosts that maintenance left disabled, by its own records."""
    for host, plan in left.items():
        yield (
            f"{host} was disabled by the maintenance {plan} and not enabled since: resume it, or "
            "plan anew; either enables it."
        )


def plans_table(plans: Sequence[MaintenancePlan], reports: Sequence[MaintenanceReport]) -> Table:
    """Return the plans that were begun, the newest last."""
    rows = [
        (
            plan.id,
            ", ".join(need.value for need in plan.needs),
            str(len(plan.operations)),
            str(sum(one.outcome.is_well for one in report.results)),
        )
        for plan, report in zip(plans, reports, strict=True)
    ]
    return table(("Plan", "Needs", "Operations", "Done"), rows, right="Operations")


def telling(console: Console, plan: MaintenancePlan) -> Told:
    """Return what says, line by line, which act begins and how each operation ended."""
    lock = threading.Lock()
    last = len(plan.operations)

    def tell(operation: Operation, act: str, result: OperationResult | None) -> None:
        head = f"{operation.number}/{last} {operation.host}: "
        line = Text(f"{head}{act}")
        if result is not None:
            line = Text.assemble(head, (result.outcome.value, STYLES[result.outcome]))
            line.append(f" after {result.seconds:.0f} s" if result.seconds else "")
            if not result.outcome.is_well:
                line.append(f": {result.state}")
        with lock:
            console.print(line, soft_wrap=True)

    return tell
