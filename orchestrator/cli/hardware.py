"""`orchestrator hardware`: see what the servers are, and do things to them through their BMCs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import hardware_acts, hardware_media
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_accept import accept
from orchestrator.cli.hardware_deploy import deploy
from orchestrator.cli.hardware_options import (
    Reach,
    chosen,
    declared_site,
    named_server,
    parallel_option,
    reached,
    with_filter,
    with_reach,
)

if TYPE_CHECKING:
    from orchestrator.model.inventory import Sweep
    from orchestrator.workflows.hardware import ServerFilter


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator hardware list --rack city-a01",
        "orchestrator hardware sweep --region city",
        "orchestrator hardware power city-cmp-001 status",
    ),
)
def hardware() -> None:
    """See what the servers are, and act on them through their BMCs.

    BMCs are reached over Redfish, at their declared addresses or where the
    file in ORCHESTRATOR_ENDPOINTS says.
    """


@hardware.command(
    "list",
    examples=(
        "orchestrator hardware list --region city --role compute",
        "orchestrator hardware list --rack city-a01 -o json",
    ),
)
@with_filter
@with_reach
@pass_desk
def list_(desk: Desk, *, wanted: ServerFilter, reach: Reach) -> int:
    """List the declared servers."""
    from orchestrator.cli.render.hardware import servers_json, servers_table

    site = declared_site(desk, reach)
    servers = chosen(site, wanted)
    if reach.as_json:
        desk.screen.data(servers_json(site, servers))
    else:
        desk.screen.show(servers_table(site, servers))
    return ExitCode.DONE


@hardware.command(
    examples=(
        "orchestrator hardware show city-cmp-001",
        "orchestrator hardware show city-cmp-001 --live -o json",
    ),
)
@click.argument("server")
@click.option("--live", is_flag=True, help="Ask its BMC, and compare.")
@with_reach
@pass_desk
def show(desk: Desk, *, server: str, live: bool, reach: Reach) -> int:
    """Show one server as it is declared; with --live as it is.

    Live, the exit code is that of `hardware sweep`.
    """
    from orchestrator.cli.render.hardware import report_json, server_json, server_parts
    from orchestrator.cli.render.hardware_live import report_parts
    from orchestrator.workflows.hardware import Look, look_at

    site = declared_site(desk, reach)
    named = named_server(site, server)
    shown = server_json(site, named)
    if not live:
        if reach.as_json:
            desk.screen.data(shown)
        else:
            desk.screen.show(*server_parts(site, named))
        return ExitCode.DONE
    report = look_at(site, named, Look(bmcs=reached(desk, reach).bmcs, whole=True))
    if reach.as_json:
        desk.screen.data({**shown, "live": report_json(report)})
    else:
        desk.screen.show(*server_parts(site, named), *report_parts(report))
    return _code_of((report.verdict.value,), answered=not _is_silent(report.told))


@hardware.command(
    examples=(
        "orchestrator hardware sweep --region city",
        "orchestrator hardware sweep --out inventory.json",
        "orchestrator hardware sweep --role storage -o json",
    ),
)
@with_filter
@with_reach
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the whole inventory as JSON.",
)
@click.option(
    "--factory-logins",
    is_flag=True,
    help="Also try the logins that each make leaves the factory with.",
)
@parallel_option
@pass_desk
def sweep(
    desk: Desk,
    *,
    wanted: ServerFilter,
    reach: Reach,
    out: Path | None,
    factory_logins: bool,
    parallel: int,
) -> int:
    """Ask all BMCs what their servers are, and compare with the site.

    --factory-logins tries one or two public logins on each BMC, and names
    those that take one. Where none is taken each try counts as a failed
    login, and some BMCs lock the account it was for.

    Exits with 0 when every server is as declared, with 2 when some differ,
    with 6 when none differs but something could not be observed, and with 1
    when no BMC answered.
    """
    from orchestrator.cli.render.hardware import sweep_json, sweep_watching
    from orchestrator.cli.render.hardware_live import sweep_parts
    from orchestrator.workflows.hardware import Look
    from orchestrator.workflows.hardware import sweep as ask_all

    site = declared_site(desk, reach)
    servers = chosen(site, wanted)
    ports = reached(desk, reach)
    look = Look(bmcs=ports.bmcs, factory_logins=ports.factory_logins if factory_logins else None)
    with sweep_watching(desk.screen.err, len(servers)) as told:
        found = ask_all(site, servers, look, parallel=parallel, told=told)
    if out is not None:
        _write(out, found)
        desk.screen.note(f"The inventory is in {out}.")
    if reach.as_json:
        desk.screen.data(sweep_json(found))
    else:
        desk.screen.show(*sweep_parts(found))
    answered = len(found.silent) < len(found.reports)
    return _code_of(tuple(one.verdict.value for one in found.reports), answered=answered)


def _is_silent(told: object) -> bool:
    from orchestrator.model.inventory import Silence

    return isinstance(told, Silence)


def _code_of(verdicts: tuple[str, ...], *, answered: bool) -> int:
    if not answered:
        return ExitCode.FAILED
    if "fail" in verdicts:
        return ExitCode.CHANGES
    return ExitCode.PARTLY_DONE if "unknown" in verdicts else ExitCode.DONE


def _write(out: Path, found: Sweep) -> None:
    import json

    from orchestrator.cli.render.hardware import sweep_json
    from orchestrator.engine.durable import write_durably

    text = json.dumps(sweep_json(found), ensure_ascii=False, indent=2)
    write_durably(out, text.encode() + b"\n")


for _act in (*hardware_acts.COMMANDS, hardware_media.media, deploy, accept):
    hardware.add_command(_act)
