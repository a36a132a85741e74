"""Flows, and the verdicts on compiled configurations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.network import Flow
from orchestrator.model.units import Json
from orchestrator.planning.reachability import Answer, Question, Standing, standing
from orchestrator.verify.judge import Verdict

MOST_DIFFERENCES = 10
"""Shown of one target; the JSON output has all."""

_STYLES = {Standing.CURRENT: "", Standing.ENDS_SOON: "yellow", Standing.EXPIRED: "red"}


def flows_parts(flows: Sequence[Flow], *, today: date) -> list[RenderableType]:
    """Return a table of flows; those that end soon or have ended are marked."""
    rows = [
        (
            flow.name,
            flow.from_,
            flow.to,
            f"{flow.protocol.value} {','.join(map(str, flow.ports))}".strip(),
            flow.owner,
            flow.ticket,
            _until(flow, today),
        )
        for flow in flows
    ]
    headers = ("Flow", "From", "To", "Traffic", "Owner", "Ticket", "Until")
    count = {each: sum(standing(f, today=today) is each for f in flows) for each in Standing}
    marked = "".join(
        f", {count[each]} {word}"
        for each, word in ((Standing.ENDS_SOON, "end soon"), (Standing.EXPIRED, "expired"))
        if count[each]
    )
    return [table(headers, rows), Text(), Text(f"{plural(len(flows), 'flow')}{marked}.")]


def _until(flow: Flow, today: date) -> Text:
    found = standing(flow, today=today)
    mark = "" if found is Standing.CURRENT else f" {found.value}"
    return Text(f"{flow.expires}{mark}", _STYLES[found])


def answer_parts(question: Question, answer: Answer, *, today: date) -> list[RenderableType]:
    """Return yes or no, and the flows behind it."""
    port = "" if question.port is None else f" {question.port}"
    asked = f"{question.from_} to {question.to}, {question.protocol}{port}"
    verdict = Text.assemble(
        ("allowed", "bold green") if answer.allowed else ("refused", "bold red"), f": {asked}"
    )
    if answer.reason:
        verdict.append(f"\n{answer.reason}")
    elif not answer.flows and not answer.partly:
        verdict.append("\nNo flow declares it.")
    parts: list[RenderableType] = [verdict]
    if answer.flows:
        parts += [Text(), *flows_parts(answer.flows, today=today)]
    if answer.partly:
        parts += [Text("\nParts of it are open:"), *flows_parts(answer.partly, today=today)]
    return parts


def answer_json(question: Question, answer: Answer, *, today: date) -> dict[str, Json]:
    """Return the same facts; `allowed` is null where the question was not about one traffic."""
    return {
        "allowed": answer.allowed if question.is_whole else None,
        "reason": answer.reason or None,
        "flows": flows_json(answer.flows, today=today),
        "partly": flows_json(answer.partly, today=today),
    }


def flows_json(flows: Iterable[Flow], *, today: date) -> list[Json]:
    """Return flows as they are declared, with their standing."""
    return [
        {
            "name": flow.name,
            "from": flow.from_,
            "to": flow.to,
            "protocol": flow.protocol.value,
            "ports": list(flow.ports),
            "purpose": flow.purpose,
            "owner": flow.owner,
            "ticket": flow.ticket,
            "expires": flow.expires.isoformat(),
            "inspected_by": flow.inspected_by,
            "standing": standing(flow, today=today).value,
        }
        for flow in flows
    ]


def verdict_parts(verdicts: Sequence[Verdict]) -> list[RenderableType]:
    """Return a line for each target, and below it what differs."""
    rows = [
        (
            verdict.target,
            verdict.name,
            str(verdict.compared),
            Text("agrees", "green")
            if verdict.agrees
            else Text(plural(len(verdict.differences), "difference"), "bold red"),
        )
        for verdict in verdicts
    ]
    parts: list[RenderableType] = [
        table(("Target", "Name", "Compared", "Verdict"), rows, right="Compared")
    ]
    parts += [_differences(verdict) for verdict in verdicts if not verdict.agrees]
    wrong = sum(not verdict.agrees for verdict in verdicts)
    told = f"{plural(len(verdicts), 'target')}: " + (
        f"{wrong} differ from the declared flows." if wrong else "all do what the flows declare."
    )
    return [*parts, Text(), Text(told, "bold red" if wrong else "green")]


def _differences(verdict: Verdict) -> Text:
    text = Text(f"\n{verdict.target} {verdict.name}", "bold")
    for difference in verdict.differences[:MOST_DIFFERENCES]:
        text.append(f"\n  {difference.fault}: ", "red").append(difference.detail)
        if difference.rule:
            text.append(f"\n    by: {difference.rule}", "dim")
    more = len(verdict.differences) - MOST_DIFFERENCES
    if more > 0:
        text.append(f"\n  and {more} more")
    return text


def verdicts_json(verdicts: Sequence[Verdict]) -> list[Json]:
    """Return every verdict with all its differences."""
    return [
        {
            "target": verdict.target,
            "name": verdict.name,
            "agrees": verdict.agrees,
            "compared": verdict.compared,
            "differences": [
                {
                    ("from" if key == "from_" else key): str(value)
                    for key, value in asdict(difference).items()
                }
                for difference in verdict.differences
            ],
        }
        for verdict in verdicts
    ]
