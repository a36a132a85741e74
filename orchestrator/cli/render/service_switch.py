"""A change of the primary: what will be done, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from orchestrator.model.service_plan import SwitchPlan, SwitchReport
from orchestrator.model.units import Json


def switch_plan_parts(plan: SwitchPlan, *, fenced: bool = False) -> list[RenderableType]:
    """Return the acts, numbered; `fenced`: what may lead is switched off first."""
    off = [f"switch {one.name} off by its BMC, with all that runs there" for one in plan.may_lead]
    acts = [*(off if fenced else []), *_acts(plan)]
    lines = [f" {number}. {act}" for number, act in enumerate(acts, start=1)]
    head = Text(plan.declared.name, "bold")
    return [head, *map(Text, lines or [f" {plan.new.name} is the primary: nothing to do."])]


def _acts(plan: SwitchPlan) -> Iterator[str]:
    if plan.stop and plan.old:
        yield f"stop the primary on {plan.old.name}, in order: writes wait from here on"
    if plan.promote:
        told = ", ".join(one.name for one in plan.voters)
        yield f"tell {told} that {plan.new.name} leads (term {plan.term.number})"
    if plan.start:
        yield f"start {plan.new.name}, which was the primary"
    elif plan.promote:
        yield f"make {plan.new.name} the primary"
    for server in plan.followers:
        yield f"let {server.name} follow {plan.new.name}"
    for name in plan.out_of_reach:
        yield f"{name} does not answer: it is left as it is"


def switch_parts(report: SwitchReport) -> list[RenderableType]:
    """Return how it ended."""
    parts: list[RenderableType] = [
        Text(f"{host} does not follow: {reason}", "bold red") for host, reason in report.failed
    ]
    line = f"{report.plan.declared.name}: {report.plan.new.name} is the primary"
    if report.gap_seconds is not None:
        line += f"; nobody took writes for {report.gap_seconds:.1f} s"
    return [*parts, Text(f"{line}.", "bold")]


def switch_json(report: SwitchReport, *, fenced: bool = False) -> dict[str, Json]:
    """Return it for machines; `fenced`: what might have led was switched off first."""
    plan = report.plan
    return {
        "service": plan.declared.name,
        "from": plan.old.name if plan.old else None,
        "primary": plan.new.name,
        "promoted": plan.promote,
        "fenced": [server.name for server in plan.may_lead] if fenced else [],
        "term": plan.term.number,
        "voters_silent": list(plan.unheard),
        "gap_seconds": None if report.gap_seconds is None else round(report.gap_seconds, 2),
        "followers": [server.name for server in plan.followers],
        "failed": [{"host": host, "reason": reason} for host, reason in report.failed],
        "out_of_reach": list(plan.out_of_reach),
    }
