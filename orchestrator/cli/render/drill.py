"""Drills for the terminal: each as it goes, how it ended, and the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.drill import Due, DueState, PastDrill, StepFault, Timed
from orchestrator.model.units import Json
from orchestrator.planning.spans import span

STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}
DUE_STYLES = {
    DueState.CURRENT: "green",
    DueState.DUE: "yellow",
    DueState.FAILED: "bold red",
    DueState.NEVER: "yellow",
}
MANY_TABLES = 12
"""More assertions of one kind that passed are one line; what did not pass is always shown."""


def step_line(subject: str, timed: Timed, fault: StepFault | None) -> Text:
    """Return how one step ended."""
    return Text.assemble(
        f"{subject}: {timed.step.value}: ",
        (f"{fault.kind}: {fault.message}", "bold red") if fault else ("done", "green"),
        f" ({timed.seconds:.1f} s)",
    )


def drill_parts(report: Mapping[str, Json], *, place: str) -> list[RenderableType]:
    """Return one drill for people; `place` is where its record is."""
    verdict = str(report["verdict"])
    shown, folded = _folded(_list(report, "assertions"))
    rows = [
        (
            str(one["what"]),
            str(one["wanted"]),
            _found(one),
            Text(_verdict(one), STYLES[_verdict(one)]),
        )
        for one in shown
    ]
    title = Text.assemble((f"{report['subject']}: ", "bold"), (_word(verdict), STYLES[verdict]))
    copy = cast("Mapping[str, Json]", report["copy"])
    source = f"{copy.get('run', 'no copy')} of {copy['repository']} on {report['host']}"
    parts: list[RenderableType] = [title, Text(source)]
    parts.append(table(("What", "Wanted", "Found", "Verdict"), rows))
    if folded:
        parts.append(Text(f"{plural(folded, 'more table')} as recorded.", "dim"))
    return [*parts, Text(_measured(report)), Text(f"Record: {place}"), Text()]


def summary_table(reports: Sequence[Mapping[str, Json]]) -> RenderableType:
    """Return a line for each drill of a run."""
    rows = [
        (
            str(report["subject"]),
            Text(_word(str(report["verdict"])), STYLES[str(report["verdict"])]),
            shown_span(report["rpo_seconds"]),
            shown_span(report["rto_seconds"]),
            "; ".join(sorted(_blamed(report))) or "-",
        )
        for report in reports
    ]
    return table(("Subject", "Drill", "RPO", "RTO", "To blame"), rows)


def calendar_table(lines: Sequence[Due]) -> RenderableType:
    """Return the calendar."""
    return table(
        ("Subject", "Policy", "Every", "Last drill", "Last passed", "Next by", "State"),
        [
            (
                one.subject,
                one.policy,
                f"{one.every_days} d",
                _when(one.last),
                _when(one.last_passed),
                f"{one.next_by:%Y-%m-%d}" if one.next_by else "now",
                Text(_state(one), DUE_STYLES[one.state]),
            )
            for one in lines
        ],
    )


def calendar_json(lines: Sequence[Due], doubtful: Mapping[str, str]) -> dict[str, Json]:
    """Return the calendar for machines."""
    return {
        "subjects": [
            {
                "subject": one.subject,
                "policy": one.policy,
                "every_days": one.every_days,
                "state": one.state.value,
                "last": _past_json(one.last),
                "last_passed": _past_json(one.last_passed),
                "next_by": one.next_by.isoformat() if one.next_by else None,
                "overdue_days": one.overdue_days,
            }
            for one in lines
        ],
        "doubtful": dict(doubtful),
    }


def _past_json(past: PastDrill | None) -> Json:
    if past is None:
        return None
    return {
        "record": past.record,
        "lost_at": past.began.isoformat(),
        "verdict": past.verdict.value,
        "rpo_seconds": past.rpo_seconds,
        "rto_seconds": past.rto_seconds,
    }


def _state(one: Due) -> str:
    if one.state is DueState.DUE and one.overdue_days:
        return f"overdue by {plural(one.overdue_days, 'day')}"
    return one.state.value


def _when(past: PastDrill | None) -> str:
    return f"{past.began:%Y-%m-%d %H:%M}" if past else "never"


def _folded(
    assertions: Sequence[Mapping[str, Json]],
) -> tuple[list[Mapping[str, Json]], int]:
    """Leave out tables that passed where they are many."""
    fine = [one for one in assertions if str(one["what"]).startswith("table ") and _passed(one)]
    if len(fine) <= MANY_TABLES:
        return list(assertions), 0
    return [one for one in assertions if one not in fine], len(fine)


def _found(one: Mapping[str, Json]) -> str:
    broken = cast("Sequence[str]", one["broken"])
    found = str(one["found"])
    unsaid = [name for name in broken if name not in found and name not in str(one["what"])]
    return f"{found} [{', '.join(unsaid)}]" if unsaid else found


def _blamed(report: Mapping[str, Json]) -> set[str]:
    found: set[str] = set()
    for one in _list(report, "assertions"):
        if not _passed(one) and _verdict(one) == "fail":
            found |= set(cast("Sequence[str]", one["broken"])) or {str(one["what"])}
    return found


def _measured(report: Mapping[str, Json]) -> str:
    return f"RPO {shown_span(report['rpo_seconds'])}, RTO {shown_span(report['rto_seconds'])}."


def shown_span(seconds: Json) -> str:
    """Return a span of a record; nothing is `unknown`."""
    return span(seconds) if isinstance(seconds, int | float) else "unknown"


def _word(verdict: str) -> str:
    return {"pass": "passed", "fail": "failed"}.get(verdict, verdict)


def _verdict(one: Mapping[str, Json]) -> str:
    return str(one["verdict"])


def _passed(one: Mapping[str, Json]) -> bool:
    return _verdict(one) == "pass"


def _list(report: Mapping[str, Json], name: str) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", report[name])
