"""`orchestrator schema`: print the JSON Schema of site files."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode


@click.command(
    cls=DocumentedCommand,
    examples=("orchestrator schema > site.schema.json",),
)
@pass_desk
def schema(desk: Desk) -> int:
    """Print the JSON Schema of site files, for editors.

    One schema fits site.yaml and the files of every layer.
    """
    from orchestrator.spec.schema import json_schema

    desk.screen.data(json_schema())
    return ExitCode.DONE
