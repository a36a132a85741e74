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
    from orchestrator.model.service_plan import Refusal, SwitchPlan
    from orchestrator.workflows.services import ServicePorts

LOST = (
    "What the lost primary did not send any more is lost with it. Where it only does not answer, "
    "and runs, there will be two primaries: see first that its host is off."
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
    with ports.playbooks.lock.hold(why=f"switch {name} over"):
        observed = look(aim.site, [declared], ports.databases)
        plan = _possible(plan_switchover(aim.site, declared, observed, to=to))
        return _switch(desk, aim, ports, plan=plan, yes=yes)


@click.command(
    cls=DocumentedCommand,
    examples=("orchestrator service failover gongan/population --to dr-db-1",),
)
@service_argument
@with_aim
@click.option("--to", metavar="HOST", required=True, help="The replica that becomes the primary.")
@yes_option
@pass_desk
def failover(desk: Desk, *, name: str, aim: Aim, to: str, yes: bool) -> int:
    """Make a replica the primary because the primary is lost.

    What the lost primary had not yet sent is lost with it. Refused while a
    primary answers, and where another replica has more. See first that the
    lost host is off: `orchestrator hardware power off HOST`. When it comes
    back, it does not start as a primary; `service apply --rebuild HOST` makes
    it a replica.
    """
    from orchestrator.planning.service_switch import plan_failover
    from orchestrator.workflows.services import look

    (declared,) = chosen(aim, (name,))
    named_host(declared, aim, to)
    ports = desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)
    with ports.playbooks.lock.hold(why=f"fail {name} over"):
        observed = look(aim.site, [declared], ports.databases)
        plan = _possible(plan_failover(aim.site, declared, observed, to=to))
        if plan.promote:
            desk.screen.note(LOST)
        return _switch(desk, aim, ports, plan=plan, yes=yes)


def _possible(plan: SwitchPlan | Refusal) -> SwitchPlan:
    from orchestrator.model.service_plan import Refusal

    if isinstance(plan, Refusal):
        raise RefusedError(plan.reason, remedy=plan.remedy)
    return plan


def _switch(desk: Desk, aim: Aim, ports: ServicePorts, *, plan: SwitchPlan, yes: bool) -> int:
    from orchestrator.cli.render.service_switch import (
        switch_json,
        switch_parts,
        switch_plan_parts,
    )
    from orchestrator.workflows.service_switch import switch

    note = desk.screen.note if aim.as_json else desk.screen.show
    note(*switch_plan_parts(plan))
    if plan.has_work and not yes:
        approve(desk, f"Do this with {plan.declared.name}?")
    report = switch(aim.site, plan, ports, told=lambda line: desk.screen.note(f"  {line}"))
    if aim.as_json:
        desk.screen.data(switch_json(report))
    else:
        desk.screen.show(*switch_parts(report))
    return ExitCode.PARTLY_DONE if report.failed or plan.out_of_reach else ExitCode.DONE
