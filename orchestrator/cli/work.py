"""Work that changes the cloud: shown, approved, watched, stoppable, and reported at its end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from orchestrator.cli.desk import Desk
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.interrupts import Interrupts, catching
from orchestrator.cli.options import Showing, Target
from orchestrator.cli.render.plan_json import report_json
from orchestrator.cli.render.plan_text import plan_text
from orchestrator.cli.render.progress import PlanWatch, watching
from orchestrator.cli.render.report import report_parts
from orchestrator.cli.sites import refuse_unknown
from orchestrator.errors import RefusedError
from orchestrator.model.plan import ApplyReport, Plan
from orchestrator.ports import Ports
from orchestrator.workflows.check import CheckedSite


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Open ports, with whoever watches and whatever may interrupt."""

    ports: Ports
    watch: PlanWatch
    interrupts: Interrupts

    def begin(self, plan: Plan) -> None:
        """Note that the plan is approved: from here on nothing stops in the middle of an act."""
        self.watch.expect(plan)
        self.interrupts.soften()


@contextmanager
def working(desk: Desk, checked: CheckedSite, target: Target) -> Iterator[Work]:
    """Open the site for changes."""
    with (
        watching(desk.screen.err, desk.wiring.clock) as watch,
        desk.wiring.open(
            checked.loaded.directory, checked.site.identity, access=target.access, watch=watch
        ) as opened,
        catching(opened.stop, lambda line: desk.screen.note(line)) as interrupts,
    ):
        refuse_unknown(target.scope, checked.site, opened.ports)
        yield Work(ports=opened.ports, watch=watch, interrupts=interrupts)


def refuse_without_person(desk: Desk, option: str) -> None:
    """Refuse before any work where nobody can answer the question.

    Raises:
        RefusedError: there is no terminal.
    """
    if not desk.wiring.can_ask():
        raise RefusedError(
            "there is no terminal to ask at: nothing was changed",
            remedy=f"Give {option} where nobody can answer, after reading `orchestrator plan`.",
        )


def show_plan(desk: Desk, checked: CheckedSite, plan: Plan, *, showing: Showing) -> None:
    """Show the plan before it is decided on; where stdout is for JSON, on stderr."""
    show = desk.screen.note if showing.as_json else desk.screen.show
    show(*plan_text(plan, checked.site, whole=showing.whole or desk.verbose))


def ask(question: str) -> bool:
    """Ask for a yes on stderr."""
    return click.confirm(question, err=True)


def end(
    desk: Desk, checked: CheckedSite, report: ApplyReport, *, target: Target, showing: Showing
) -> int:
    """Show the report and return the exit code that it means."""
    code = exit_code(report)
    if showing.as_json:
        desk.screen.data(report_json(report))
        return code
    command = str(click.get_current_context().info_name)
    words = ["status", str(desk.site_directory)] if code == ExitCode.DONE else [command]
    words += target.words() if code != ExitCode.DONE else []
    next_command = shlex.join(["orchestrator", *words])
    desk.screen.show(*report_parts(report, checked.site, next_command=next_command))
    return code


def exit_code(report: ApplyReport) -> ExitCode:
    """Return how the work ended."""
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if not report.failed:
        return ExitCode.DONE
    progressed = any(result.changes for result in report.results)
    return ExitCode.PARTLY_DONE if progressed else ExitCode.FAILED
