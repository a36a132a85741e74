"""What is recorded of a site: a table of layers and tenants, who works on it, and the last act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import display_of_stack, plural
from orchestrator.cli.render.report import COMPILED_ONLY
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.site import Layer, Site
from orchestrator.model.units import Json
from orchestrator.workflows.status import SiteStatus, StackStatus

_STYLES = {
    "current": "green",
    "changed": "yellow",
    "not applied": "yellow",
    "interrupted": "bold red",
    "no longer declared": "cyan",
}


def status_parts(
    status: SiteStatus, site: Site, recorded: Mapping[Layer, int]
) -> list[RenderableType]:
    """Return the status; `recorded` counts the devices that nothing is applied to."""
    rows = list(_rows(status, site, recorded))
    headers = ("Layer", "Name", "Display name", "Resources", "State")
    return [
        table(headers, rows, right="Resources"),
        Text(),
        *_interruptions(status),
        *_circumstances(status),
        Text(_counts(status), "bold"),
    ]


def status_json(status: SiteStatus, recorded: Mapping[Layer, int]) -> dict[str, Json]:
    """Return the status with the same facts as the text."""
    holder = status.lock_holder
    return {
        "site": status.site,
        "current": all(_condition(stack) == "current" for stack in status.stacks),
        "not_applied": {layer.value: count for layer, count in recorded.items()},
        "stacks": [
            {
                "stack": str(stack.stack),
                "resources": stack.resources,
                "state": _condition(stack),
                "interrupted": list(stack.interrupted),
            }
            for stack in status.stacks
        ],
        "lock": asdict(holder) if holder else None,
        "last_act": dict(status.last_act) if status.last_act else None,
    }


def _rows(
    status: SiteStatus, site: Site, recorded: Mapping[Layer, int]
) -> Iterator[tuple[Cell, ...]]:
    for layer, things in recorded.items():
        yield layer.value, "", "", str(things), Text(COMPILED_ONLY, "dim")
    for stack in status.stacks:
        condition = _condition(stack)
        yield (
            stack.stack.layer.value,
            stack.stack.name,
            display_of_stack(site, stack.stack),
            str(stack.resources),
            Text(condition, _STYLES[condition]),
        )


def _condition(stack: StackStatus) -> str:
    """Return the state in a word: what stands in the way first."""
    if stack.interrupted:
        return "interrupted"
    if not stack.declared:
        return "no longer declared"
    if stack.current:
        return "current"
    return "changed" if stack.resources else "not applied"


def _interruptions(status: SiteStatus) -> Iterator[Text]:
    for stack in status.stacks:
        if stack.interrupted:
            what = plural(len(stack.interrupted), "resource")
            yield Text(
                f"{stack.stack}: a run ended while it worked on {what}; "
                "`orchestrator apply` goes on from there.",
                "bold red",
            )


def _circumstances(status: SiteStatus) -> Iterator[Text]:
    holder = status.lock_holder
    if holder:
        yield Text(
            f"Locked by {holder.who} on {holder.host} (pid {holder.pid}) since {holder.since}, "
            f"for: {holder.why}",
            "yellow",
        )
    act = status.last_act
    if act:
        yield Text(f"Last act: {act.get('act')} by {act.get('who')}, {act.get('time')}")


def _counts(status: SiteStatus) -> str:
    current = sum(_condition(stack) == "current" for stack in status.stacks)
    resources = sum(stack.resources for stack in status.stacks)
    return (
        f"{status.site}: {current} of {plural(len(status.stacks), 'stack')} current, "
        f"{plural(resources, 'resource')} recorded."
    )
