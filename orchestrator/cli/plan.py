"""`orchestrator plan`: show what an apply would change."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import (
    Showing,
    Target,
    detailed_exit_code_option,
    with_showing,
    with_target,
)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator plan inventory/yangzhou",
        "orchestrator plan --tenant gongxin --out gongxin.plan",
        "orchestrator plan --detailed-exitcode -o json",
    ),
)
@with_target()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan; `apply FILE` does exactly this plan, or refuses.",
)
@detailed_exit_code_option
@with_showing("List all that is added, with its attributes.")
@pass_desk
def plan(
    desk: Desk, *, target: Target, out: Path | None, detailed_exit_code: bool, showing: Showing
) -> int:
    """Show what an apply would change.

    The site is checked, the cloud is read, nothing is written to either.
    Marks: + add, ~ change, -/+ replace, - delete, ? no longer declared, kept.
    """
    from orchestrator.adapters.plan_file import write_plan
    from orchestrator.cli.render.plan_json import plan_json
    from orchestrator.cli.render.plan_text import plan_text
    from orchestrator.cli.sites import checked_site, open_site
    from orchestrator.workflows.plan import plan_site

    checked = checked_site(desk, target.site)
    with open_site(desk, checked, target) as ports:
        made = plan_site(checked, ports, target.scope)
    if out is not None:
        write_plan(out, made, directory=desk.at_site(target.site))
    if showing.as_json:
        desk.screen.data(plan_json(made))
    else:
        desk.screen.show(*plan_text(made, checked.site, whole=showing.whole or desk.verbose))
    if out is not None:
        desk.screen.note(f"Saved. To do exactly this: orchestrator apply {out}")
    if any(step.preview.failures for step in made.steps):
        return ExitCode.FAILED
    return ExitCode.CHANGES if detailed_exit_code and made.has_changes else ExitCode.DONE
