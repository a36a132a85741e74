"""`orchestrator drift`: show what was changed in the cloud by other hands."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import Target, detailed_exit_code_option, output_option, with_target


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator drift inventory/yangzhou",
        "orchestrator drift --layer tenancy --detailed-exitcode -o json",
    ),
)
@with_target()
@detailed_exit_code_option
@output_option
@pass_desk
def drift(desk: Desk, *, target: Target, detailed_exit_code: bool, output: str) -> int:
    """Show what was changed in the cloud by other hands.

    Compares the recorded resources with the cloud by bulk reads; nothing is
    written. `orchestrator apply` puts right what is found.
    """
    from orchestrator.cli.render.drift import drift_text
    from orchestrator.cli.render.plan_json import drift_json
    from orchestrator.cli.sites import checked_site, open_site
    from orchestrator.workflows.drift import find_drift

    checked = checked_site(desk, target.site)
    with open_site(desk, checked, target) as ports:
        found = find_drift(checked, ports, target.scope)
    if output == "json":
        desk.screen.data(drift_json(found))
    else:
        desk.screen.show(*drift_text(found, checked.site))
    return ExitCode.CHANGES if detailed_exit_code and found.drifts else ExitCode.DONE
