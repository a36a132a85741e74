"""Deployments: the plan, how far it is, and how every server ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.deploy import (
    DeployAct,
    DeployOutcome,
    DeployPlan,
    DeployReport,
    DeployResult,
    DeployStep,
)
from orchestrator.model.units import Json
from orchestrator.workflows.deploy import Limits, Told

STYLES = {
    DeployOutcome.DONE: "green",
    DeployOutcome.AS_DECLARED: "dim",
    DeployOutcome.FAILED: "bold red",
    DeployOutcome.REFUSED: "bold red",
    DeployOutcome.NOT_STARTED: "yellow",
}
SAID_BELOW = frozenset({DeployOutcome.FAILED, DeployOutcome.REFUSED})
"""Too long for a table."""

WORDS = {
    DeployAct.NONE: "nothing to do",
    DeployAct.DEPLOY: "deploy",
    DeployAct.REBUILD: "rebuild: its disk is written anew",
    DeployAct.FINISH: "wait: Ironic is writing it",
    DeployAct.CONFIRM: "confirm by SSH",
    DeployAct.REFUSED: "refused",
}


def plan_parts(plan: DeployPlan, limits: Limits) -> list[RenderableType]:
    """Return what is to be done, before it is asked for."""
    rows = [
        (step.server, step.before or "-", step.image or "-", Text(_act(step), _act_style(step)))
        for step in plan.steps
    ]
    work = len(plan.work)
    summary = (
        f"{plural(work, 'server')} to work on, {limits.parallel} at a time; nothing new is started "
        f"after {plural(limits.budget, 'failure')}."
        if work
        else f"Nothing is done: {len(plan.refused)} refused."
        if plan.refused
        else "Nothing to do."
    )
    return [table(("Server", "Has", "Is to have", "What is done"), rows), Text(summary, "bold")]


def _act(step: DeployStep) -> str:
    return f"{WORDS[step.act]}: {step.reason}" if step.reason else WORDS[step.act]


def _act_style(step: DeployStep) -> str:
    return {DeployAct.REBUILD: "bold red", DeployAct.REFUSED: "bold red"}.get(step.act, "")


@contextmanager
def deploy_watching(console: Console, total: int) -> Iterator[Told]:
    """Say a line for each server that ends."""
    ended: list[str] = []

    def say(result: DeployResult) -> None:
        ended.append(result.server)
        text = Text.assemble(
            f"{len(ended)}/{total} {result.server}: ",
            (result.outcome.value, STYLES[result.outcome]),
            f" after {result.seconds:.0f} s",
        )
        console.print(text, soft_wrap=True)

    yield say


def report_parts(report: DeployReport) -> list[RenderableType]:
    """Return how every server ended and which state it is in."""
    rows = [
        (
            one.server,
            Text(one.outcome.value, STYLES[one.outcome]),
            "see below" if one.outcome in SAID_BELOW else one.state,
        )
        for one in report.results
    ]
    parts: list[RenderableType] = [table(("Server", "Ended", "State"), rows)]
    parts += [
        Text.assemble((f"{one.server}: ", "bold"), one.state)
        for one in report.results
        if one.outcome in SAID_BELOW
    ]
    remedies = dict.fromkeys(one.remedy for one in report.results if one.remedy)
    parts += [Text.assemble(("do: ", "bold"), remedy) for remedy in remedies]
    counts = ((outcome, report.count(outcome)) for outcome in DeployOutcome)
    summary = ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count)
    parts.append(Text(f"{summary}.", "bold"))
    return parts


def plan_json(plan: DeployPlan) -> list[Json]:
    """Return the plan for machines."""
    return [
        {
            "server": step.server,
            "act": step.act.value,
            "before": step.before or None,
            "image": step.image or None,
            "reason": step.reason or None,
        }
        for step in plan.steps
    ]


def deploy_json(plan: DeployPlan, report: DeployReport) -> Json:
    """Return the plan and how it ended."""
    return {
        "plan": plan_json(plan),
        "interrupted": report.interrupted,
        "results": [_result_json(one) for one in report.results],
    }


def _result_json(one: DeployResult) -> Json:
    return {
        "server": one.server,
        "outcome": one.outcome.value,
        "state": one.state,
        "remedy": one.remedy or None,
        "seconds": round(one.seconds, 1),
        "facts": [
            {
                "fact": fact.fact,
                "declared": fact.declared,
                "found": fact.found,
                "verdict": fact.verdict.value,
            }
            for fact in one.facts
        ],
    }
