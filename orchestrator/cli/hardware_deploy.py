"""`orchestrator hardware deploy`: put the declared image on servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import (
    Choice,
    Reach,
    declared_site,
    meant,
    with_choice,
    with_reach,
)
from orchestrator.cli.interrupts import catching
from orchestrator.model.deploy import DeployAct, DeployOutcome, DeployPlan, DeployReport

if TYPE_CHECKING:
    from orchestrator.workflows.deploy import Limits

Command = Callable[..., int]

SOFTLY = (
    "Stopping: no further server is begun, and those that are written now are finished. Once more "
    "to stop at once; the same command then goes on from there."
)

PARALLEL, BUDGET = 4, 1
MINUTES = 60.0
"""An image of some GiB on a slow line, and a server that tests its memory at each boot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be written, and how far the rollout may go."""

    image: str | None
    again: bool
    limits: Limits


def with_asked(command: Command) -> Command:
    """Add the options of a rollout; the command gets them as one `asked`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        image: str | None,
        again: bool,
        parallel: int,
        budget: int,
        minutes: float,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.workflows.deploy import Limits

        seconds = minutes * 60
        limits = Limits(
            parallel=parallel, budget=budget, write_seconds=seconds, answer_seconds=seconds
        )
        return command(*args, asked=Asked(image=image, again=again, limits=limits), **rest)

    for add in reversed(_ROLLOUT_OPTIONS):
        gather = add(gather)
    return gather


_ROLLOUT_OPTIONS = (
    click.option(
        "--image", metavar="NAME", help="An image of the site; default: by the role's baseline."
    ),
    click.option("--again", is_flag=True, help="Write servers that have the image already, too."),
    click.option(
        "--parallel",
        type=click.IntRange(1, 64),
        default=PARALLEL,
        show_default=True,
        help="Servers that are written at a time.",
    ),
    click.option(
        "--budget",
        type=click.IntRange(1),
        default=BUDGET,
        show_default=True,
        help="Start nothing new after this many failures.",
    ),
    click.option(
        "--minutes",
        type=click.FloatRange(0.1),
        default=MINUTES,
        show_default=True,
        help="For one server to be written, and again for its host to answer.",
    ),
)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator hardware deploy city-db-01 city-db-02",
        "orchestrator hardware deploy --role backup --region dr --image debian-12 --yes",
        "orchestrator hardware deploy --role compute --parallel 8 --budget 3",
    ),
)
@with_choice
@with_asked
@click.option("--yes", is_flag=True, help="Do it without asking.")
@with_reach
@pass_desk
def deploy(desk: Desk, *, choice: Choice, asked: Asked, yes: bool, reach: Reach) -> int:
    """Put the declared image on servers, a few at a time, and see their hosts answer.

    What each server has and is to have is shown before anything is written.
    REBUILDING A SERVER DESTROYS WHAT IS ON ITS DISKS. A server that is active
    with its image and whose host says so by SSH is left alone; a run that was
    cut off is gone on with by the same command.

    Exits with 0 when all are as declared, with 6 when some are, and with 1
    when none could be.
    """
    from orchestrator.cli.render.deploy import (
        deploy_json,
        deploy_watching,
        plan_parts,
        report_parts,
    )
    from orchestrator.workflows.deploy import Deployment, Wish, look

    site = declared_site(desk, reach)
    wish = Wish(site=site, servers=meant(site, choice), image=asked.image, again=asked.again)
    ports = desk.wiring.deployment(desk.at_site(reach.site), site.identity, access=reach.access)
    with ports.lock.hold(why="deploy servers"):
        plan = look(wish, ports)
        show = desk.screen.note if reach.as_json else desk.screen.show
        show(*plan_parts(plan, asked.limits))
        if plan.work and not yes:
            approve(desk, _question(plan))
        deployment = Deployment(wish=wish, plan=plan, ports=ports, limits=asked.limits)
        with (
            deploy_watching(desk.screen.err, len(plan.work)) as told,
            catching(
                deployment.stop, lambda line: desk.screen.note(line), softly=SOFTLY
            ) as interrupts,
        ):
            interrupts.soften()
            report = deployment.run(told)
    if reach.as_json:
        desk.screen.data(deploy_json(plan, report))
    elif plan.work:
        desk.screen.show(*report_parts(report))
    return _code_of(report)


def _question(plan: DeployPlan) -> str:
    lost = sum(step.act is DeployAct.REBUILD for step in plan.steps)
    warning = f" What is on the disks of {lost} is destroyed." if lost else ""
    return f"Work on {len(plan.work)} servers?{warning}"


def _code_of(report: DeployReport) -> int:
    good = report.count(DeployOutcome.DONE) + report.count(DeployOutcome.AS_DECLARED)
    if good == len(report.results):
        return ExitCode.DONE
    if report.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.PARTLY_DONE if good else ExitCode.FAILED
