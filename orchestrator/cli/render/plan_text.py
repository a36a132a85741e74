"""A plan as people read it: by stack, only what changes, deletions last and loud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from orchestrator.cli.render.names import (
    STYLES,
    both,
    display_of_stack,
    kind_name,
    plural,
)
from orchestrator.cli.render.values import change_lines
from orchestrator.model.plan import ApplyReport, Plan, PlanStep
from orchestrator.model.site import Layer, Site
from orchestrator.model.stack import Action, ResourceChange, thing_of
from orchestrator.planning.network_slice import reachable_devices

LISTED = 40
"""A plan that adds more than this shows counts of what it adds, unless all is asked for."""
TEXT_CELLS = 80
DEVICES_NAMED = 4
RESTARTS_NAMED = 3
"""Servers that wait for a restart; JSON has them all."""

_FIRST_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.KEEP_ORPHAN)


def plan_text(plan: Plan, site: Site, *, whole: bool = False) -> list[Text]:
    """Return the plan; `whole` lists every resource with every attribute."""
    counted = not whole and plan.count(Action.CREATE) > LISTED
    parts = [_heading(plan, site)]
    for step in plan.steps:
        parts += _step_text(step, site, counted=counted, whole=whole)
    parts += _deletions(plan, whole=whole)
    parts += _closing(plan, site, counted=counted)
    return parts


def summary_line(plan: Plan) -> str:
    """Return the one line that counts everything."""
    return (
        f"Plan: {plan.count(Action.CREATE)} to add, {plan.count(Action.UPDATE)} to change, "
        f"{plan.count(Action.REPLACE)} to replace, {plan.count(Action.DELETE)} to delete, "
        f"{plural(plan.count(Action.KEEP_ORPHAN), 'orphan')} kept; {plan.unchanged} unchanged."
    )


def not_applied_line(report: Plan | ApplyReport, site: Site) -> str:
    """Return which devices are configured and how many are not; nothing where all of them are."""
    left = report.not_applied.get(Layer.NETWORK, 0)
    if not left:
        return ""
    names = [device.name for device in reachable_devices(site)]
    if not names:
        return f"network: {plural(left, 'device')}, compiled only: none has a login."
    few = ", ".join(names[:DEVICES_NAMED]) + (" ..." if len(names) > DEVICES_NAMED else "")
    return (
        f"network: {plural(len(names), 'device')} configured ({few}); "
        f"{left} without a login, compiled only."
    )


def change_text(change: ResourceChange, *, whole: bool = False) -> Text:
    """Return one resource with its mark and what differs in it."""
    style = STYLES[change.action]
    text = Text(f"  {change.action.value:<3} ", style)
    text.append(change.name, "bold").append(f"  {kind_name(change.kind)}", "dim")
    if change.drifted:
        text.append("  changed outside", "magenta")
    if change.action is Action.KEEP_ORPHAN:
        text.append("  no longer declared; kept", "cyan")
    if change.action is not Action.CREATE or whole:
        for attribute in change.attributes:
            for line in change_lines(attribute, whole=whole, new=change.action is Action.CREATE):
                text.append(f"\n        {line}")
    return text


def _heading(plan: Plan, site: Site) -> Text:
    return Text(f"Plan for {plan.site} ({both(site.identity.display)}), {plan.created}", "bold")


def _step_text(step: PlanStep, site: Site, *, counted: bool, whole: bool) -> list[Text]:
    listed = [change for change in step.preview.changes if change.action in _FIRST_ACTIONS]
    creates = [change for change in listed if counted and change.action is Action.CREATE]
    listed = [change for change in listed if change not in creates] if creates else listed
    lines = [_counted(creates, Action.CREATE)] if creates else []
    lines += [change_text(change, whole=whole) for change in listed]
    lines += [_failure(failure.name, failure.reason) for failure in step.preview.failures]
    if not lines:
        return []
    shown = display_of_stack(site, step.stack)
    return [Text(), Text.assemble((str(step.stack), "bold underline"), f"  {shown}"), *lines]


def _counted(changes: Sequence[ResourceChange], action: Action, *, where: str = "") -> Text:
    kinds = Counter(kind_name(change.kind) for change in changes)
    what = [f"{count} {kind}" for kind, count in kinds.items()]
    text = Text(f"  {action.value:<3} ", STYLES[action])
    text.append(what[0] if len(what) == 1 else plural(len(changes), "resource"), "bold")
    text.append(f"  {where}" if where else "")
    if len(what) == 1:
        return text
    for line in _folded(what, TEXT_CELLS - 8):
        text.append(f"\n        {line}")
    return text


def _folded(words: Sequence[str], width: int) -> Iterator[str]:
    """Join words by commas into lines of at most `width` cells."""
    line = ""
    for word in words:
        longer = f"{line}, {word}" if line else word
        if line and cell_len(longer) > width:
            yield line + ","
            longer = word
        line = longer
    if line:
        yield line


def _failure(name: str, reason: str) -> Text:
    return Text.assemble(("  !   ", "bold red"), (name, "bold"), f"  cannot be planned: {reason}")


def _deletions(plan: Plan, *, whole: bool) -> list[Text]:
    """Return everything that is deleted, in one place, whatever stack it is in.

    Single things are named, always. Only whole stacks that go (a destroy) are counted.
    """
    doomed = plan.count(Action.DELETE)
    if not doomed:
        return []
    title = f"TO BE DELETED ({plural(doomed, 'resource')})"
    parts = [Text(), Text(title, "bold white on red")]
    for step in plan.steps:
        gone = [change for change in step.preview.changes if change.action is Action.DELETE]
        if step.destroys and not whole and doomed > LISTED:
            parts.append(_counted(gone, Action.DELETE, where=str(step.stack)))
        else:
            parts += [change_text(one).append(f"  in {step.stack}", "dim") for one in gone]
    return parts


def _closing(plan: Plan, site: Site, *, counted: bool) -> list[Text]:
    lines = [Text()]
    if counted:
        lines.append(Text("Additions are counted by kind; -v lists each.", "dim"))
    if plan.count(Action.KEEP_ORPHAN):
        lines.append(
            Text("Orphans (?) are deleted only when the site lists them under `removed:`.", "cyan")
        )
    if not plan.has_changes and not any(step.preview.failures for step in plan.steps):
        lines.append(Text("Nothing to do: the cloud is as the site says.", "green"))
    lines.append(Text(summary_line(plan), "bold"))
    lines += [Text(line, "yellow") for line in _restart_lines(plan)]
    unapplied = not_applied_line(plan, site)
    return [*lines, Text(unapplied, "dim")] if unapplied else lines


def _restart_lines(plan: Plan) -> Iterator[str]:
    """Say what is, or will be, pending until somebody restarts a server."""
    for written, what in ((True, "Pending until restart"), (False, "In force after a restart")):
        waiting = [one for one in plan.awaiting_restart if one.written is written]
        if waiting:
            servers = plural(len(waiting), "server")
            paths = Counter(path for one in waiting for path in one.paths)
            listed = ", ".join(f"{path} ({count})" for path, count in sorted(paths.items()))
            few = ", ".join(sorted(thing_of(one.name) for one in waiting)[:RESTARTS_NAMED])
            left = len(waiting) - RESTARTS_NAMED
            more = f" and {left} more" if left > 0 else ""
            yield f"{what}, which is not done here: {listed} on {servers}: {few}{more}."
