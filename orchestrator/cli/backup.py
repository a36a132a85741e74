"""`orchestrator backup`: copy, list, prove and thin out."""

from __future__ import annotations

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_keep import prune, verify
from orchestrator.cli.backup_options import (
    chosen_subjects,
    end_of_steps,
    noting_steps,
    open_archives,
    open_backups,
    repository_option,
)
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, named_playbook, with_aim


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
    databases of OpenStack itself (SET/REGION), the site's own records (SET/site),
    or an image or a volume of the cloud (SET/NAME).
    Each has a folder of its own in every repository of its policy's regions,
    encrypted before it is stored.
    """


@backup.command(
    examples=(
        "orchestrator backup prepare --site inventory/yangzhou",
        "orchestrator backup prepare gongan/population",
    ),
)
@click.argument("subjects", nargs=-1)
@with_aim
@click.option("--yes", is_flag=True, help="Do it without asking.")
@pass_desk
def prepare(desk: Desk, *, subjects: tuple[str, ...], aim: Aim, yes: bool) -> int:
    """Let hosts write to the repositories, and make a folder for each subject.

    Where subjects are named, hosts that have nothing to do with them are left
    alone. Each host gets a key of its own, which may write its own subjects and delete
    nothing. Run it again after services, hosts or repositories were added.
    Exits with 6 when a host or a repository could not be prepared.
    """
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.playbook import STOPPING, exit_code
    from orchestrator.cli.render.backup import prepared_json, prepared_parts
    from orchestrator.cli.render.playbook import run_watching
    from orchestrator.planning.backup import subjects_of
    from orchestrator.planning.backup_leave import narrowed, preparation
    from orchestrator.workflows.backup import PREPARE
    from orchestrator.workflows.backup import prepare as carry_out

    ports = open_backups(desk, aim)
    only = chosen_subjects(aim.site, subjects) if subjects else ()
    whole = preparation(aim.site, subjects_of(aim.site), readers={})
    wanted = narrowed(whole, aim.site, only)
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
        done = carry_out(
            aim.site,
            named_playbook(PREPARE),
            ports,
            only=only,
            playbooks=playbooks,
            watch=watch,
        )
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

    told = noting_steps(desk)
    # The log first: it is quick, and what keeps the RPO.
    steps = run_archives(aim.site, moving, continuous, told=told)
    if wanted:
        steps = (*steps, *carry_out(aim.site, wanted, ports, told=told))
        # And once more: it then leads past the dumps, and a drill can compare with them at once.
        steps = (*steps, *run_archives(aim.site, wanted, continuous, told=told))
    return end_of_steps(desk, steps, aim)


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
    from when to when a restore can go back to any moment, and how much of the log waits
    on the primary for a repository: it fills that disk. Exits with 6 when anything is late,
    missing, waiting, or could not be asked.
    """
    from orchestrator.cli.render.backup import (
        copies_table,
        damaged_parts,
        standings_json,
        standings_table,
    )
    from orchestrator.cli.render.continuous import archives_json, archives_parts, backlog_parts
    from orchestrator.planning.backup import Age, standings
    from orchestrator.planning.continuous import archive_standings, wants_attention
    from orchestrator.workflows.archive_backlog import backlogs
    from orchestrator.workflows.backup import listed
    from orchestrator.workflows.backup_continuous import archives

    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    found = listed(chosen, continuous.backups)
    told = archives(chosen, continuous)
    waiting = backlogs(aim.site, chosen, continuous)
    now = desk.wiring.clock.now()
    rows = standings(chosen, found, now=now)
    moving = archive_standings(chosen, told, now=now)
    copies = [copy for each in found.values() if not isinstance(each, str) for copy in each.copies]
    if aim.as_json:
        as_told = standings_json(rows, copies if whole else (), now=now)
        desk.screen.data({**as_told, "archives": archives_json(moving, waiting, now=now)})
    else:
        desk.screen.show(standings_table(rows, now=now), *damaged_parts(rows))
        if whole:
            desk.screen.show("", copies_table(copies))
        if moving:
            desk.screen.show("", *archives_parts(moving, now=now, whole=whole))
            desk.screen.show(*backlog_parts(waiting))
    ages = {*(row.age for row in rows), *(one.age for one in moving)}
    fine = ages <= {Age.OK} and not any(wants_attention(one) for one in waiting.values())
    return ExitCode.DONE if fine else ExitCode.PARTLY_DONE


for one in (verify, prune):
    backup.add_command(one)
