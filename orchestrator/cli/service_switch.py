"""`orchestrator service switchover` and `failover`: another host becomes the primary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, with_aim
from orchestrator.cli.service_options import chosen, named_host, service_argument, yes_option
from orchestrator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.model.service_plan import Refusal, SwitchPlan
    from orchestrator.workflows.services import ServicePorts

LOST = (
    "What the lost primary did not send any more is lost with it. Where it only does not answer, "
    "and runs, there will be two primaries: see first that its host is off."
)
UNHEARD = (
    "{} will not hear of this, and could lead again when they are back and reach each other: keep "
    "them off until they reach the rest."
)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator service switchover gongan/population",
        "orchestrator service switchover gongan/population --to db-2 --yes",
    ),
)
@service_argument
@with_aim
@click.option("--to", metavar="HOST", help="Default: the nearest replica that is up to date.")
@yes_option
@pass_desk
def switchover(desk: Desk, *, name: str, aim: Aim, to: str | None, yes: bool) -> int:
    """Make a replica the primary, without losing a row.

    The primary is stopped in order, the replica gets the end of its log and
    is promoted, and the old one follows it: writes wait for seconds. A switch
    that was cut off is gone on with by the same command. Exits with 6 when
    the new primary is there and a host does not follow it.
    """
    from orchestrator.planning.service_switch import plan_switchover
    from orchestrator.workflows.services import look

    (declared,) = chosen(aim, (name,))
    if to is not None:
        named_host(declared, aim, to)
    ports = desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)

    def plan() -> SwitchPlan:
        observed = look(aim.site, [declared], ports.databases)
        return _possible(plan_switchover(aim.site, declared, observed, to=to))

    with ports.playbooks.lock.hold(why=f"switch {name} over"):
        return _switch(desk, aim, ports, plan=plan, yes=yes)


@click.command(
    cls=DocumentedCommand,
    examples=("orchestrator service failover gongan/population --to dr-db-1",),
)
@service_argument
@with_aim
@click.option("--to", metavar="HOST", required=True, help="The replica that becomes the primary.")
@click.option(
    "--force",
    is_flag=True,
    help="Hosts that do not answer are off, and what only they have is given up.",
)
@yes_option
@pass_desk
def failover(desk: Desk, *, name: str, aim: Aim, to: str, force: bool, yes: bool) -> int:
    """Make a replica the primary because the primary is lost.

    What the lost primary had not yet sent is lost with it. Refused while a
    primary answers, and where another replica has more. See first that the
    lost host is off: `orchestrator hardware power off HOST`. When it comes
    back, it does not start as a primary; `service apply --rebuild HOST` makes
    it a replica.

    With --force too few voters may answer, another replica may be silent, and
    a former primary that waits for voters may lead again. Nobody who answers
    is ever overruled.
    """
    from orchestrator.model.leadership import voters_of
    from orchestrator.planning.service_switch import plan_failover
    from orchestrator.workflows.services import look

    (declared,) = chosen(aim, (name,))
    named_host(declared, aim, to)
    ports = desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)

    def plan() -> SwitchPlan:
        observed = look(aim.site, [declared], ports.databases)
        return _possible(plan_failover(aim.site, declared, observed, to=to, force=force))

    def warned() -> SwitchPlan:
        found = plan()
        if found.promote and not found.start:
            desk.screen.note(LOST)
        if found.unheard and len(found.voters) < voters_of(aim.site, declared).to_change:
            desk.screen.note(UNHEARD.format(", ".join(found.unheard)))
        return found

    with ports.playbooks.lock.hold(why=f"fail {name} over"):
        return _switch(desk, aim, ports, plan=warned, yes=yes)


def _possible(plan: SwitchPlan | Refusal) -> SwitchPlan:
    from orchestrator.model.service_plan import Refusal

    if isinstance(plan, Refusal):
        raise RefusedError(plan.reason, remedy=plan.remedy)
    return plan


def _switch(
    desk: Desk, aim: Aim, ports: ServicePorts, *, plan: Callable[[], SwitchPlan], yes: bool
) -> int:
    """Show what will be done, ask, see that it is still what is to be done, and do it."""
    from orchestrator.cli.render.service_switch import (
        switch_json,
        switch_parts,
        switch_plan_parts,
    )
    from orchestrator.workflows.service_switch import switch

    note = desk.screen.note if aim.as_json else desk.screen.show
    planned = plan()
    name = planned.declared.name
    note(*switch_plan_parts(planned))
    if planned.has_work and not yes:
        approve(desk, f"Do this with {name}?")
        if plan() != planned:
            raise RefusedError(
                f"the hosts of {name} do not tell what they told before you said yes",
                remedy="Nothing was done. Run it again, and look at what is planned now.",
            )
    report = switch(aim.site, planned, ports, told=lambda line: desk.screen.note(f"  {line}"))
    if aim.as_json:
        desk.screen.data(switch_json(report))
    else:
        desk.screen.show(*switch_parts(report))
    return ExitCode.PARTLY_DONE if report.failed or planned.out_of_reach else ExitCode.DONE
