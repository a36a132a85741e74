"""`orchestrator check`: judge a site's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import output_option, site_argument

if TYPE_CHECKING:
    from orchestrator.model.diagnostic import Diagnostic


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator check inventory/yangzhou",
        "orchestrator check -o json > findings.json",
    ),
)
@site_argument
@output_option
@pass_desk
def check(desk: Desk, *, site: Path | None, output: str) -> int:
    """Check a site's files and say what is wrong in them.

    Every fault is shown at once, with its place, the reason and what to do.
    Nothing but the files is read: no cloud, no secrets.
    """
    from rich.text import Text

    from orchestrator.cli.render.diagnostics import diagnostics_json, diagnostics_text
    from orchestrator.cli.render.names import size_line
    from orchestrator.errors import SpecError
    from orchestrator.workflows.check import check_directory

    directory = desk.at_site(site)
    findings: Sequence[Diagnostic]
    try:
        loaded = (checked := check_directory(directory, clock=desk.wiring.clock)).loaded
        findings = checked.warnings
    except SpecError as error:
        loaded, findings = None, error.diagnostics
    if output == "json":
        desk.screen.data(
            {
                "site": loaded.site.name if loaded else None,
                "digest": loaded.digest if loaded else None,
                "ok": loaded is not None,
                "diagnostics": diagnostics_json(findings, directory),
            }
        )
        return ExitCode.DONE if loaded else ExitCode.FAILED
    if findings:
        desk.screen.show(*diagnostics_text(findings, directory))
    if loaded is None:
        return ExitCode.FAILED
    desk.screen.show(Text(size_line(loaded.site)))
    return ExitCode.DONE
