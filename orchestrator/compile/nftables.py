"""A region's flows as an nftables ruleset for its zone firewall, a Linux machine.

Everything that is forwarded is refused but what is declared, in IPv4 and IPv6; so is what is sent
to the machine itself (nft_input.py). The rules are
lookups in sets, so that thousands of flows cost a packet no more than ten. nftables refuses sets
with overlapping entries; two prefixes of equal length never overlap, so there is a set for each
pair of lengths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from orchestrator.compile.nft_input import administrators, input_chain
from orchestrator.compile.permits import Permit, region_permits
from orchestrator.compile.territory import Network, Territory
from orchestrator.model.network import Protocol
from orchestrator.model.site import Site

TABLE = "orchestrator_zones"
LONGEST_COMMENT = 100
"""Bytes; nftables keeps 128."""

_FAMILY = {4: "ip", 6: "ip6"}
_ADDRESS = {4: "ipv4_addr", 6: "ipv6_addr"}
# By type and by number: protocols' names do not load on a host without the package netbase.
_PING = {4: "icmp type echo-request", 6: "icmpv6 type echo-request"}
_NUMBER = {Protocol.TCP: "6", Protocol.UDP: "17"}

Shape = tuple[int, int | None, int | None, bool]
"""Family, prefix lengths of source and destination (None: the internet), whether it is icmp."""


def nft_ruleset(site: Site, region: str, *, today: date) -> str:
    """Return the ruleset of a region's zone firewall, for `nft -f`; loading it replaces the last.

    Established connections go on; a dropped packet is counted, and logged at most ten times a
    second. Flows that expired before `today` are not in it.
    """
    shapes: dict[Shape, list[Permit]] = defaultdict(list)
    permits = region_permits(site, region, today=today)
    for permit in permits:
        shapes[_shape(permit)].append(permit)
    entitled = administrators(site, region, permits)
    families = sorted({network.version for network in entitled})
    blocks = [
        *_address_sets("inside", Territory(site).inside, (4, 6)),
        *_address_sets("administrators", entitled, families),
        *(_set(shape, shapes[shape]) for shape in sorted(shapes, key=str)),
        _chain("forward", _forwarding(shapes)),
        _chain("input", input_chain(families)),
    ]
    return "\n".join(
        [
            f"# Zone firewall of region {region}, site {site.name}: made by orchestrator from",
            f"# {len(site.network.flows)} declared flows, of which {len(permits)} permits are here."
            " Changes by hand are lost.",
            f"table inet {TABLE}",
            f"delete table inet {TABLE}",
            f"table inet {TABLE} {{",
            "\n\n".join(blocks),
            "}",
            "",
        ]
    )


def _shape(permit: Permit) -> Shape:
    source, destination = permit.source, permit.destination
    return (
        permit.version,
        source.prefixlen if source else None,
        destination.prefixlen if destination else None,
        permit.protocol is Protocol.ICMP,
    )


def _address_sets(name: str, networks: Sequence[Network], families: Iterable[int]) -> Iterator[str]:
    for version in families:
        elements = [str(network) for network in networks if network.version == version]
        yield _block(f"{name}{version}", _ADDRESS[version], elements)


def _set(shape: Shape, permits: Iterable[Permit]) -> str:
    version, source, destination, ping = shape
    sides = [_ADDRESS[version] for length in (source, destination) if length is not None]
    kind = " . ".join(sides if ping else [*sides, "inet_proto", "inet_service"])
    return _block(_name(shape), kind, [_element(permit) for permit in permits])


def _block(name: str, kind: str, elements: Sequence[str]) -> str:
    listed = ",\n".join(f"\t\t\t{element}" for element in elements)
    body = f"\t\telements = {{\n{listed}\n\t\t}}\n"
    return f"\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n{body}\t}}"


def _name(shape: Shape) -> str:
    version, source, destination, ping = shape
    lengths = ["net" if length is None else str(length) for length in (source, destination)]
    return f"{'ping' if ping else 'flows'}{version}_{'_'.join(lengths)}"


def _element(permit: Permit) -> str:
    fields = [str(side) for side in (permit.source, permit.destination) if side]
    if permit.ports:
        first, last = permit.ports
        fields += [_NUMBER[permit.protocol], str(first) if first == last else f"{first}-{last}"]
    flows = " ".join(permit.flows)
    shown = flows if len(flows) <= LONGEST_COMMENT else flows[: LONGEST_COMMENT - 3] + "..."
    return f'{" . ".join(fields)} comment "{shown}"'


def _chain(name: str, rules: Iterable[str]) -> str:
    lines = "".join(f"\t\t{rule}\n" for rule in rules)
    return f"\tchain {name} {{\n{lines}\t}}"


def _forwarding(shapes: Iterable[Shape]) -> Iterator[str]:
    yield "type filter hook forward priority filter; policy drop;"
    yield "ct state vmap { established : accept, related : accept, invalid : drop }"
    yield from (_rule(shape) for shape in sorted(shapes, key=str))
    yield 'limit rate 10/second burst 20 packets log prefix "zone-drop " flags all'
    yield "counter drop"


def _rule(shape: Shape) -> str:
    version, source, destination, ping = shape
    family = _FAMILY[version]
    outside = [
        f"{family} {side} != @inside{version}"
        for side, length in (("saddr", source), ("daddr", destination))
        if length is None
    ]
    key = [
        f"{family} {side}"
        for side, length in (("saddr", source), ("daddr", destination))
        if length is not None
    ]
    what = [] if ping else ["meta l4proto", "th dport"]
    words = [*([_PING[version]] if ping else []), *outside, " . ".join([*key, *what])]
    return f"{' '.join(words)} @{_name(shape)} counter accept"
