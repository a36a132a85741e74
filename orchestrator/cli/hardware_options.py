"""What the commands of `orchestrator hardware` share: which site, which servers, how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.desk import Desk
from orchestrator.cli.options import (
    output_option,
    password_file_option,
    site_option,
    state_directory_option,
)
from orchestrator.cli.outside import Access
from orchestrator.model.hardware import ServerRole
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from orchestrator.model.hardware import Server
    from orchestrator.model.site import Site
    from orchestrator.ports.bmc import HardwarePorts
    from orchestrator.workflows.hardware import ServerFilter

Command = Callable[..., int]
PARALLEL = 64
"""BMCs at a time: each waits far longer than it works, so that two cores carry many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Which site, where its secrets and its records are, and how results are shown."""

    site: Path | None
    access: Access
    as_json: bool


def with_reach(command: Command) -> Command:
    """Add the options that say where the site is; the command gets them as one `reach`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        site: Path | None,
        state_dir: Path | None,
        vault_password_file: Path | None,
        output: str,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        access = Access(state_directory=state_dir, vault_password_file=vault_password_file)
        reach = Reach(site=site, access=access, as_json=output == "json")
        return command(*args, reach=reach, **rest)

    return site_option(state_directory_option(password_file_option(output_option(gather))))


def with_filter(command: Command) -> Command:
    """Add the options that say which servers are meant; the command gets them as one `wanted`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        regions: tuple[str, ...],
        racks: tuple[str, ...],
        roles: tuple[str, ...],
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.workflows.hardware import ServerFilter

        wanted = ServerFilter(
            regions=frozenset(regions),
            racks=frozenset(racks),
            roles=frozenset(ServerRole(role) for role in roles),
        )
        return command(*args, wanted=wanted, **rest)

    for name, variable in (("--rack", "racks"), ("--region", "regions")):
        add = click.option(
            name, variable, multiple=True, metavar="NAME", help="Only there; may be repeated."
        )
        gather = add(gather)
    roles = click.Choice([role.value for role in ServerRole])
    role_help = "Only servers for this; may be repeated."
    return click.option("--role", "roles", type=roles, multiple=True, help=role_help)(gather)


parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 256),
    default=PARALLEL,
    show_default=True,
    help="BMCs at a time; each is asked one thing at a time.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which servers are meant: these by name, or those that a filter fits."""

    names: tuple[str, ...]
    wanted: ServerFilter


def with_choice(command: Command) -> Command:
    """Add servers by name beside the filter; the command gets both as one `choice`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        servers: tuple[str, ...],
        wanted: ServerFilter,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        return command(*args, choice=Choice(names=servers, wanted=wanted), **rest)

    names = click.argument("servers", nargs=-1, metavar="[SERVER]...")
    return names(with_filter(gather))


def meant(site: Site, choice: Choice) -> tuple[Server, ...]:
    """Return the servers that are meant; what is done to them is never done to all by default.

    Raises:
        click.UsageError: none is said, both are said, or something is not declared.
    """
    wanted = choice.wanted
    filtered = bool(wanted.regions or wanted.racks or wanted.roles)
    if filtered == bool(choice.names):
        raise click.UsageError("name the servers, or choose them with --role, --region or --rack.")
    if filtered:
        return chosen(site, wanted)
    return tuple(named_server(site, name) for name in dict.fromkeys(choice.names))


def declared_site(desk: Desk, reach: Reach) -> Site:
    """Return the site, without errors.

    Raises:
        SpecError: it has faults.
    """
    from orchestrator.cli.sites import checked_site

    return checked_site(desk, reach.site).site


def chosen(site: Site, wanted: ServerFilter) -> tuple[Server, ...]:
    """Return the servers that are meant.

    Raises:
        click.UsageError: a region or rack is not declared, or no server fits.
    """
    _refuse_unknown("region", wanted.regions, [region.name for region in site.regions])
    _refuse_unknown("rack", wanted.racks, list(site.racks_by_name))
    servers = wanted.of(site)
    if not servers:
        raise click.UsageError("no declared server is meant by these options")
    return servers


def chosen_among(site: Site, wanted: ServerFilter, hosts: tuple[str, ...]) -> tuple[Server, ...]:
    """Return those of some servers that the options mean, too; without names all that they mean.

    Raises:
        click.UsageError: a name is not declared, or no server fits the options.
    """
    named = {named_server(site, host).name for host in hosts}
    return tuple(one for one in chosen(site, wanted) if not hosts or one.name in named)


def named_server(site: Site, name: str) -> Server:
    """Return one server.

    Raises:
        click.UsageError: it is not declared.
    """
    servers = {server.name: server for server in site.hardware.servers}
    _refuse_unknown("server", frozenset({name}), list(servers))
    return servers[name]


def _refuse_unknown(word: str, names: frozenset[str], known: list[str]) -> None:
    for name in sorted(names.difference(known)):
        raise click.UsageError(f"the site has no {word} `{name}`.{did_you_mean(name, known)}")


def reached(desk: Desk, reach: Reach) -> HardwarePorts:
    """Return what reaches the BMCs of the site that the command works on."""
    return desk.wiring.hardware(desk.site_directory or Path(), reach.access)
