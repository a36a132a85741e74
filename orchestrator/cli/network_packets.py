"""The options of `orchestrator network verify` that send packets, and the sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.lab import directory_option, lab_settings

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.model.site import Site
    from orchestrator.verify.judge import Verdict

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Packets:
    """Which packets are asked for."""

    own: bool
    """Through rulesets in namespaces that are made for it and go again."""
    live: bool
    """Through the lab's running firewalls and routers."""
    regions: tuple[str, ...]
    lab: Path | None


def with_packets(command: Command) -> Command:
    """Add the options about packets; the command gets them as one `packets`."""

    @click.option(
        "--packets",
        "own",
        is_flag=True,
        help="Load the rulesets in network namespaces, too, and send packets; needs root and nft.",
    )
    @click.option(
        "--region",
        "regions",
        multiple=True,
        metavar="NAME",
        help="With --packets: of these only; may repeat.",
    )
    @click.option(
        "--live",
        is_flag=True,
        help="Read the rulesets of the lab's running firewalls, too, and send packets from zone to"
        " zone, within and between regions; needs root and `lab up SITE`.",
    )
    @directory_option
    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, directory: Path | None, **parsed: Any) -> int:  # noqa: ANN401 - Click's
        own, live, regions = (parsed.pop(name) for name in ("own", "live", "regions"))
        packets = Packets(own=own, live=live, regions=regions, lab=directory)
        return command(*args, packets=packets, **parsed)

    return gather


def tried(desk: Desk, site: Site, packets: Packets) -> tuple[tuple[Verdict, ...], str]:
    """Return the verdicts on packets, and what this machine lacks to try them."""
    verdicts, lacking = _own(desk, site, packets.regions) if packets.own else ((), "")
    if packets.live:
        live, missing = _live(desk, site, packets.lab)
        verdicts, lacking = verdicts + live, lacking or missing
    return verdicts, lacking


def _own(desk: Desk, site: Site, regions: tuple[str, ...]) -> tuple[tuple[Verdict, ...], str]:
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


def _live(desk: Desk, site: Site, lab: Path | None) -> tuple[tuple[Verdict, ...], str]:
    from orchestrator.lab.network.commands import missing_for_network
    from orchestrator.lab.network.live import LiveNetwork

    lacking = ", ".join(missing_for_network())
    if lacking:
        desk.screen.note(f"The lab's network was not tried; missing: {lacking}.")
        return (), lacking
    network = LiveNetwork(lab_settings(lab))
    today = desk.wiring.clock.now().date()
    return tuple(network.verdicts(site, today=today, watch=desk.screen.note)), ""
