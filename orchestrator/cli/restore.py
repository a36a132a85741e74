"""`orchestrator restore`: show what would be brought back to where, and do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_options import chosen_subjects, open_backups
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.moments import MOMENT, Moment
from orchestrator.cli.playbook_options import Aim, named_playbook, with_aim

if TYPE_CHECKING:
    from orchestrator.planning.restore import Destination, RestorePlan
    from orchestrator.workflows.backup_steps import BackupPorts


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Which state of a subject is wanted: a copy's, or that of a moment."""

    run_name: str = ""
    at: Moment | None = None


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator restore plan gongan/population",
        "orchestrator restore run gongan/population --to dr-spare-1",
        "orchestrator restore run gongan/population --overwrite gongan/population",
    ),
)
def restore() -> None:
    """Bring a copy back, and compare it with what was recorded.

    Without --to a copy goes to its subject's own place: a service's primary, a
    member of the cluster that has OpenStack's own databases, a host's files. A
    database that holds data keeps it until the new data came whole; then it is
    lost, which must be confirmed by name. Of an image or a volume a new one is
    made: nothing in the cloud is overwritten.
    """


def _with_wish(command: Callable[..., int]) -> Callable[..., int]:
    """Add what says which copy goes where; the command gets it as `wanted`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        to_host: str,
        as_name: str,
        port: int | None,
        folder: str,
        at: Moment | None,
        run_name: str,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.planning.restore import Destination

        if at is not None and run_name:
            raise click.UsageError(
                "--at is a moment of the archive, --run a copy: give one of them"
            )
        wanted = Destination(host=to_host, name=as_name, port=port, folder=folder)
        return command(*args, which=Which(run_name=run_name, at=at), wanted=wanted, **rest)

    options = (
        click.argument("subject"),
        click.option("--from", "repository", default="", metavar="REPOSITORY", help="Its copy."),
        click.option("--run", "run_name", default="", metavar="RUN", help="Of `backup list -v`."),
        click.option("--at", type=MOMENT, help="A moment that its archive leads to, or `newest`."),
        click.option("--to", "to_host", default="", metavar="HOST", help="Another server."),
        click.option("--as", "as_name", default="", metavar="NAME", help="The new one's name."),
        click.option("--port", type=click.IntRange(1024, 65535), help="Of that cluster."),
        click.option("--folder", default="", metavar="DIR", help="Files go below this folder."),
        with_aim,
    )
    made: Callable[..., int] = gather
    for option in reversed(options):
        made = option(made)
    return made


@restore.command(
    examples=(
        "orchestrator restore plan gongan/population",
        "orchestrator restore plan gongan/population --from dr-copies --to dr-spare-1",
        "orchestrator restore plan gongan/population --at 2026-11-22T09:30:00+08:00",
    ),
)
@_with_wish
@pass_desk
def plan(  # Click's options, by name
    desk: Desk, *, subject: str, repository: str, which: Which, wanted: Destination, aim: Aim
) -> int:
    """Show what would be brought from where to where, and what would be lost.

    Nothing is changed. Without --at it is a copy; with --at the archive of a
    service with a continuous policy, and the answer to a moment that it does not
    lead to says to which it does.
    """
    from orchestrator.cli.render.restore import plan_json, plan_parts
    from orchestrator.cli.restore_point import PointDesk

    if which.at is not None:
        point = PointDesk(desk, aim, subject=subject, repository=repository)
        return point.plan(which.at, wanted)

    ports = open_backups(desk, aim)
    copy = (repository, which.run_name)
    found = _planned(aim, ports, subject=subject, copy=copy, wanted=wanted)
    if aim.as_json:
        desk.screen.data(plan_json(found))
    else:
        desk.screen.show(*plan_parts(found))
    return ExitCode.DONE


@restore.command(
    examples=(
        "orchestrator restore run gongan/population --to dr-spare-1 --yes",
        "orchestrator restore run platform/db-1 --folder /var/tmp/db-1",
        "orchestrator restore run gongan/population --at 2026-11-22T09:30:00+08:00 --to dr-spare-1",
        "orchestrator restore run records/site --folder ./recovered",
        "orchestrator restore run gongan/population --overwrite gongan/population",
    ),
)
@_with_wish
@click.option("--overwrite", default="", metavar="SUBJECT", help="Its data at the place may go.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@pass_desk
def run(  # noqa: PLR0913 - Click's options, by name
    desk: Desk,
    *,
    subject: str,
    repository: str,
    which: Which,
    wanted: Destination,
    overwrite: str,
    yes: bool,
    aim: Aim,
) -> int:
    """Bring a copy back and compare it, table by table or file by file.

    Killed anywhere, the place is as it was or has all of it, and the same command
    begins anew. Exits with 6 when it was brought back and something in it is not
    as it was recorded, with 7 when of something nobody knows (a file that changed
    while it was copied), with 1 when it could not be brought back.

    With --at a new cluster is made of the archive, as it was at that moment; a
    service that goes back itself (without --to and --as) keeps its data beside it.
    """
    from orchestrator.cli.render.restore import plan_parts, report_json, report_parts
    from orchestrator.cli.restore_point import PointDesk
    from orchestrator.planning.restore import Outcome
    from orchestrator.workflows.restore import carry_out_restore, needs_leave, refuse_loss

    if which.at is not None:
        point = PointDesk(desk, aim, subject=subject, repository=repository)
        return point.run(which.at, wanted, overwrite=overwrite, yes=yes)
    ports = open_backups(desk, aim)
    copy = (repository, which.run_name)
    found = _planned(aim, ports, subject=subject, copy=copy, wanted=wanted)
    show = desk.screen.note if aim.as_json else desk.screen.show
    show(*plan_parts(found), "")
    may_overwrite = _may_overwrite(desk, found, overwrite)
    refuse_loss(found, overwrite=may_overwrite)
    if not yes and not may_overwrite:
        approve(desk, f"Restore {subject} to {found.where}?")
    if needs_leave(found):
        _give_leave(desk, aim, found)
    report = carry_out_restore(found, ports, overwrite=may_overwrite)
    if aim.as_json:
        desk.screen.data(report_json(report))
    else:
        desk.screen.show(*report_parts(report))
    return {
        Outcome.WHOLE: ExitCode.DONE,
        Outcome.UNPROVED: ExitCode.UNPROVED,
        Outcome.DIFFERENT: ExitCode.PARTLY_DONE,
    }[report.outcome]


def _planned(
    aim: Aim, ports: BackupPorts, *, subject: str, copy: tuple[str, str], wanted: Destination
) -> RestorePlan:
    from orchestrator.workflows.restore import Wish, plan_restore

    (chosen,) = chosen_subjects(aim.site, [subject])
    repository, run_name = copy
    if repository and repository not in chosen.repositories:
        names = ", ".join(chosen.repositories)
        raise click.UsageError(f"{subject} has no copies in `{repository}`, only in {names}")
    wish = Wish(subject=chosen, repository=repository, run=run_name, to=wanted)
    return plan_restore(aim.site, wish, ports)


def _may_overwrite(desk: Desk, found: RestorePlan, overwrite: str) -> bool:
    """Say whether the data at the place may go: its name was typed, now or on the command line."""
    if overwrite and overwrite != found.subject.name:
        raise click.UsageError(
            f"--overwrite {overwrite} is not {found.subject.name}: name what is lost"
        )
    if not found.overwrites or overwrite or not desk.wiring.can_ask():
        return bool(overwrite)
    typed = click.prompt(
        f"All data of {found.subject.name} at {found.where} will be lost. Type its name",
        default="",
        show_default=False,
        err=True,
    )
    return bool(typed == found.subject.name)


def _give_leave(desk: Desk, aim: Aim, found: RestorePlan) -> None:
    """Let the host read the copy: it is none of those that the site says may."""
    from orchestrator.cli.render.playbook import run_watching
    from orchestrator.workflows.backup import PREPARE
    from orchestrator.workflows.restore import give_leave

    playbooks = desk.wiring.playbooks(aim.directory, aim.access)
    entry = named_playbook(PREPARE)
    with run_watching(desk.screen.err, 2) as watch:
        give_leave(aim.site, found, entry, playbooks=playbooks, watch=watch)
