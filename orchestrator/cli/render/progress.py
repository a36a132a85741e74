"""Long work as it goes: bars on a terminal, one line per finished stack in a log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from orchestrator.model.plan import Plan
from orchestrator.model.progress import (
    Noted,
    ProgressEvent,
    ResourceFinished,
    StackFinished,
    StackStarted,
)
from orchestrator.model.site import Layer
from orchestrator.model.stack import Action, ResourceChange, StackName
from orchestrator.ports import Clock

FAILURES_TOLD = 3
"""Failures of one stack that are told at once: one cause often fails many, and the report at the
end names them all by their reason."""


class PlanWatch(Protocol):
    """A watch that may be told the plan, and so knows how much there is to do."""

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one event."""

    def expect(self, plan: Plan) -> None:
        """Learn what is to come."""


@contextmanager
def watching(console: Console, clock: Clock) -> Iterator[PlanWatch]:
    """Show progress on the console for as long as the work lasts."""
    if not console.is_terminal:
        yield LineWatch(console, clock)
        return
    bars = BarWatch(console)
    try:
        yield bars
    finally:
        bars.close()


class LineWatch:
    """Progress for logs: short, and no line says the same as another."""

    def __init__(self, console: Console, clock: Clock) -> None:
        """Write to the console; times are the clock's."""
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._expected = 0
        self._ended = 0
        self._done: Counter[StackName] = Counter()
        self._failed: Counter[StackName] = Counter()
        self._begun: dict[StackName, float] = {}

    def expect(self, plan: Plan) -> None:
        """Count the stacks that are to come."""
        self._expected = len(plan.steps)

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one event."""
        with self._lock:
            match event:
                case Noted(text=text):
                    self._say(text)
                case StackStarted(stack=stack):
                    self._begun[stack] = self._clock.now().timestamp()
                case ResourceFinished(stack=stack, name=name, error=error):
                    (self._failed if error else self._done)[stack] += 1
                    if error and self._failed[stack] <= FAILURES_TOLD:
                        self._say(f"failed: {name}: {error}")
                case StackFinished():
                    self._finish(event)

    def _finish(self, event: StackFinished) -> None:
        self._ended += 1
        of = max(self._expected, self._ended)
        now = self._clock.now().timestamp()
        seconds = now - self._begun.get(event.stack, now)
        failed = self._failed[event.stack]
        self._say(
            f"[{self._ended:>{len(str(of))}}/{of}] {event.stack}: {self._done[event.stack]} done"
            f"{f', {failed} failed' if failed else ''} in {seconds:.1f} s"
            f"{' - not finished' if event.failed and not failed else ''}"
        )

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class BarWatch:
    """Progress for a terminal: a bar per layer with counts, time gone and time left."""

    def __init__(self, console: Console) -> None:
        """Draw on the console; nothing is drawn before the first bar is known."""
        self._lock = threading.Lock()
        self._console = console
        self._bars: dict[Layer, TaskID] = {}
        self._totals: Counter[Layer] = Counter()
        self._failed: Counter[StackName] = Counter()
        self._planned: frozenset[StackName] = frozenset()
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[now]}", style="dim"),
            console=console,
            transient=False,
        )

    def expect(self, plan: Plan) -> None:
        """Make the bars of all layers, so that one sees how far the way is."""
        self._planned = frozenset(step.stack for step in plan.steps)
        for step in plan.steps:
            self._grow(step.stack.layer, _acts(step.preview.changes))

    def close(self) -> None:
        """Leave the last picture on the terminal."""
        if self._progress.live.is_started:
            self._progress.stop()

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one event."""
        with self._lock:
            match event:
                case Noted(text=text):
                    self._progress.console.print(Text(text, "dim"))
                case StackStarted(stack=stack, changes=changes):
                    if stack not in self._planned:
                        self._grow(stack.layer, changes)
                    self._start()
                    self._progress.start_task(self._bars[stack.layer])
                    self._progress.update(self._bars[stack.layer], now=stack.name)
                case ResourceFinished():
                    self._advance(event)
                case StackFinished(stack=stack, failed=failed):
                    if failed:
                        self._progress.console.print(Text(f"not finished: {stack}", "bold red"))

    def _advance(self, event: ResourceFinished) -> None:
        self._failed[event.stack] += event.error is not None
        if event.error and self._failed[event.stack] <= FAILURES_TOLD:
            line = Text.assemble(("failed: ", "bold red"), f"{event.name}: {event.error}")
            self._progress.console.print(line)
        if event.stack.layer in self._bars:
            self._progress.advance(self._bars[event.stack.layer])

    def _grow(self, layer: Layer, changes: int) -> None:
        self._totals[layer] += changes
        if layer not in self._bars:
            self._bars[layer] = self._progress.add_task(layer.value, start=False, now="")
        self._progress.update(self._bars[layer], total=self._totals[layer])

    def _start(self) -> None:
        if not self._progress.live.is_started:
            self._progress.start()


def _acts(changes: Sequence[ResourceChange]) -> int:
    """Count the changes that end in an event: an orphan is kept without one."""
    return sum(change.action is not Action.KEEP_ORPHAN for change in changes)
