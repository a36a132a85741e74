"""What devices run beside what is declared, as a diff; and their backups."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.units import Json
from orchestrator.ports.device import DeviceAnswer, KeptConfiguration
from orchestrator.workflows.network_devices import Comparison, Verdict

CONTEXT_LINES = 2
_STYLES = {
    Verdict.SAME: "green",
    Verdict.DIFFERS: "bold red",
    Verdict.UNSAVED: "yellow",
    Verdict.UNKNOWN: "yellow",
}


def comparison_parts(found: Sequence[Comparison]) -> list[RenderableType]:
    """Return a diff for each device that differs, and a line for every device."""
    parts: list[RenderableType] = []
    for each in found:
        if each.verdict is Verdict.DIFFERS:
            answer = each.answer
            names = (f"{answer.name} declared", f"{answer.name} running")
            parts += [*diff_lines(answer.declared, answer.running, names), Text()]
    rows = [
        (
            each.answer.name,
            each.answer.platform,
            Text(each.verdict.value, _STYLES[each.verdict]),
            _why(each),
        )
        for each in found
    ]
    return [*parts, table(("Device", "Platform", "Verdict", "Why"), rows), Text(), _count(found)]


def diff_lines(old: Sequence[str], new: Sequence[str], names: tuple[str, str]) -> Iterator[Text]:
    """Yield a unified diff, coloured where the terminal has colours."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in difflib.unified_diff(old, new, *names, lineterm="", n=CONTEXT_LINES):
        heading = line.startswith(("---", "+++"))
        yield Text(line, "bold" if heading else styles.get(line[:1], ""))


def comparisons_json(found: Sequence[Comparison]) -> list[Json]:
    """Return every device with the lines by which it differs."""
    return [
        {
            "device": each.answer.name,
            "platform": each.answer.platform,
            "verdict": each.verdict.value,
            "fault": each.answer.fault or None,
            "missing": [*each.missing],
            "extra": [*each.extra],
            "saved": None if each.answer.fault else each.answer.saved,
        }
        for each in found
    ]


def kept_parts(answers: Sequence[DeviceAnswer]) -> list[RenderableType]:
    """Return what was backed up."""
    rows = [
        (each.name, Text(each.fault, "yellow") if each.fault else each.kept) for each in answers
    ]
    return [table(("Device", "Backup"), rows)]


def kept_json(answers: Sequence[DeviceAnswer]) -> list[Json]:
    """Return the same."""
    return [
        {"device": each.name, "backup": each.kept or None, "fault": each.fault or None}
        for each in answers
    ]


def backups_parts(backups: Sequence[KeptConfiguration]) -> list[RenderableType]:
    """Return a list of backups."""
    rows = [(each.name, each.device, each.taken, each.when) for each in backups]
    shown = table(("Backup", "Device", "Taken (UTC)", "When"), rows)
    return [shown, Text(), Text(f"{plural(len(backups), 'backup')}.")]


def backups_json(backups: Sequence[KeptConfiguration]) -> list[Json]:
    """Return the same."""
    return [
        {"name": each.name, "device": each.device, "taken": each.taken, "when": each.when}
        for each in backups
    ]


@contextmanager
def device_watching(console: Console, total: int) -> Iterator[Callable[[DeviceAnswer], None]]:
    """Show how many devices have answered: a bar on a terminal, nothing in a log."""
    if not console.is_terminal:
        yield lambda answer: None
        return
    columns = (TextColumn("devices"), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("devices", total=total)
        yield lambda answer: bar.advance(task)


def _why(each: Comparison) -> str:
    if each.verdict is Verdict.UNKNOWN:
        return each.answer.fault
    if each.verdict is Verdict.UNSAVED:
        return "it would start with something else"
    if each.verdict is Verdict.SAME:
        return ""
    counted = f"{len(each.missing)} missing, {len(each.extra)} extra"
    return counted if each.missing or each.extra else "in another order"


def _count(found: Sequence[Comparison]) -> Text:
    same = sum(each.verdict is Verdict.SAME for each in found)
    unknown = sum(each.verdict is Verdict.UNKNOWN for each in found)
    told = f"{plural(len(found), 'device')}: {same} as declared, {len(found) - same - unknown} not"
    return Text(f"{told}, {unknown} unknown." if unknown else f"{told}.", "bold")
