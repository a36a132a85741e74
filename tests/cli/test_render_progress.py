from __future__ import annotations

import io
import threading

from rich.console import Console
from rich.text import Text

from orchestrator.cli.render.progress import BarWatch, LineWatch, watching
from orchestrator.model.plan import Plan, PlanStep
from orchestrator.model.progress import Noted, ResourceFinished, StackFinished, StackStarted
from orchestrator.model.stack import Action, ResourceChange, StackPreview
from tests.fakes.site_world import FakeClock, stack

INDUSTRY, CITY = stack("tenancy/industry"), stack("hardware/city")


def plan() -> Plan:
    def step(name, count):
        changes = [
            ResourceChange(kind="k", name=f"x{number}", action=Action.CREATE)
            for number in range(count)
        ]
        kept = ResourceChange(kind="k", name="old", action=Action.KEEP_ORPHAN)
        preview = StackPreview(stack=name, changes=(*changes, kept), unchanged=0)
        return PlanStep(preview=preview, job_digest="d", state_serial=None)

    return Plan(
        site="s",
        site_digest="d",
        created="t",
        steps=(step(CITY, 3), step(INDUSTRY, 2)),
        unchanged=0,
    )


def finished(name, error=None) -> ResourceFinished:
    return ResourceFinished(stack=INDUSTRY, kind="k", name=name, action=Action.CREATE, error=error)


def test_a_log_gets_a_line_per_stack_and_one_per_failure() -> None:
    file = io.StringIO()
    watch = LineWatch(Console(file=file, width=1000), FakeClock())
    watch.expect(plan())
    watch(Noted(text="[looking] around"))
    watch(StackStarted(stack=INDUSTRY, changes=2))
    watch(finished("x0"))
    watch(finished("x1", "the cloud answered 403"))
    watch(StackFinished(stack=INDUSTRY, failed=True))
    assert file.getvalue().splitlines() == [
        "[looking] around",
        "failed: x1: the cloud answered 403",
        "[1/2] tenancy/industry: 1 done, 1 failed in 1.0 s",
    ]


def test_one_cause_that_fails_hundreds_does_not_flood_the_log() -> None:
    file = io.StringIO()
    watch = LineWatch(Console(file=file, width=1000), FakeClock())
    watch(StackStarted(stack=INDUSTRY, changes=300))
    for number in range(300):
        watch(finished(f"x{number}", "no BMC answers"))
    watch(StackFinished(stack=INDUSTRY, failed=True))
    lines = file.getvalue().splitlines()
    assert len(lines) < 10
    assert "300 failed" in lines[-1]


def test_events_from_many_threads_are_all_counted() -> None:
    file = io.StringIO()
    watch = LineWatch(Console(file=file, width=1000), FakeClock())
    watch(StackStarted(stack=INDUSTRY, changes=800))
    threads = [
        threading.Thread(target=lambda: [watch(finished("x")) for _ in range(100)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch(StackFinished(stack=INDUSTRY, failed=False))
    assert "800 done" in file.getvalue()


def test_a_terminal_gets_a_bar_per_layer_with_counts() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True)
    watch = BarWatch(console)
    watch.expect(plan())
    watch(StackStarted(stack=INDUSTRY, changes=2))
    watch(finished("x0"))
    watch(finished("x1"))
    watch(StackFinished(stack=INDUSTRY, failed=False))
    watch.close()
    last = Text.from_ansi(file.getvalue()).plain.splitlines()
    assert any(line.startswith("hardware") and " 0/3 " in line for line in last)
    assert any(line.startswith("tenancy") and " 2/2 " in line for line in last)


def test_nothing_is_drawn_where_nothing_was_done() -> None:
    file = io.StringIO()
    with watching(Console(file=file, width=100, force_terminal=True), FakeClock()) as watch:
        watch.expect(plan())
    assert file.getvalue() == ""
