"""Playbooks and their runs: the catalogue, progress, and results by host and by task."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.names import both, plural
from orchestrator.cli.render.table import table
from orchestrator.model.playbook import (
    CataloguedPlaybook,
    Outcome,
    PlaybookEvent,
    PlaybookResult,
    TaskResult,
    TaskStarted,
)
from orchestrator.model.units import Json
from orchestrator.ports.playbooks import PlaybookWatch

STYLES = {
    Outcome.OK: "green",
    Outcome.CHANGED: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "bold red",
    Outcome.UNREACHABLE: "bold red",
    Outcome.UNKNOWN: "magenta",
}
BAD = frozenset({Outcome.FAILED, Outcome.UNREACHABLE, Outcome.UNKNOWN})
FAILURES_TOLD = 5
"""Failures that are told of while it runs: the table at the end has them all."""
HOSTS_NAMED = 3
"""Hosts that a summed line names; JSON names all."""


def entries_table(entries: Sequence[CataloguedPlaybook]) -> Table:
    """Return the catalogue, one playbook a line."""
    rows = [
        (
            entry.name,
            entry.purpose.en,
            _roles(entry),
            "yes" if entry.disruptive else "no",
            "yes" if entry.window else "no",
        )
        for entry in entries
    ]
    return table(("Playbook", "Purpose", "Hosts", "Disruptive", "In a window"), rows)


def entry_parts(entry: CataloguedPlaybook) -> list[RenderableType]:
    """Return all that is known of one playbook."""
    rows = [
        ("purpose", both(entry.purpose)),
        ("hosts", _roles(entry)),
        ("disruptive", "yes" if entry.disruptive else "no"),
        ("only in a window", "yes" if entry.window else "no"),
        ("ended after", f"{entry.minutes} min"),
        ("proof", entry.proof),
        ("controls", ", ".join(entry.controls) or "none"),
        *((f"secret {name}", reference) for name, reference in entry.secrets.items()),
    ]
    return [Text(entry.name, "bold"), table(("Of it", "Value"), rows)]


def entry_json(entry: CataloguedPlaybook) -> dict[str, Json]:
    """Return one playbook for machines."""
    return {
        "playbook": entry.name,
        "purpose": {"zh": entry.purpose.zh, "en": entry.purpose.en},
        "roles": [role.value for role in entry.roles],
        "disruptive": entry.disruptive,
        "window": entry.window,
        "minutes": entry.minutes,
        "proof": entry.proof,
        "controls": list(entry.controls),
        "secrets": dict(entry.secrets),
    }


def result_json(entry: CataloguedPlaybook, result: PlaybookResult) -> dict[str, Json]:
    """Return a run for machines: host, then task, then outcome."""
    return {
        "playbook": entry.name,
        "rehearsed": result.rehearsed,
        "ending": result.ending.value,
        "reason": result.reason,
        "seconds": round(result.seconds, 2),
        "record": result.record,
        "summary": {one.value: result.count(one) for one in Outcome},
        "hosts": [
            {
                "host": host.host,
                "outcome": host.outcome.value,
                "reason": host.reason,
                "tasks": [
                    {
                        "task": task.task,
                        "outcome": task.outcome.value,
                        "reason": task.reason,
                        "forgiven": task.forgiven,
                    }
                    for task in host.tasks
                ],
            }
            for host in result.hosts
        ],
    }


def result_parts(entry: CataloguedPlaybook, result: PlaybookResult) -> list[RenderableType]:
    """Return what changed (or would), summed by task, then each host that is not well."""
    parts: list[RenderableType] = []
    changes = _hosts_by_task(result, Outcome.CHANGED)
    if changes:
        head = "Would change" if result.rehearsed else "Changed"
        parts += [table((head, "Count", "Hosts"), changes, right="Count"), Text()]
    unknown = _hosts_by_task(result, Outcome.UNKNOWN) if result.rehearsed else []
    if unknown:
        parts += [table(("Cannot tell", "Count", "Hosts"), unknown, right="Count"), Text()]
    bad = [
        (host.host, Text(host.outcome.value, STYLES[host.outcome]), host.reason)
        for host in result.hosts
        if host.outcome in BAD and (host.reason or not result.rehearsed)
    ]
    if bad:
        parts += [table(("Host", "Outcome", "Reason"), bad), Text()]
    if result.reason:
        parts.append(Text(result.reason, "yellow"))
    counts = ", ".join(f"{result.count(one)} {one.value}" for one in Outcome if result.count(one))
    what = "rehearsed" if result.rehearsed else result.ending.value
    hosts = plural(len(result.hosts), "host")
    line = f"{entry.name}: {what}: {hosts} in {result.seconds:.1f} s: {counts}."
    return [*parts, Text(line, "bold")]


def _hosts_by_task(result: PlaybookResult, outcome: Outcome) -> list[tuple[str, str, str]]:
    hosts: dict[str, list[str]] = defaultdict(list)
    for host in result.hosts:
        for task in dict.fromkeys(one.task for one in host.tasks if one.outcome is outcome):
            hosts[task].append(host.host)
    return [(task, str(len(names)), _some(names)) for task, names in hosts.items()]


def _some(names: Sequence[str]) -> str:
    more = len(names) - HOSTS_NAMED
    return ", ".join(names[:HOSTS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _roles(entry: CataloguedPlaybook) -> str:
    return ", ".join(role.value for role in entry.roles) or "all"


@contextmanager
def run_watching(console: Console, hosts: int) -> Iterator[PlaybookWatch]:
    """Show how far a run is: a bar a task on a terminal, a line per finished task in a log."""
    if not console.is_terminal:
        lines = _Lines(console)
        yield lines
        lines.close()
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        yield _Bars(bars, console, hosts)


class _Told:
    """Tells of the first failures, on either kind of screen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._failures = 0

    def failure(self, event: TaskResult) -> None:
        if event.outcome not in {Outcome.FAILED, Outcome.UNREACHABLE} or event.forgiven:
            return
        self._failures += 1
        if self._failures <= FAILURES_TOLD:
            line = f"{event.outcome.value}: {event.host}: {event.task}: {event.reason}"
            self._console.print(Text(line, "bold red"), soft_wrap=True)


class _Bars:
    def __init__(self, bars: Progress, console: Console, hosts: int) -> None:
        self._bars = bars
        self._told = _Told(console)
        self._task = bars.add_task("hosts reached", total=hosts)
        self._name = ""

    def __call__(self, event: PlaybookEvent) -> None:
        if isinstance(event, TaskStarted):
            if event.task != self._name:
                self._name = event.task
                self._bars.reset(self._task, description=event.task[:48])
            return
        self._told.failure(event)
        self._bars.advance(self._task)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = _Told(console)
        self._name = ""
        self._ended: Counter[Outcome] = Counter()

    def __call__(self, event: PlaybookEvent) -> None:
        if isinstance(event, TaskStarted):
            if event.task != self._name:
                self.close()
                self._name = event.task
            return
        self._told.failure(event)
        self._ended[event.outcome] += 1

    def close(self) -> None:
        """Say how the last task ended."""
        if self._name and self._ended:
            counts = ", ".join(
                f"{self._ended[one]} {one.value}" for one in Outcome if self._ended[one]
            )
            self._console.print(Text(f"{self._name}: {counts}"), soft_wrap=True)
        self._ended.clear()
