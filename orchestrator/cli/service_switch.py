"""`orchestrator service switchover`: another host becomes the primary, in order."""

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
    from orchestrator.workflows.service_fence import FencePorts
    from orchestrator.workflows.services import ServicePorts


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
        return possible(plan_switchover(aim.site, declared, observed, to=to))

    with ports.playbooks.lock.hold(why=f"switch {name} over"):
        return carried_out(desk, aim, ports, plan=plan, yes=yes)


def possible(plan: SwitchPlan | Refusal) -> SwitchPlan:
    """Return a plan. Raises RefusedError where it is none."""
    from orchestrator.model.service_plan import Refusal

    if isinstance(plan, Refusal):
        raise RefusedError(plan.reason, remedy=plan.remedy)
    return plan


def carried_out(
    desk: Desk,
    aim: Aim,
    ports: ServicePorts,
    *,
    plan: Callable[[], SwitchPlan],
    yes: bool,
    fencing: FencePorts | None = None,
) -> int:
    """Show what will be done, ask, see that it is still what is to be done, and do it."""
    from orchestrator.cli.render.service_switch import (
        switch_json,
        switch_parts,
        switch_plan_parts,
    )
    from orchestrator.workflows.service_fence import fence
    from orchestrator.workflows.service_switch import switch

    note = desk.screen.note if aim.as_json else desk.screen.show
    planned = plan()
    name = planned.declared.name
    note(*switch_plan_parts(planned, fenced=fencing is not None))
    if planned.has_work and not yes:
        approve(desk, f"Do this with {name}?")
        if plan() != planned:
            raise RefusedError(
                f"the hosts of {name} do not tell what they told before you said yes",
                remedy="Nothing was done. Run it again, and look at what is planned now.",
            )

    def told(line: str) -> None:
        desk.screen.note(f"  {line}")

    if fencing is not None:
        fence(planned, fencing, told=told)
    report = switch(aim.site, planned, ports, told=told)
    if aim.as_json:
        desk.screen.data(switch_json(report, fenced=fencing is not None))
    else:
        desk.screen.show(*switch_parts(report))
    return ExitCode.PARTLY_DONE if report.failed or planned.out_of_reach else ExitCode.DONE
