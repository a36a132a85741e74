"""`orchestrator network`: show it, ask it, compile it, and verify what was compiled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.network_devices import backup, backups, diff
from orchestrator.cli.network_options import (
    Asked,
    question_of,
    refuse_unknown_ends,
    refuse_unknown_regions,
    target_option,
    texts_of_devices,
    with_question,
)
from orchestrator.cli.network_packets import Packets, tried, with_packets
from orchestrator.cli.options import output_option, site_option
from orchestrator.cli.pictures import picture_out_option, put_picture

if TYPE_CHECKING:
    from orchestrator.compile.targets import Compiled


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator network flows --from internet --to zone/base-db --protocol tcp --port 5432",
        "orchestrator network compile --out configurations",
        "orchestrator network verify",
    ),
)
def network() -> None:
    """Show the network, ask and verify what may pass, see its devices.

    Only diff and backup connect to devices; `orchestrator apply` is what changes
    them.
    """


@network.command(
    examples=(
        "orchestrator network show",
        "orchestrator network show -o svg --out network.svg",
    ),
)
@site_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "svg"]),
    default="text",
    help="For people, for machines, or a picture.",
)
@picture_out_option
@pass_desk
def show(desk: Desk, *, site: Path | None, output: str, out: Path | None) -> int:
    """Show regions, devices, lines between regions, and zones."""
    from orchestrator.cli.render.topology import topology_json, topology_parts
    from orchestrator.cli.render.topology_svg import topology_svg
    from orchestrator.cli.sites import checked_site

    if output != "svg" and out is not None:
        raise click.UsageError("--out is for the picture: add -o svg")
    found = checked_site(desk, site).site
    if output == "svg":
        put_picture(desk, topology_svg(found), out)
    elif output == "json":
        desk.screen.data(topology_json(found))
    else:
        desk.screen.show(*topology_parts(found))
    return ExitCode.DONE


@network.command(
    examples=(
        "orchestrator network flows",
        "orchestrator network flows --to zone/base-db",
        "orchestrator network flows --from 10.17.0.9 --to zone/mgmt --protocol tcp --port 22",
    ),
)
@site_option
@with_question
@output_option
@pass_desk
def flows(desk: Desk, *, site: Path | None, output: str, asked: Asked) -> int:
    """List the declared flows, or say whether some traffic may pass and why.

    Asked with all four options (icmp has no port), the exit code is the
    answer: 0 it may pass, 1 it may not. Expired flows open nothing; those
    that end within 30 days are marked.
    """
    from orchestrator.cli.render.network import answer_json, answer_parts, flows_parts
    from orchestrator.cli.sites import checked_site
    from orchestrator.planning.reachability import Reachability

    checked = checked_site(desk, site)
    today = desk.wiring.clock.now().date()
    question = question_of(asked)
    reachability = Reachability(checked.site, today=today)
    refuse_unknown_ends(question, reachability)
    answer = reachability.ask(question)
    if output == "json":
        desk.screen.data(answer_json(question, answer, today=today))
    elif question.is_whole:
        desk.screen.show(*answer_parts(question, answer, today=today))
    else:
        chosen = {flow.name for flow in (*answer.flows, *answer.partly)}
        shown = [flow for flow in checked.site.network.flows if flow.name in chosen]
        desk.screen.show(*flows_parts(shown, today=today))
    return ExitCode.FAILED if question.is_whole and not answer.allowed else ExitCode.DONE


@network.command(
    "compile",
    examples=(
        "orchestrator network compile --target nftables --device city",
        "orchestrator network compile --device city-spine-1",
        "orchestrator network compile --out configurations",
    ),
)
@site_option
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Only this device, or this region's firewall and routers; may repeat.",
)
@target_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write one file each below DIR; nothing else is printed.",
)
@output_option
@pass_desk
def compile_(
    desk: Desk,
    *,
    site: Path | None,
    output: str,
    out: Path | None,
    devices: tuple[str, ...],
    targets: tuple[str, ...],
) -> int:
    """Show the configurations that the declared network compiles to.

    nftables has one text a region, VRP (Huawei) and Comware (H3C) one a
    switch, and FRR one a router, or one a region that declares no FRR router.
    Expired flows are in none of them.
    """
    from orchestrator.cli.render.names import plural
    from orchestrator.workflows.network import write_configurations

    compiled = _compiled(desk, site, devices=devices, targets=targets)
    if out is not None:
        write_configurations(compiled, out)
        desk.screen.note(f"Wrote {plural(len(compiled), 'configuration')} to {out}.")
    elif output == "json":
        desk.screen.data(
            [
                {"target": one.kind.value, "name": one.name, "region": one.region, "text": one.text}
                for one in compiled
            ]
        )
    else:
        desk.screen.raw("\n".join(one.text for one in compiled).rstrip("\n"))
    return ExitCode.DONE


@network.command(
    examples=(
        "orchestrator network verify",
        "orchestrator network verify --target nftables -o json",
        "sudo orchestrator network verify --packets --region city",
        "sudo orchestrator network verify --live",
    ),
)
@site_option
@target_option
@with_packets
@output_option
@pass_desk
def verify(
    desk: Desk,
    *,
    site: Path | None,
    output: str,
    packets: Packets,
    targets: tuple[str, ...],
) -> int:
    """Compile everything, read it again independently, and compare with the flows.

    The readers share no code with the compilers, and the comparison is exact:
    all addresses, all ports, IPv4 and IPv6, both ways. Exit code 0: every
    target does what the flows declare; 1: at least one does not; 6: it does,
    but packets were asked for and cannot be tried on this machine.
    """
    from orchestrator.cli.render.network import verdict_parts, verdicts_json
    from orchestrator.cli.sites import checked_site
    from orchestrator.model.network import Platform
    from orchestrator.workflows.network import compiled_for, verify_network

    checked = checked_site(desk, site)
    today = desk.wiring.clock.now().date()
    refuse_unknown_regions(packets.regions, checked.site)
    kinds = frozenset(Platform(name) for name in targets)
    compiled = compiled_for(checked.site, today=today, kinds=kinds)
    verdicts = verify_network(checked.site, today=today, compiled=compiled)
    seen, lacking = tried(desk, checked.site, packets)
    verdicts += seen
    if output == "json":
        desk.screen.data(verdicts_json(verdicts))
    else:
        desk.screen.show(*verdict_parts(verdicts))
    if not all(each.agrees for each in verdicts):
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if lacking else ExitCode.DONE


def _compiled(
    desk: Desk, site: Path | None, *, devices: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[Compiled, ...]:
    from orchestrator.cli.sites import checked_site
    from orchestrator.model.network import Platform
    from orchestrator.workflows.network import compiled_for

    checked = checked_site(desk, site)
    today = desk.wiring.clock.now().date()
    kinds = frozenset(Platform(name) for name in targets)
    compiled = compiled_for(checked.site, today=today, kinds=kinds)
    chosen = texts_of_devices(devices, checked.site, compiled)
    return tuple(one for one in compiled if not devices or one.file_name in chosen)


for _command in (diff, backup, backups):
    network.add_command(_command)
