"""The front desk: the list of commands, each loaded only when it is called, and how a run ends."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, NoReturn, cast

import click

from orchestrator import __version__
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import EXIT_CODES_TEXT, ExitCode

SUMMARIES: Mapping[str, str] = {
    "check": "Check a site's files and say what is wrong in them.",
    "plan": "Show what an apply would change.",
    "apply": "Make the cloud what the site says.",
    "status": "Show what is provisioned, and whether it is current.",
    "drift": "Show what was changed in the cloud by other hands.",
    "destroy": "Delete what was provisioned for the site.",
    "room": "Look at machine rooms, ask what a failure does, find places.",
    "network": "Show the network, ask and verify what may pass, see its devices.",
    "hardware": "See what the servers are, and act on them through their BMCs.",
    "image": "Build golden images, and see which hosts run which.",
    "inventory": "Print the site's servers as an Ansible inventory.",
    "playbook": "Rehearse and run what is done to hosts.",
    "backup": "Copy data into repositories, list, prove and thin out the copies.",
    "restore": "Bring a copy back, and compare it with what was recorded.",
    "service": "Provide tenants' databases on hosts, and say how they are.",
    "maintenance": "Patch, reboot, certify and update hosts; services go on.",
    "drill": "Restore remote copies on a bare host, and prove them.",
    "state": "List, show, export and import the recorded state.",
    "secret": "Keep the site's secrets in its vault.",
    "schema": "Print the JSON Schema of site files, for editors.",
    "lab": "Run a real OpenStack on this machine to try things on.",
    "completion": "Print a shell's completion script.",
}
"""Every command with its first line of help; a module of the same name here holds each."""

PROGRAM = "orchestrator"


class CommandLine(DocumentedGroup):
    """A group that imports a command's module only when the command is asked for.

    Help and completion of names answer from SUMMARIES: they load no command.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work, not of the alphabet."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in SUMMARIES:
            return None
        module = importlib.import_module(f"orchestrator.cli.{cmd_name}")
        return cast("click.Command", vars(module)[cmd_name])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one gets a guess, from the names alone."""
        name = args[0]
        if name not in SUMMARIES and not name.startswith("-"):
            from orchestrator.model.names import did_you_mean

            guess = did_you_mean(name, SUMMARIES)
            raise click.UsageError(f"there is no command `{name}`.{guess}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes as they are laid out, not as one paragraph."""
        super().format_epilog(ctx, formatter)
        formatter.write(f"\n{EXIT_CODES_TEXT}")

    def invoke(self, ctx: click.Context) -> int:
        """Run the command and return its exit code; explain whatever it raised."""
        try:
            return int(super().invoke(ctx) or ExitCode.DONE)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last door: every error ends as a message
            from orchestrator.cli.endings import explain

            return explain(error, ctx.obj)

    # Click's own signature is longer than anybody can use; it is called by keyword only.
    def main(self, *args: Any, **settings: Any) -> NoReturn:  # noqa: ANN401 - Click's
        """Run Click without its own endings, which would use exit code 2 for a usage error."""
        settings["standalone_mode"] = False
        try:
            code = super().main(*args, **settings)
        except click.ClickException as error:
            error.show()
            usage = isinstance(error, click.UsageError)
            code = ExitCode.USAGE if usage else ExitCode.FAILED
        except click.Abort:
            click.echo("Interrupted.", err=True)
            code = ExitCode.INTERRUPTED
        sys.exit(int(code or ExitCode.DONE))


@click.command(
    cls=CommandLine,
    examples=(
        "orchestrator check inventory/yangzhou",
        "orchestrator plan inventory/yangzhou",
        "orchestrator apply inventory/yangzhou",
    ),
    name=PROGRAM,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say more; show the traceback of a crash.")
@click.option("--no-color", is_flag=True, help="No colours. [env var: NO_COLOR]")
@click.pass_context
def cli(ctx: click.Context, verbose: bool, no_color: bool) -> None:
    """Provision a city's private government cloud as code.

    A site directory says what the cloud should be: machine room, network,
    hardware, system software and the tenancy of each department.
    """
    from orchestrator.cli.desk import Desk
    from orchestrator.cli.wiring import MachineWiring

    wiring = ctx.obj or MachineWiring()
    ctx.obj = Desk(wiring=wiring, verbose=verbose, no_color=no_color)


def main() -> NoReturn:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal in the C locale must not make Chinese names a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    cli.main(prog_name=PROGRAM)
