"""`orchestrator completion`: print a shell's completion script."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode

SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=DocumentedCommand,
    examples=(
        'eval "$(orchestrator completion bash)"',
        "orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@pass_desk
def completion(desk: Desk, *, shell: str) -> int:
    """Print a shell's completion script."""
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root()
    program = str(root.info_name)
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"this version of Click does not know the shell {shell}")
    variable = f"_{program}_COMPLETE".replace("-", "_").upper()
    source = made(root.command, {}, program, variable).source()
    desk.screen.raw(source)
    return ExitCode.DONE
