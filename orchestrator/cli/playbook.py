"""`orchestrator playbook`: what can be done to hosts, its rehearsal, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import with_filter
from orchestrator.cli.options import detailed_exit_code_option, output_option
from orchestrator.cli.playbook_options import (
    Aim,
    catalogue,
    hosts_option,
    named_playbook,
    parallel_option,
    with_aim,
    work_of,
)

if TYPE_CHECKING:
    from orchestrator.model.playbook import PlaybookResult
    from orchestrator.workflows.hardware import ServerFilter
    from orchestrator.workflows.playbook import PlaybookWork


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator playbook list",
        "orchestrator playbook rehearse system/apply-baseline --role backup",
        "orchestrator playbook run system/apply-baseline --hosts dr-bak-01",
    ),
)
def playbook() -> None:
    """Rehearse and run what is done to hosts.

    Hosts are reached over SSH, at their declared addresses or where the file
    in ORCHESTRATOR_ENDPOINTS says, with the key that the site refers to.
    """


@playbook.command(
    "list", examples=("orchestrator playbook list", "orchestrator playbook list -o json")
)
@output_option
@pass_desk
def list_(desk: Desk, *, output: str) -> int:
    """List the playbooks of the catalogue."""
    from orchestrator.cli.render.playbook import entries_table, entry_json

    entries = catalogue()
    if output == "json":
        desk.screen.data({"playbooks": [entry_json(entry) for entry in entries]})
    else:
        desk.screen.show(entries_table(entries))
    return ExitCode.DONE


@playbook.command(examples=("orchestrator playbook show system/apply-baseline",))
@click.argument("name")
@output_option
@pass_desk
def show(desk: Desk, *, name: str, output: str) -> int:
    """Show what is known of one playbook."""
    from orchestrator.cli.render.playbook import entry_json, entry_parts

    entry = named_playbook(name)
    if output == "json":
        desk.screen.data(entry_json(entry))
    else:
        desk.screen.show(*entry_parts(entry))
    return ExitCode.DONE


@playbook.command(
    examples=(
        "orchestrator playbook rehearse system/apply-baseline --site inventory/yangzhou",
        "orchestrator playbook rehearse system/apply-baseline --hosts city-bak-01 -o json",
    ),
)
@click.argument("name")
@with_aim
@hosts_option
@with_filter
@parallel_option
@detailed_exit_code_option
@pass_desk
def rehearse(  # noqa: PLR0913 - Click's options, by name
    desk: Desk,
    *,
    name: str,
    aim: Aim,
    hosts: tuple[str, ...],
    wanted: ServerFilter,
    parallel: int,
    detailed_exit_code: bool,
) -> int:
    """Find out what a playbook would change, and change nothing.

    Tasks that cannot be rehearsed are shown as unknown. Exits with 0 when the
    whole playbook could be told, with 6 when something could not or a host
    failed, and with 1 when all did.
    """
    work = work_of(desk, name, aim, hosts=hosts, wanted=wanted)
    result = _carry_out(desk, work.rehearsal(parallel=parallel), aim)
    code = exit_code(result)
    changed = any(task.outcome.value == "changed" for host in result.hosts for task in host.tasks)
    return ExitCode.CHANGES if code == ExitCode.DONE and detailed_exit_code and changed else code


@playbook.command(
    examples=(
        "orchestrator playbook run system/apply-baseline --site inventory/yangzhou --region dr",
        "orchestrator playbook run system/apply-baseline --hosts city-bak-01,dr-bak-01 --yes",
    ),
)
@click.argument("name")
@with_aim
@hosts_option
@with_filter
@parallel_option
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--outside-window", "any_time", is_flag=True, help="Run it outside of maintenance windows, too."
)
@pass_desk
def run(  # noqa: PLR0913 - Click's options, by name
    desk: Desk,
    *,
    name: str,
    aim: Aim,
    hosts: tuple[str, ...],
    wanted: ServerFilter,
    parallel: int,
    yes: bool,
    any_time: bool,
) -> int:
    """Run a playbook on the hosts that it is for, or on some of them.

    Exits with 0 when every host came to the end of the playbook, with 6 when
    some did not, with 1 when none did. Ctrl-C ends it at once, with 130: what
    was running is then unknown, and the same command goes on from there.
    """
    work = work_of(desk, name, aim, hosts=hosts, wanted=wanted).run(
        parallel=parallel, any_time=any_time
    )
    if not yes:
        _ask(desk, work)
    return exit_code(_carry_out(desk, work, aim))


def exit_code(result: PlaybookResult) -> ExitCode:
    """Return how a run ended, as every command does."""
    from orchestrator.model.playbook import Ending, Outcome

    if result.ending is Ending.STOPPED:
        return ExitCode.INTERRUPTED
    unknown = result.count(Outcome.UNKNOWN)
    if result.ending is Ending.DONE:
        return ExitCode.PARTLY_DONE if unknown else ExitCode.DONE
    well = result.count(Outcome.OK) + result.count(Outcome.CHANGED)
    told = well + (unknown if result.rehearsed else 0)
    return ExitCode.PARTLY_DONE if told else ExitCode.FAILED


def _carry_out(desk: Desk, work: PlaybookWork, aim: Aim) -> PlaybookResult:
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.render.playbook import result_json, result_parts, run_watching
    from orchestrator.workflows.playbook import carry_out

    ports = desk.wiring.playbooks(aim.directory, aim.access)
    with (
        run_watching(desk.screen.err, len(work.servers)) as watch,
        catching(ports.playbooks.stop, desk.screen.note, softly=STOPPING) as interrupts,
    ):
        interrupts.soften()
        result = carry_out(aim.site, work, ports, watch=watch)
    if aim.as_json:
        desk.screen.data(result_json(work.entry, result))
    else:
        desk.screen.show(*result_parts(work.entry, result))
    return result


STOPPING = (
    "Stopping: what runs on the hosts is ended now, and its outcome is unknown. "
    "Once more to stop without a report."
)


def _ask(desk: Desk, work: PlaybookWork) -> None:
    harm = ", which may interrupt services," if work.entry.disruptive else ""
    approve(
        desk,
        f"Run {work.entry.name}{harm} on {len(work.servers)} hosts?",
        otherwise="nothing was run",
        remedy="Give --yes where nobody can answer, after a rehearsal.",
    )
