"""What the commands of `orchestrator service` share: which site, which services, their ports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli.playbook_options import Aim
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from orchestrator.model.declared_service import DeclaredService
    from orchestrator.model.hardware import Server

Command = Callable[..., int]

services_argument = click.argument("names", metavar="[TENANT/SERVICE]...", nargs=-1)
service_argument = click.argument("name", metavar="TENANT/SERVICE")
yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


def role_option(meaning: str) -> Callable[[Command], Command]:
    """Return the option that names a role of a database; `meaning` is its help."""
    return click.option(
        "--role",
        type=click.Choice([role.value for role in DatabaseRole]),
        default=DatabaseRole.APP.value,
        show_default=True,
        help=meaning,
    )


def chosen(aim: Aim, names: Sequence[str]) -> tuple[DeclaredService, ...]:
    """Return the named services, or all.

    Raises:
        click.UsageError: the site has none of a name.
    """
    from orchestrator.model.declared_service import declared_services

    known = {one.name: one for one in declared_services(aim.site)}
    for name in names:
        if name not in known:
            raise click.UsageError(f"the site has no service `{name}`.{did_you_mean(name, known)}")
    return tuple(known[name] for name in dict.fromkeys(names)) or tuple(known.values())


def named_host(declared: DeclaredService, aim: Aim, name: str) -> Server:
    """Return one host of a service.

    Raises:
        click.UsageError: the service has no such host.
    """
    from orchestrator.model.declared_service import hosts_of

    known = {server.name: server for server in hosts_of(aim.site, declared)}
    if name not in known:
        raise click.UsageError(
            f"{declared.name} is not on `{name}`, but on {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )
    return known[name]
