"""The options of `orchestrator network`: questions, targets, and names that are nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import Command

if TYPE_CHECKING:
    from orchestrator.compile.targets import Compiled
    from orchestrator.model.site import Site
    from orchestrator.planning.reachability import Question, Reachability

KINDS = ("nftables", "frr", "vrp", "comware")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question to the flows names."""

    from_: str | None
    to: str | None
    protocol: str | None
    port: int | None


def with_question(command: Command) -> Command:
    """Add the options of a question; the command gets them as one `asked`."""

    @click.option("--from", "from_", metavar="END", help="internet, zone/Z, project/T/P, address.")
    @click.option("--to", metavar="END", help="The same, for where it leads.")
    @click.option("--protocol", type=click.Choice(["tcp", "udp", "icmp"]), help="Its protocol.")
    @click.option("--port", type=click.IntRange(1, 65535), help="Its port.")
    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, **parsed: Any) -> int:  # noqa: ANN401 - Click's
        asked = Asked(*(parsed.pop(name) for name in ("from_", "to", "protocol", "port")))
        return command(*args, asked=asked, **parsed)

    return gather


target_option = click.option(
    "--target", "targets", type=click.Choice(KINDS), multiple=True, help="Only these; may repeat."
)


def question_of(asked: Asked) -> Question:
    """Return what was asked, in the words of the flows."""
    from orchestrator.model.network import Protocol
    from orchestrator.planning.reachability import Question

    if asked.protocol == "icmp" and asked.port is not None:
        raise click.UsageError("icmp has no ports: leave --port out")
    return Question(
        from_=asked.from_,
        to=asked.to,
        protocol=Protocol(asked.protocol) if asked.protocol else None,
        port=asked.port,
    )


def refuse_unknown_ends(question: Question, reachability: Reachability) -> None:
    """Refuse an end that is nothing, before it looks like traffic that is refused."""
    from orchestrator.model.names import did_you_mean

    for end in (question.from_, question.to):
        if end is None:
            continue
        try:
            reachability.places(end)
        except LookupError as error:
            guess = did_you_mean(end, list(reachability.ends()))
            raise click.UsageError(f"{error}.{guess}") from error


def refuse_unknown_regions(regions: tuple[str, ...], site: Site) -> None:
    """Refuse a region that the site does not have."""
    from orchestrator.model.names import did_you_mean

    known = [region.name for region in site.regions]
    for name in regions:
        if name not in known:
            raise click.UsageError(f"the site has no region `{name}`.{did_you_mean(name, known)}")


def texts_of_devices(
    names: tuple[str, ...], site: Site, compiled: tuple[Compiled, ...]
) -> frozenset[str]:
    """Return the files of what was compiled for devices, or for regions' firewalls and routers.

    A zone firewall has its region's ruleset. A name that nothing was compiled for is refused.
    """
    from orchestrator.model.names import did_you_mean
    from orchestrator.model.network import Platform

    of_regions = (Platform.NFTABLES, Platform.FRR)
    files: dict[str, set[str]] = defaultdict(set)
    for one in compiled:
        for name in {one.name, one.region} if one.kind in of_regions else {one.name}:
            files[name].add(one.file_name)
    for device in site.network.devices:
        if device.platform is Platform.NFTABLES:
            region = site.region_of_rack(device.rack)
            files[device.name] |= {
                one.file_name
                for one in compiled
                if (one.kind, one.region) == (Platform.NFTABLES, region)
            }
    for name in names:
        if not files.get(name):
            guess = did_you_mean(name, sorted(files))
            raise click.UsageError(f"nothing is compiled for `{name}`.{guess}")
    return frozenset(file for name in names for file in files[name])
