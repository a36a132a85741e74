"""`orchestrator apply`: make the cloud what the site says."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.options import Showing, Target, with_showing, with_target
from orchestrator.model.plan import Plan, Scope


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator apply inventory/yangzhou",
        "orchestrator apply --tenant gongxin --yes",
        "orchestrator apply gongxin.plan --site inventory/yangzhou",
    ),
)
@with_target(plan_file=True, changes=True)
@click.option("--yes", is_flag=True, help="Apply without asking; needed where nobody can answer.")
@with_showing("List all that is added, with its attributes.")
@pass_desk
def apply(desk: Desk, *, target: Target, yes: bool, showing: Showing) -> int:
    """Make the cloud what the site says.

    Shows the plan and asks before anything is changed. With PLANFILE (from
    `plan --out`) exactly that plan is done without asking, or refused where
    anything moved since. A run that was stopped or killed is continued by the
    same command.
    """
    from orchestrator.cli.sites import checked_site
    from orchestrator.cli.work import ask, end, refuse_without_person, show_plan, working
    from orchestrator.workflows.apply import apply_site

    if target.plan_file is not None:
        return _apply_saved(desk, target, target.plan_file, showing=showing)
    if not yes:
        refuse_without_person(desk, "--yes")
    checked = checked_site(desk, target.site)
    with working(desk, checked, target) as work:

        def approve(plan: Plan) -> bool:
            show_plan(desk, checked, plan, showing=showing)
            approved = yes or ask(f"Apply this plan to {plan.site}?")
            if approved:
                work.begin(plan)
            return approved

        report = apply_site(checked, work.ports, target.scope, approve=approve)
    return end(desk, checked, report, target=target, showing=showing)


def _apply_saved(desk: Desk, target: Target, plan_file: Path, *, showing: Showing) -> int:
    """Apply a plan that was approved by whoever read it and passed it on."""
    from orchestrator.adapters.plan_file import read_plan, site_directory_of
    from orchestrator.cli.render.plan_text import summary_line
    from orchestrator.cli.sites import checked_site
    from orchestrator.cli.work import end, working
    from orchestrator.workflows.apply import apply_plan

    if target.scope != Scope():
        raise click.UsageError(
            "a saved plan is applied whole: --layer, --tenant and --region belong to the plan."
        )
    saved = read_plan(plan_file)
    checked = checked_site(desk, target.site or site_directory_of(plan_file))
    with working(desk, checked, target) as work:
        desk.screen.note(summary_line(saved))
        work.begin(saved)
        report = apply_plan(checked, work.ports, saved)
    return end(desk, checked, report, target=target, showing=showing)
