"""`orchestrator service`: the databases of tenants, on hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, with_aim
from orchestrator.cli.service_apply import apply, rotate_password
from orchestrator.cli.service_failover import failover
from orchestrator.cli.service_options import (
    chosen,
    role_option,
    service_argument,
    services_argument,
)
from orchestrator.cli.service_switch import switchover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.model.service_plan import ClusterHealth
    from orchestrator.workflows.services import ServicePorts


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator service list --site inventory/yangzhou",
        "orchestrator service apply gongan/population",
        "orchestrator service status",
    ),
)
def service() -> None:
    """Provide tenants' databases on hosts, and say how they are.

    A service is named TENANT/SERVICE. Which host is its primary is asked, not
    taken from the site's files: after a switchover it stays where it went.
    """


service.add_command(apply)
service.add_command(rotate_password)
service.add_command(switchover)
service.add_command(failover)


@service.command(
    "list", examples=("orchestrator service list", "orchestrator service list -o json")
)
@with_aim
@pass_desk
def list_(desk: Desk, *, aim: Aim) -> int:
    """List the declared services; no host is asked."""
    from orchestrator.cli.render.service import service_json, services_table

    found = chosen(aim, ())
    if aim.as_json:
        desk.screen.data({"services": [service_json(one) for one in found]})
    else:
        desk.screen.show(services_table(found))
    return ExitCode.DONE


@service.command(
    examples=(
        "orchestrator service show gongan/population",
        "orchestrator service show gongan/population -o json",
    )
)
@service_argument
@with_aim
@pass_desk
def show(desk: Desk, *, name: str, aim: Aim) -> int:
    """Show what a service is: engine, roles, encryption, audit; no host is asked.

    Engines that are not run here are shown as well, and say so.
    """
    from orchestrator.cli.render.service import service_json, service_parts

    (declared,) = chosen(aim, (name,))
    if aim.as_json:
        desk.screen.data(service_json(declared))
    else:
        desk.screen.show(*service_parts(declared))
    return ExitCode.DONE


@service.command(
    examples=(
        "orchestrator service status",
        "orchestrator service status gongan/population -o json",
    )
)
@services_argument
@with_aim
@pass_desk
def status(desk: Desk, *, names: tuple[str, ...], aim: Aim) -> int:
    """Ask the hosts how services are.

    Exits with 0 when every cluster is ok, with 6 when some are, and with 1
    when none is. What cannot be seen is unknown, which is not ok.
    """
    from orchestrator.cli.render.service import status_json, status_parts
    from orchestrator.planning.services import judge
    from orchestrator.workflows.services import look

    services = [one for one in chosen(aim, names) if one.facts.runs_here]
    ports = _ports(desk, aim)
    observed = look(aim.site, services, ports.databases)
    judged = {one.name: judge(aim.site, one, observed) for one in services}
    if aim.as_json:
        desk.screen.data(status_json(aim.site, services, observed, judged=judged))
    else:
        desk.screen.show(*status_parts(aim.site, services, observed, judged=judged))
    return _code_of(tuple(one for each in judged.values() for one in each))


@service.command(
    examples=(
        "orchestrator service connection gongan/population",
        "orchestrator service connection gongan/population --role auditor -o json",
    )
)
@service_argument
@with_aim
@role_option("Who wants to log in.")
@click.option("--ca", "authority", is_flag=True, help="Print the authority's certificate only.")
@pass_desk
def connection(desk: Desk, *, name: str, aim: Aim, role: str, authority: bool) -> int:
    """Say how a program reaches a service, and where its password is.

    The password itself is never printed: it is in the vault, in the form
    LOGIN:PASSWORD. The hosts stand in the connection string in their declared
    order; `target_session_attrs` finds the one that takes writes.
    """
    from orchestrator.cli.render.service import connection_of, connection_parts

    (declared,) = chosen(aim, (name,))
    ports = _ports(desk, aim)
    if authority:
        # It is made when it is first asked for: two that made it at once would each have one.
        with ports.playbooks.lock.hold(why="show the site's authority"):
            desk.screen.raw(ports.authority.certificate().rstrip("\n"))
        return ExitCode.DONE
    if role not in {one.value for one in declared.rules.roles}:
        raise click.UsageError(
            f"{declared.name} has no role `{role}`: its data is of level {declared.data_level}"
        )
    found = connection_of(aim.site, declared, role, secrets=ports.playbooks.secrets)
    if aim.as_json:
        desk.screen.data(found)
    else:
        desk.screen.show(*connection_parts(found))
    return ExitCode.DONE


def _ports(desk: Desk, aim: Aim) -> ServicePorts:
    return desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)


def _code_of(judged: Sequence[ClusterHealth]) -> ExitCode:
    from orchestrator.model.service_plan import Health

    well = sum(one.health is Health.OK for one in judged)
    if well == len(judged):
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if well else ExitCode.FAILED
