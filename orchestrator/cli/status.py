"""`orchestrator status`: show what is provisioned, and whether it is current."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import Target, output_option, with_target


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator status inventory/yangzhou",
        "orchestrator status -o json",
    ),
)
@with_target(scoped=False)
@output_option
@pass_desk
def status(desk: Desk, *, target: Target, output: str) -> int:
    """Show what is provisioned, and whether it is current.

    Answers from the recorded state, without asking the cloud: also who works
    on the site now, which runs were interrupted, and the last act.
    """
    from orchestrator.cli.render.status import status_json, status_parts
    from orchestrator.cli.sites import checked_site, open_site
    from orchestrator.model.plan import Scope
    from orchestrator.planning.jobs import recorded_only
    from orchestrator.workflows.status import site_status

    checked = checked_site(desk, target.site)
    with open_site(desk, checked, target) as ports:
        known = site_status(checked, ports)
    recorded = recorded_only(checked.site, Scope())
    if output == "json":
        desk.screen.data(status_json(known, recorded))
    else:
        desk.screen.show(*status_parts(known, checked.site, recorded))
    return ExitCode.DONE
