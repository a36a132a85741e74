"""`orchestrator restore`: show what would be brought back to where, and do it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.backup_options import chosen_subjects, open_backups
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, named_playbook, with_aim

if TYPE_CHECKING:
    from orchestrator.planning.restore import Destination, RestorePlan
    from orchestrator.workflows.backup import BackupPorts


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
    host's files. A service that holds data keeps it until the new data came
    whole; then it is lost, which must be confirmed by name.
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
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.planning.restore import Destination

        name = as_name.replace("-", "_")
        wanted = Destination(host=to_host, name=name, port=port, folder=folder)
        return command(*args, wanted=wanted, **rest)

    options = (
        click.argument("subject"),
        click.option("--from", "repository", default="", metavar="REPOSITORY", help="Its copy."),
        click.option("--run", "run_name", default="", metavar="RUN", help="Of `backup list -v`."),
        click.option("--to", "to_host", default="", metavar="HOST", help="Another server."),
        click.option("--as", "as_name", default="", metavar="NAME", help="A cluster of this name."),
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
    ),
)
@_with_wish
@pass_desk
def plan(  # Click's options, by name
    desk: Desk, *, subject: str, repository: str, run_name: str, wanted: Destination, aim: Aim
) -> int:
    """Show what would be brought from where to where, and what would be lost.

    Nothing is changed.
    """
    from orchestrator.cli.render.restore import plan_json, plan_parts

    ports = open_backups(desk, aim)
    found = _planned(aim, ports, subject=subject, copy=(repository, run_name), wanted=wanted)
    if aim.as_json:
        desk.screen.data(plan_json(found))
    else:
        desk.screen.show(*plan_parts(found))
    return ExitCode.DONE


@restore.command(
    examples=(
        "orchestrator restore run gongan/population --to dr-spare-1 --yes",
        "orchestrator restore run platform/db-1 --folder /var/tmp/db-1",
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
    run_name: str,
    wanted: Destination,
    overwrite: str,
    yes: bool,
    aim: Aim,
) -> int:
    """Bring a copy back and compare it, table by table or file by file.

    Killed anywhere, the place is as it was or has all of it, and the same command
    begins anew. Exits with 6 when it was brought back and something in it is not
    as it was recorded, with 1 when it could not be brought back.
    """
    from orchestrator.cli.render.restore import plan_parts, report_json, report_parts
    from orchestrator.workflows.restore import carry_out_restore, needs_leave, refuse_loss

    ports = open_backups(desk, aim)
    found = _planned(aim, ports, subject=subject, copy=(repository, run_name), wanted=wanted)
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
    return ExitCode.DONE if report.whole else ExitCode.PARTLY_DONE


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
