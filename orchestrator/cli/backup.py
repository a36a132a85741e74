"""`orchestrator backup`: copy, list, prove and thin out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_options import (
    chosen_subjects,
    open_archives,
    open_backups,
    repository_option,
)
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, named_playbook, with_aim

if TYPE_CHECKING:
    from orchestrator.workflows.backup import Step


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator backup prepare",
        "orchestrator backup run --due",
        "orchestrator backup list",
    ),
)
def backup() -> None:
    """Copy data into repositories, list, prove and thin out the copies.

    A subject is a service (TENANT/SERVICE), the files of a host (SET/HOST), the
    site's own records (SET/site), or an image or a volume of the cloud (SET/NAME).
    Each has a folder of its own in every repository of its policy's regions,
    encrypted before it is stored.
    """


@backup.command(
    examples=("orchestrator backup prepare --site inventory/yangzhou",),
)
@with_aim
@click.option("--yes", is_flag=True, help="Do it without asking.")
@pass_desk
def prepare(desk: Desk, *, aim: Aim, yes: bool) -> int:
    """Let hosts write to the repositories, and make a folder for each subject.

    Each host gets a key of its own, which may write its own subjects and delete
    nothing. Run it again after services, hosts or repositories were added.
    Exits with 6 when a host or a repository could not be prepared.
    """
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.playbook import STOPPING, exit_code
    from orchestrator.cli.render.backup import prepared_json, prepared_parts
    from orchestrator.cli.render.playbook import run_watching
    from orchestrator.planning.backup import subjects_of
    from orchestrator.planning.backup_leave import preparation
    from orchestrator.workflows.backup import PREPARE
    from orchestrator.workflows.backup import prepare as carry_out

    ports = open_backups(desk, aim)
    wanted = preparation(aim.site, subjects_of(aim.site), readers={})
    if not yes:
        approve(
            desk,
            f"Prepare {len(ports.engine.stores)} repositories and {len(wanted.servers)} hosts?",
        )
    playbooks = desk.wiring.playbooks(aim.directory, aim.access)
    with (
        run_watching(desk.screen.err, len(wanted.servers)) as watch,
        catching(playbooks.playbooks.stop, desk.screen.note, softly=STOPPING) as interrupts,
    ):
        interrupts.soften()
        done = carry_out(aim.site, named_playbook(PREPARE), ports, playbooks=playbooks, watch=watch)
    if aim.as_json:
        desk.screen.data(prepared_json(done))
    else:
        desk.screen.show(*prepared_parts(done))
    code = exit_code(done.playbook)
    return ExitCode.PARTLY_DONE if code == ExitCode.DONE and done.failed else code


@backup.command(
    examples=(
        "orchestrator backup run --due",
        "orchestrator backup run gongan/population",
        "orchestrator backup run gongan/population --repository dr-copies",
    ),
)
@click.argument("subjects", nargs=-1)
@click.option("--due", is_flag=True, help="Those whose policy asks for a copy now.")
@click.option("--all", "every", is_flag=True, help="All that the site declares.")
@repository_option
@with_aim
@pass_desk
def run(
    desk: Desk,
    *,
    subjects: tuple[str, ...],
    due: bool,
    every: bool,
    repositories: tuple[str, ...],
    aim: Aim,
) -> int:
    """Copy subjects into each of their repositories.

    A repository that fails does not stop the other, nor one subject another:
    exits with 6 when some copies were made and some not, with 1 when none was.
    Killed anywhere, the same command begins anew; what was cut off is no copy.
    """
    from orchestrator.cli.render.backup import step_line
    from orchestrator.planning import backup as planning
    from orchestrator.planning.continuous import archives_due
    from orchestrator.workflows.backup import listed
    from orchestrator.workflows.backup import run as carry_out
    from orchestrator.workflows.backup_continuous import archives, run_archives

    if not (subjects or due or every):
        raise click.UsageError("name subjects, or give --due or --all")
    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    ports = continuous.backups
    wanted = {one.name: one.repositories for one in chosen}
    moving = wanted
    if due:
        now = desk.wiring.clock.now()
        wanted = planning.due(chosen, listed(chosen, ports), now=now)
        moving = archives_due(chosen, archives(chosen, continuous), now=now)
        if not (wanted or moving or aim.as_json):
            desk.screen.show("Nothing is due.")
            return ExitCode.DONE

    def told(step: Step) -> None:
        desk.screen.note(step_line(step))

    # The log first: it is quick, and what keeps the RPO.
    steps = run_archives(aim.site, moving, continuous, told=told)
    if wanted:
        steps = (*steps, *carry_out(aim.site, wanted, ports, told=told))
    return _end(desk, steps, aim)


@backup.command(
    "list", examples=("orchestrator backup list", "orchestrator backup list gongan/population -v")
)
@click.argument("subjects", nargs=-1)
@repository_option
@click.option("-v", "--verbose", "whole", is_flag=True, help="Every copy, not the newest alone.")
@with_aim
@pass_desk
def list_(
    desk: Desk,
    *,
    subjects: tuple[str, ...],
    repositories: tuple[str, ...],
    whole: bool,
    aim: Aim,
) -> int:
    """Show how old the newest copy of each subject is in each repository.

    `late` is older than the policy's RPO. Of a continuous policy the archive
    keeps the RPO, and is shown beside: how old the newest change in it is, and
    from when to when a restore can go back to any moment. Exits with 6 when anything is late,
    missing, or could not be asked.
    """
    from orchestrator.cli.render.backup import (
        copies_table,
        damaged_parts,
        standings_json,
        standings_table,
    )
    from orchestrator.cli.render.continuous import archives_json, archives_parts
    from orchestrator.planning.backup import Age, standings
    from orchestrator.planning.continuous import archive_standings
    from orchestrator.workflows.backup import listed
    from orchestrator.workflows.backup_continuous import archives

    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    found = listed(chosen, continuous.backups)
    told = archives(chosen, continuous)
    now = desk.wiring.clock.now()
    rows = standings(chosen, found, now=now)
    moving = archive_standings(chosen, told, now=now)
    copies = [copy for each in found.values() if not isinstance(each, str) for copy in each.copies]
    if aim.as_json:
        as_told = standings_json(rows, copies if whole else (), now=now)
        desk.screen.data({**as_told, "archives": archives_json(moving, now=now)})
    else:
        desk.screen.show(standings_table(rows, now=now), *damaged_parts(rows))
        if whole:
            desk.screen.show("", copies_table(copies))
        if moving:
            desk.screen.show("", *archives_parts(moving, now=now, whole=whole))
    ages = {*(row.age for row in rows), *(one.age for one in moving)}
    return ExitCode.DONE if ages <= {Age.OK} else ExitCode.PARTLY_DONE


@backup.command(
    examples=(
        "orchestrator backup verify",
        "orchestrator backup verify gongan/population --whole",
    ),
)
@click.argument("subjects", nargs=-1)
@repository_option
@click.option("--whole", is_flag=True, help="All data, not what was not read for longest alone.")
@with_aim
@pass_desk
def verify(
    desk: Desk,
    *,
    subjects: tuple[str, ...],
    repositories: tuple[str, ...],
    whole: bool,
    aim: Aim,
) -> int:
    """Read repositories again, and try to delete in them as their hosts would.

    A file whose content is not what its name says, or that is missing, is named.
    Of an archive a missing segment is named at once; with --whole all is read.
    A deletion that succeeds is a fault: the repository does not keep its copies.
    It is tried on a file that was written for it, and never on a copy.
    Exits with 6 when something is wrong, with 1 when nothing is right.
    """
    from orchestrator.cli.render.backup import step_line
    from orchestrator.workflows.backup_continuous import verify_archives
    from orchestrator.workflows.backup_keep import verify as carry_out

    def told(step: Step) -> None:
        desk.screen.note(step_line(step))

    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    steps = carry_out(aim.site, chosen, continuous.backups, whole=whole, told=told)
    steps = (*steps, *verify_archives(chosen, continuous, whole=whole, told=told))
    return _end(desk, steps, aim)


@backup.command(
    examples=("orchestrator backup prune", "orchestrator backup prune gongan/population --yes")
)
@click.argument("subjects", nargs=-1)
@repository_option
@click.option("--stale", is_flag=True, help="Also where no new copy was made for days.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@with_aim
@pass_desk
def prune(
    desk: Desk,
    *,
    subjects: tuple[str, ...],
    repositories: tuple[str, ...],
    stale: bool,
    yes: bool,
    aim: Aim,
) -> int:
    """Delete the copies that policies let go, on the repositories' own servers.

    What will go is shown first. Of archives it is what is older than every moment
    of the days that the policy keeps all (`keep_all_days`). Copies within the
    immutable days and the newest copy of each subject stay in any case. All stays
    where a repository cannot be asked, where its server's clock is another than
    this machine's, or where the newest copy is days old (a clock that is wrong
    makes all of them look old).
    Exits with 6 when that was so somewhere, with 1 when nothing could be pruned.
    """
    from orchestrator.cli.render.backup import prunable_table, step_line
    from orchestrator.planning.backup_keep import pruning
    from orchestrator.planning.continuous import continuous as archives_of
    from orchestrator.workflows.backup import listed
    from orchestrator.workflows.backup_continuous import expire_archives
    from orchestrator.workflows.backup_keep import prune as carry_out

    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    ports = continuous.backups
    found = listed(chosen, ports)
    wanted = pruning(chosen, found, now=desk.wiring.clock.now(), stale=stale)
    archived = archives_of(chosen)
    if not (wanted.gone or wanted.kept or archived or aim.as_json):
        desk.screen.show("Nothing to prune.")
        return ExitCode.DONE
    if (wanted.gone or archived) and not yes:
        desk.screen.note(prunable_table(wanted.gone))
        count = sum(map(len, wanted.gone.values()))
        approve(desk, f"Delete {count} copies, and what {len(archived)} archives let go, for good?")

    def told(step: Step) -> None:
        desk.screen.note(step_line(step))

    steps = carry_out(wanted, ports, told=told)
    steps = (*steps, *expire_archives(archived, continuous, told=told))
    return _end(desk, steps, aim)


def _end(desk: Desk, steps: Sequence[Step], aim: Aim) -> int:
    """Show how steps ended and return the exit code."""
    from orchestrator.cli.render.backup import steps_json, steps_parts
    from orchestrator.workflows.backup import Result

    if aim.as_json:
        desk.screen.data(steps_json(steps))
    else:
        desk.screen.show(*steps_parts(steps))
    failed = sum(step.result is Result.FAILED for step in steps)
    if not failed:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if failed < len(steps) else ExitCode.FAILED
