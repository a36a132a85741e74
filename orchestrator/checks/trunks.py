"""Checks of what joins the regions: lines, their bandwidth, and what routers say on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from orchestrator.checks.addresses import AddressSet, Network, nested_pairs
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, Known, claimed_twice, error, warning
from orchestrator.model.network import INTERNET, Carrier, PrefixRole

HEADROOM: Final = 1.2
"""Bandwidth over the sum of the committed peaks (rule N12 of the city's network standard)."""
FEWEST_ADDRESSES: Final = 4
"""Of a line's prefix: two ends, its network and its broadcast address."""
BEYOND_AGGREGATES: Final = frozenset({PrefixRole.PUBLIC, PrefixRole.INTERCONNECT})
"""Roles that no other region is told of: the internet's routers and the line itself know them."""


@error(
    "NW034",
    "A reference between regions leads nowhere",
    remedy="Correct the name, or declare the thing.",
)
def trunk_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require the regions of routing and commitments, and a flow's inspecting device, to exist."""
    network = index.site.network
    regions, devices = Known("region", index.regions), Known("device", index.devices)
    for routing in network.routing:
        yield from regions.miss(routing.region, routing.source, "region")
    for commitment in network.commitments:
        yield from regions.miss(commitment.from_region, commitment.source, "from_region")
        yield from regions.miss(commitment.to, commitment.source, "to")
    for flow in network.flows:
        yield from devices.miss(flow.inspected_by, flow.source, "inspected_by")


@error(
    "NW035",
    "A region's routing is declared twice, or its number is another's",
    remedy="Keep one entry a region, each with a number of its own.",
)
def routing_is_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require one routing entry a region, and an AS number that no other region has.

    Routers drop a route that carries their own number: two regions with one number are deaf to
    each other.
    """
    routing = index.site.network.routing
    regions = (Claim(each.region, "this entry", each.source, "region") for each in routing)
    yield from claimed_twice("The region", regions)
    numbers = (Claim(each.asn, f"region {each.region}", each.source, "asn") for each in routing)
    yield from claimed_twice("The number", numbers)


@error(
    "NW036",
    "Aggregates of two regions overlap",
    remedy="Give each region ranges of its own.",
)
def aggregates_do_not_overlap(index: SiteIndex) -> Iterator[Finding]:
    """Require that no address is announced by two regions: packets would go to either."""
    entries = [
        (each, number, aggregate)
        for each in index.site.network.routing
        for number, aggregate in enumerate(each.aggregates)
    ]
    for outer, inner in nested_pairs([aggregate for _, _, aggregate in entries]):
        around, (routing, number, aggregate) = entries[outer], entries[inner]
        detail = f"{aggregate} of {routing.region} lies in {around[2]} of {around[0].region}."
        yield Finding(detail, routing.source.at(f"aggregates.{number}"))


@warning(
    "NW037",
    "A prefix is outside the aggregates of its region",
    remedy="Widen the region's aggregates, or move the prefix.",
)
def prefixes_are_announced(index: SiteIndex) -> Iterator[Finding]:
    """Expect all prefixes of a region in what it announces: the others cannot answer to the rest.

    Public prefixes and those of lines are left out; no other region is told of them.
    """
    aggregates: dict[str, list[Network]] = defaultdict(list)
    for routing in index.site.network.routing:
        aggregates[routing.region] += routing.aggregates
    announced = {region: AddressSet(networks) for region, networks in aggregates.items()}
    for prefix in index.site.network.prefixes:
        known = announced.get(prefix.region)
        if known and prefix.role not in BEYOND_AGGREGATES and not known.holds_all_of(prefix.prefix):
            detail = f"No aggregate of {prefix.region} holds {prefix.prefix}."
            yield Finding(detail, prefix.source.at("prefix"))


@error(
    "NW038",
    "A line's prefix is not its own",
    remedy="Declare an `interconnect` prefix of four addresses or more for each line.",
)
def line_prefixes_are_interconnects(index: SiteIndex) -> Iterator[Finding]:
    """Require a line's prefixes to be declared, of the role interconnect, and of one line only."""
    carriers = index.site.network.carriers
    for carrier, number, prefix in _line_prefixes(carriers):
        declared = index.prefixes.get(prefix)
        fits = declared is not None and declared.role is PrefixRole.INTERCONNECT
        if not fits or prefix.num_addresses < FEWEST_ADDRESSES:
            detail = f"{prefix} of {carrier.name} is no declared interconnect of four addresses."
            yield Finding(detail, carrier.source.at(f"prefixes.{number}"))
    claims = (
        Claim(prefix, carrier.name, carrier.source, f"prefixes.{number}")
        for carrier, number, prefix in _line_prefixes(carriers)
    )
    yield from claimed_twice("The prefix", claims)


def _line_prefixes(carriers: tuple[Carrier, ...]) -> Iterator[tuple[Carrier, int, Network]]:
    for carrier in carriers:
        for number, prefix in enumerate(carrier.prefixes):
            yield carrier, number, prefix


@warning(
    "NW039",
    "Two places are joined by one line only",
    remedy="Order a second line of another carrier, on another route.",
)
def lines_are_doubled(index: SiteIndex) -> Iterator[Finding]:
    """Expect two lines or more, of two carriers or more, between places that are joined.

    GB 50174-2017, table A: grades A and B have lines of two carriers at least.
    """
    for lines in _trunks(index).values():
        if len({line.provider for line in lines}) < 2:
            [first, *_] = lines
            word = "is the only line" if len(lines) == 1 else "and its fellows are of one carrier"
            detail = f"{first.name} {word} between {first.from_region} and {first.to}."
            yield Finding(detail, first.source)


@error(
    "NW040",
    "Lines cannot carry what was promised",
    remedy="Order more bandwidth, or promise less.",
)
def lines_carry_the_commitments(index: SiteIndex) -> Iterator[Finding]:
    """Require 1.2 times the committed peaks between two regions, with the largest line lost.

    A second line that is too small for the peak is no second line. With one line only, that one
    must carry them.
    """
    trunks = _trunks(index)
    promised: dict[frozenset[str], list[int]] = defaultdict(list)
    for commitment in index.site.network.commitments:
        ends = frozenset((commitment.from_region, commitment.to))
        if not ends <= index.regions.keys():
            continue  # NW034's finding
        promised[ends].append(commitment.peak_mbps)
        needed = HEADROOM * sum(promised[ends])
        widths = sorted(line.bandwidth_mbps for line in trunks.get(ends, ()))
        left = sum(widths[:-1]) if len(widths) > 1 else sum(widths)
        if left < needed:
            detail = (
                f"With {commitment.name}, {needed:.0f} Mbit/s are needed between "
                f"{commitment.from_region} and {commitment.to}; with the largest line lost, "
                f"{left} Mbit/s are left."
            )
            yield Finding(detail, commitment.source.at("peak_mbps"))


def _trunks(index: SiteIndex) -> dict[frozenset[str], list[Carrier]]:
    """Group the lines between regions by the two they join."""
    trunks: dict[frozenset[str], list[Carrier]] = defaultdict(list)
    for carrier in index.site.network.carriers:
        if INTERNET not in (carrier.from_region, carrier.to):
            trunks[frozenset((carrier.from_region, carrier.to))].append(carrier)
    return trunks


CHECKS: tuple[Check, ...] = (
    trunk_references_resolve,
    routing_is_unique,
    aggregates_do_not_overlap,
    prefixes_are_announced,
    line_prefixes_are_interconnects,
    lines_are_doubled,
    lines_carry_the_commitments,
)
