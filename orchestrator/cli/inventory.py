"""`orchestrator inventory`: the site's servers as an Ansible inventory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import site_argument

if TYPE_CHECKING:
    from orchestrator.model.units import Json


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator inventory inventory/yangzhou > hosts.yaml",
        "orchestrator inventory inventory/yangzhou --list",
        "orchestrator inventory inventory/yangzhou --host city-cmp-001",
    ),
)
@site_argument
@click.option("--list", "as_list", is_flag=True, help="As an inventory script answers, in JSON.")
@click.option("--host", metavar="NAME", help="The variables of one host, in JSON.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="The form of the file that `ansible -i` reads.",
)
@pass_desk
def inventory(
    desk: Desk, *, site: Path | None, as_list: bool, host: str | None, output: str
) -> int:
    """Print the site's servers as an Ansible inventory.

    Groups are named by kind: region_, room_, rack_, role_, profile_, pair_
    (the switches that servers hang on), baseline_, aggregate_. No secret is in
    it: give the private key with --private-key, or an SSH agent.

    Addresses are the declared ones, or where the file in
    ORCHESTRATOR_ENDPOINTS says. A server without a declared address has no
    ansible_host.
    """
    from orchestrator.cli.sites import checked_site
    from orchestrator.compile.inventory import as_file, host_variables, site_inventory
    from orchestrator.compile.inventory import as_list as as_script
    from orchestrator.model.names import did_you_mean

    if as_list and host is not None:
        raise click.UsageError("give --list or --host, not both")
    declared = checked_site(desk, site).site
    hosts = site_inventory(declared, declared.hardware.servers, places=desk.wiring.ssh_places())
    if host is not None:
        known = {one.name: one for one in hosts}
        if host not in known:
            raise click.UsageError(f"the site has no server `{host}`.{did_you_mean(host, known)}")
        desk.screen.data(host_variables(known[host]))
    elif as_list:
        desk.screen.data(as_script(hosts))
    else:
        desk.screen.raw(_written(as_file(hosts), output))
    return ExitCode.DONE


def _written(value: Json, form: str) -> str:
    if form == "json":
        return json.dumps(value, ensure_ascii=False, indent=2)
    import yaml

    # Like a compiled lexer, libyaml's writer is there on every platform that we install on.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=False).rstrip("\n")
