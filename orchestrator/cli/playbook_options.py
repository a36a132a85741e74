"""What the commands of `orchestrator playbook` share: which playbook, which site, which hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.options import (
    output_option,
    password_file_option,
    site_option,
    state_directory_option,
)
from orchestrator.cli.outside import Access
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from orchestrator.model.hardware import Server
    from orchestrator.model.playbook import CataloguedPlaybook
    from orchestrator.model.site import Site
    from orchestrator.workflows.hardware import ServerFilter
    from orchestrator.workflows.playbook import PlaybookWork

Command = Callable[..., int]
PARALLEL = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """A checked site, how to reach it, and how results are shown."""

    site: Site
    directory: Path
    access: Access
    as_json: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A playbook and the servers that were chosen for it."""

    entry: CataloguedPlaybook
    servers: tuple[Server, ...]

    def rehearsal(self, *, parallel: int) -> PlaybookWork:
        """Return it as a rehearsal."""
        return self._work(rehearse=True, parallel=parallel)

    def run(self, *, parallel: int, any_time: bool) -> PlaybookWork:
        """Return it as a run."""
        return self._work(rehearse=False, parallel=parallel, any_time=any_time)

    def _work(self, *, rehearse: bool, parallel: int, any_time: bool = False) -> PlaybookWork:
        from orchestrator.workflows.playbook import PlaybookWork

        return PlaybookWork(
            entry=self.entry,
            servers=self.servers,
            rehearse=rehearse,
            parallel=parallel,
            any_time=any_time,
        )


def with_aim(command: Command) -> Command:
    """Add the site and how it is reached; the command gets them, checked, as one `aim`."""

    @wraps(command)
    @pass_desk
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        desk: Desk,
        /,
        *args: Any,  # noqa: ANN401 - Click's
        site: Path | None,
        state_dir: Path | None,
        vault_password_file: Path | None,
        output: str,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.cli.sites import checked_site

        checked = checked_site(desk, site)
        aim = Aim(
            site=checked.site,
            directory=checked.loaded.directory,
            access=Access(state_directory=state_dir, vault_password_file=vault_password_file),
            as_json=output == "json",
        )
        return command(*args, aim=aim, **rest)

    return site_option(state_directory_option(password_file_option(output_option(gather))))


hosts_option = click.option(
    "--hosts",
    multiple=True,
    metavar="NAME,NAME",
    help="Only these; may be repeated.",
    callback=lambda ctx, param, value: tuple(
        name for part in value for name in part.split(",") if name
    ),
)

parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 256),
    default=PARALLEL,
    show_default=True,
    help="Hosts at a time.",
)


def catalogue() -> tuple[CataloguedPlaybook, ...]:
    """Return the catalogue.

    Raises:
        SpecError: it has faults.
    """
    from orchestrator.spec.catalogue import load_catalogue
    from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER

    return load_catalogue(PLAYBOOKS_FOLDER)


def named_playbook(name: str) -> CataloguedPlaybook:
    """Return one playbook.

    Raises:
        click.UsageError: the catalogue has none of this name.
    """
    known = {entry.name: entry for entry in catalogue()}
    if name not in known:
        raise click.UsageError(f"there is no playbook `{name}`.{did_you_mean(name, known)}")
    return known[name]


def work_of(
    desk: Desk, name: str, aim: Aim, *, hosts: tuple[str, ...], wanted: ServerFilter
) -> Choice:
    """Return the playbook with the servers that are meant.

    Raises:
        click.UsageError: a name is not declared, or the playbook is for none of these servers.
    """
    from orchestrator.cli.hardware_options import chosen_among
    from orchestrator.workflows.playbook import meant

    entry = named_playbook(name)
    servers = chosen_among(aim.site, wanted, hosts)
    servers_meant = meant(entry, servers)
    if not servers_meant:
        raise click.UsageError(f"{entry.name} is for none of the servers that are meant")
    if hosts and len(servers_meant) < len(servers):
        others = sorted({one.name for one in servers} - {one.name for one in servers_meant})
        desk.screen.note(f"{entry.name} is not for {', '.join(others)}: left out.")
    return Choice(entry=entry, servers=servers_meant)
