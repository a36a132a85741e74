"""The single-failure sweep in a terminal and as JSON."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.model.units import Json
from orchestrator.workflows.room_losses import Losses


def sweep_parts(losses: Losses) -> list[RenderableType]:
    """Return what breaks, by rule, and how much was taken away."""
    parts: list[RenderableType] = []
    for check, finding in losses.findings:
        parts.append(Text.assemble((f"{check.code} ", "bold red"), finding.detail))
    count = sum(losses.taken_away.values())
    kinds = ", ".join(f"{kind} {number}" for kind, number in losses.taken_away.items())
    verdict = f"{plural(count, 'piece')} taken away, each once ({kinds}): "
    if losses.findings:
        return [*parts, Text(f"{verdict}{plural(len(losses.findings), 'finding')}.", "bold red")]
    return [Text(f"{verdict}everything runs on, within its limits.", "green")]


def sweep_json(losses: Losses) -> dict[str, Json]:
    """Return the same facts."""
    return {
        "survived": not losses.findings,
        "taken_away": dict(losses.taken_away),
        "findings": [
            {"code": check.code, "summary": check.summary, "detail": finding.detail}
            for check, finding in losses.findings
        ],
    }
