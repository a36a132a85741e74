"""`orchestrator network`: show it, ask it, compile it, and verify what was compiled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.network_options import (
    Asked,
    question_of,
    refuse_unknown_devices,
    refuse_unknown_ends,
    refuse_unknown_regions,
    target_option,
    with_question,
)
from orchestrator.cli.options import output_option, site_argument

if TYPE_CHECKING:
    from orchestrator.compile.targets import Compiled
    from orchestrator.model.site import Site
    from orchestrator.verify.judge import Verdict


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator network flows --from internet --to zone/base-db --protocol tcp --port 5432",
        "orchestrator network compile --out configurations",
        "orchestrator network verify",
    ),
)
def network() -> None:
    """Show the network, ask what may pass, compile and verify it.

    Only the site's files are read; nothing is connected to.
    """


@network.command(
    examples=(
        "orchestrator network show inventory/yangzhou",
        "orchestrator network show -o svg > network.svg",
    ),
)
@site_argument
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "svg"]),
    default="text",
    help="For people, for machines, or a picture.",
)
@pass_desk
def show(desk: Desk, *, site: Path | None, output: str) -> int:
    """Show regions, devices, lines between regions, and zones."""
    from orchestrator.cli.render.topology import topology_json, topology_parts
    from orchestrator.cli.render.topology_svg import topology_svg
    from orchestrator.cli.sites import checked_site

    found = checked_site(desk, site).site
    if output == "svg":
        desk.screen.raw(topology_svg(found))
    elif output == "json":
        desk.screen.data(topology_json(found))
    else:
        desk.screen.show(*topology_parts(found))
    return ExitCode.DONE


@network.command(
    examples=(
        "orchestrator network flows inventory/yangzhou",
        "orchestrator network flows --to zone/base-db",
        "orchestrator network flows --from 10.17.0.9 --to zone/mgmt --protocol tcp --port 22",
    ),
)
@site_argument
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
        "orchestrator network compile inventory/yangzhou --target nftables --device city",
        "orchestrator network compile --device city-spine-1",
        "orchestrator network compile --out configurations",
    ),
)
@site_argument
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Only this switch, or this region's firewall and routers; may repeat.",
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

    nftables and FRR have one text a region, VRP (Huawei) and Comware (H3C)
    one a switch. Expired flows are in none of them.
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
        "orchestrator network verify inventory/yangzhou",
        "orchestrator network verify --target nftables -o json",
        "sudo orchestrator network verify --packets --region city",
    ),
)
@site_argument
@target_option
@click.option(
    "--packets",
    is_flag=True,
    help="Load the rulesets in network namespaces, too, and send packets; needs root and nft.",
)
@click.option(
    "--region", "regions", multiple=True, metavar="NAME", help="Packets of these only; may repeat."
)
@output_option
@pass_desk
def verify(
    desk: Desk,
    *,
    site: Path | None,
    output: str,
    packets: bool,
    regions: tuple[str, ...],
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
    from orchestrator.compile.targets import TargetKind
    from orchestrator.workflows.network import compiled_for, verify_network

    checked = checked_site(desk, site)
    today = desk.wiring.clock.now().date()
    refuse_unknown_regions(regions, checked.site)
    kinds = frozenset(TargetKind(name) for name in targets)
    compiled = compiled_for(checked.site, today=today, kinds=kinds)
    verdicts = verify_network(checked.site, today=today, compiled=compiled)
    lacking = ""
    if packets:
        tried, lacking = _packets(desk, checked.site, regions=regions)
        verdicts += tried
    if output == "json":
        desk.screen.data(verdicts_json(verdicts))
    else:
        desk.screen.show(*verdict_parts(verdicts))
    if not all(each.agrees for each in verdicts):
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if lacking else ExitCode.DONE


def _packets(
    desk: Desk, site: Site, *, regions: tuple[str, ...]
) -> tuple[tuple[Verdict, ...], str]:
    """Return the verdicts on packets, and what this machine lacks to try them."""
    from orchestrator.compile.nftables import nft_ruleset
    from orchestrator.lab.zone_firewall import missing, try_packets

    lacking = missing()
    if lacking:
        desk.screen.note(f"Packets were not tried: {lacking}.")
        return (), lacking
    today = desk.wiring.clock.now().date()
    verdicts: list[Verdict] = []
    for region in regions or [each.name for each in site.regions]:
        desk.screen.note(f"Sending packets through the firewall of {region} ...")
        ruleset = nft_ruleset(site, region, today=today)
        verdicts += try_packets(site, region, ruleset=ruleset, today=today)
    return tuple(verdicts), ""


def _compiled(
    desk: Desk, site: Path | None, *, devices: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[Compiled, ...]:
    from orchestrator.cli.sites import checked_site
    from orchestrator.compile.targets import TargetKind
    from orchestrator.workflows.network import compiled_for

    checked = checked_site(desk, site)
    today = desk.wiring.clock.now().date()
    kinds = frozenset(TargetKind(name) for name in targets)
    compiled = compiled_for(checked.site, today=today, kinds=kinds)
    refuse_unknown_devices(devices, compiled)
    return tuple(one for one in compiled if not devices or one.name in devices)
