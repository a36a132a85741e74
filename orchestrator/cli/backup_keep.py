"""`orchestrator backup verify` and `prune`: prove that copies are kept, and let old ones go."""

from __future__ import annotations

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_options import (
    chosen_subjects,
    end_of_steps,
    noting_steps,
    open_archives,
    repository_option,
)
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, with_aim


@click.command(
    cls=DocumentedCommand,
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
    from orchestrator.workflows.backup_continuous import verify_archives
    from orchestrator.workflows.backup_keep import verify as carry_out

    told = noting_steps(desk)
    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    steps = carry_out(aim.site, chosen, continuous.backups, whole=whole, told=told)
    steps = (*steps, *verify_archives(chosen, continuous, whole=whole, told=told))
    return end_of_steps(desk, steps, aim)


@click.command(
    cls=DocumentedCommand,
    examples=("orchestrator backup prune", "orchestrator backup prune gongan/population --yes"),
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
    this machine's, or where the newest copy, or piece of an archive, is days old
    (a clock that is wrong makes all of them look old).
    Exits with 6 when that was so somewhere, with 1 when nothing could be pruned.
    """
    from orchestrator.cli.render.backup import prunable_table
    from orchestrator.planning.backup_keep import pruning
    from orchestrator.planning.continuous import continuous as archives_of
    from orchestrator.workflows.backup import listed
    from orchestrator.workflows.backup_continuous import expire_archives
    from orchestrator.workflows.backup_keep import prune as carry_out

    chosen = chosen_subjects(aim.site, subjects, repositories)
    continuous = open_archives(desk, aim)
    ports = continuous.backups
    found = listed(chosen, ports)
    now = desk.wiring.clock.now()
    wanted = pruning(chosen, found, now=now, stale=stale)
    archived = archives_of(chosen)
    if not (wanted.gone or wanted.kept or archived or aim.as_json):
        desk.screen.show("Nothing to prune.")
        return ExitCode.DONE
    if (wanted.gone or archived) and not yes:
        desk.screen.note(prunable_table(wanted.gone))
        count = sum(map(len, wanted.gone.values()))
        approve(desk, f"Delete {count} copies, and what {len(archived)} archives let go, for good?")

    told = noting_steps(desk)
    steps = carry_out(wanted, ports, told=told)
    expired = expire_archives(archived, continuous, now=now, told=told, stale=stale)
    steps = (*steps, *expired)
    return end_of_steps(desk, steps, aim)
