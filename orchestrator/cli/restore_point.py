"""`orchestrator restore ... --at TIME`: a service as it was at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_options import chosen_subjects, open_archives
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import named_playbook

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.cli.moments import Moment
    from orchestrator.cli.playbook_options import Aim
    from orchestrator.planning.restore import Destination
    from orchestrator.planning.restore_point import PointPlan


class PointDesk:
    """One restore to a moment, from its words to its exit code."""

    def __init__(self, desk: Desk, aim: Aim, *, subject: str, repository: str) -> None:
        """Take the subject and the repository as they were named."""
        (self._subject,) = chosen_subjects(aim.site, [subject])
        if repository and repository not in self._subject.repositories:
            names = ", ".join(self._subject.repositories)
            raise click.UsageError(f"{subject} has no copies in `{repository}`, only in {names}")
        self._desk, self._aim, self._repository = desk, aim, repository
        self._ports = open_archives(desk, aim)

    def plan(self, moment: Moment, wanted: Destination) -> int:
        """Show what would be brought back, and change nothing."""
        from orchestrator.cli.render.restore_point import point_json, point_parts

        found = self._planned(moment, wanted)
        if self._aim.as_json:
            self._desk.screen.data(point_json(found))
        else:
            self._desk.screen.show(*point_parts(found))
        return ExitCode.DONE

    def run(self, moment: Moment, wanted: Destination, *, overwrite: str, yes: bool) -> int:
        """Show it, ask, and bring it back."""
        from orchestrator.cli.render.restore_point import point_parts, report_json, report_parts
        from orchestrator.planning.restore import Outcome
        from orchestrator.workflows.restore import needs_leave
        from orchestrator.workflows.restore_point import carry_out_point, refuse_setback

        if overwrite and overwrite != self._subject.name:
            raise click.UsageError(
                f"--overwrite {overwrite} is not {self._subject.name}: name what goes back"
            )
        screen = self._desk.screen
        found = self._planned(moment, wanted)
        show = screen.note if self._aim.as_json else screen.show
        show(*point_parts(found), "")
        refuse_setback(found, overwrite=bool(overwrite))
        if not yes and not overwrite:
            approve(self._desk, f"Restore {self._subject.name} to {found.where}?")
        if needs_leave(found):
            self._give_leave(found)
        report = carry_out_point(found, self._ports, overwrite=bool(overwrite))
        if self._aim.as_json:
            screen.data(report_json(report))
        else:
            screen.show(*report_parts(report))
        return {
            Outcome.WHOLE: ExitCode.DONE,
            Outcome.UNPROVED: ExitCode.UNPROVED,
            Outcome.DIFFERENT: ExitCode.PARTLY_DONE,
        }[report.outcome]

    def _planned(self, moment: Moment, wanted: Destination) -> PointPlan:
        from orchestrator.workflows.restore_point import PointWish, plan_point

        wish = PointWish(
            subject=self._subject, at=moment.at, repository=self._repository, to=wanted
        )
        return plan_point(self._aim.site, wish, self._ports)

    def _give_leave(self, found: PointPlan) -> None:
        """Let the host read the archive: it is none of those that the site says may."""
        from orchestrator.cli.render.playbook import run_watching
        from orchestrator.workflows.backup import PREPARE
        from orchestrator.workflows.restore import give_leave

        playbooks = self._desk.wiring.playbooks(self._aim.directory, self._aim.access)
        with run_watching(self._desk.screen.err, 2) as watch:
            give_leave(
                self._aim.site, found, named_playbook(PREPARE), playbooks=playbooks, watch=watch
            )
