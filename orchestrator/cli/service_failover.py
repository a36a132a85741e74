"""`orchestrator service failover`: another host becomes the primary, because that is lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.playbook_options import Aim, with_aim
from orchestrator.cli.service_options import (
    Command,
    chosen,
    named_host,
    service_argument,
    yes_option,
)
from orchestrator.cli.service_switch import carried_out, possible

if TYPE_CHECKING:
    from orchestrator.model.service_plan import SwitchPlan

LOST = "What the lost primary did not send any more is lost with it."
UNSEEN = (
    "Whether {} is off is not known ({}). Where it only does not answer, and runs, there will be "
    "two primaries: see first that it is off."
)
UNHEARD = (
    "{} will not hear of this, and could lead again when they are back and reach each other: keep "
    "them off until they reach the rest."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """How a person answers the loss of a primary."""

    to: str
    force: bool
    fence: bool


def with_loss(command: Command) -> Command:
    """Add the answer's options; the command gets them as one `loss`."""

    @wraps(command)
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        to: str,
        force: bool,
        fence: bool,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        return command(*args, loss=Loss(to=to, force=force, fence=fence), **rest)

    options = (
        click.option(
            "--to", metavar="HOST", required=True, help="The replica that becomes the primary."
        ),
        click.option(
            "--force",
            is_flag=True,
            help="Hosts that do not answer are off, and what only they have is given up.",
        ),
        click.option(
            "--fence",
            is_flag=True,
            help="First let its BMC switch the lost primary's host off, with all that runs there.",
        ),
    )
    for option in reversed(options):
        gather = option(gather)
    return gather


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator service failover gongan/population --to db-2 --fence",
        "orchestrator service failover gongan/population --to dr-db-1 --force",
    ),
)
@service_argument
@with_aim
@with_loss
@yes_option
@pass_desk
def failover(desk: Desk, *, name: str, aim: Aim, loss: Loss, yes: bool) -> int:
    """Make a replica the primary because the primary is lost.

    What the lost primary had not yet sent is lost with it. Refused while a
    primary answers, where another replica has more, and while its BMC says
    that the lost host is on: --fence switches it off first. When it comes
    back, it does not start as a primary; `service apply --rebuild HOST` makes
    it a replica.

    With --force too few voters may answer, another replica may be silent, and
    a former primary that waits for voters may lead again. Nobody who answers
    is ever overruled.
    """
    from orchestrator.model.leadership import voters_of
    from orchestrator.planning.service_switch import plan_failover
    from orchestrator.workflows.service_fence import FencePorts, unseen
    from orchestrator.workflows.services import look

    (declared,) = chosen(aim, (name,))
    named_host(declared, aim, loss.to)
    ports = desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)
    outside = desk.wiring.hardware(aim.directory, aim.access)
    fencing = FencePorts(bmcs=outside.bmcs, audit=outside.audit) if loss.fence else None

    def plan() -> SwitchPlan:
        observed = look(aim.site, [declared], ports.databases)
        found = plan_failover(aim.site, declared, observed, to=loss.to, force=loss.force)
        return possible(found)

    def warned() -> SwitchPlan:
        found = plan()
        if found.promote and not found.start:
            desk.screen.note(LOST)
        if not loss.fence:
            for host, why in unseen(found, outside.bmcs).items():
                desk.screen.note(UNSEEN.format(host, why))
        if found.unheard and len(found.voters) < voters_of(aim.site, declared).to_change:
            desk.screen.note(UNHEARD.format(", ".join(found.unheard)))
        return found

    with ports.playbooks.lock.hold(why=f"fail {name} over"):
        return carried_out(desk, aim, ports, plan=warned, yes=yes, fencing=fencing)
