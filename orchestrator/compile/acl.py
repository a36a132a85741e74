"""A region's flows as one ordered, stateless access list, before a vendor's words are put to it.

Switches keep no connections, so every permit has a second line for the way back: tcp that is
established, udp from the flow's port, the echo's reply. The list stands behind the zone firewall,
never in its place (GB/T 22239-2019 8.1.3.2 d asks for session state).
docs/decisions/0013-flows-to-rules.md has the order and its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network
from itertools import product

from orchestrator.compile.permits import Permit, PortSpan, region_permits
from orchestrator.compile.territory import Network, Territory
from orchestrator.model.network import Protocol
from orchestrator.model.site import Site

NEIGHBOUR_DISCOVERY = (133, 134, 135, 136)
"""ICMPv6 types without which IPv6 does not work on a VLAN (RFC 4861)."""
TOO_BIG = {4: "3 4", 6: "2 0"}
"""ICMP type and code that tell a sender of a smaller path (RFC 1191, RFC 8201)."""
ECHO = {4: "8 0", 6: "128 0"}
ECHO_REPLY = {4: "0 0", 6: "129 0"}

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of an access list; None matches everything."""

    permit: bool
    protocol: str
    """`ip`, `tcp`, `udp` or `icmp`, of the list's family."""
    source: Network | None = None
    destination: Network | None = None
    source_ports: PortSpan | None = None
    destination_ports: PortSpan | None = None
    established: bool = False
    icmp: str | None = None
    """Type and code."""
    logging: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessList:
    """The lines of one family."""

    version: int
    lines: tuple[Line, ...]


def access_lists(site: Site, region: str, *, today: date) -> tuple[AccessList, AccessList]:
    """Return a region's lists for IPv4 and IPv6; the last line of each refuses and logs."""
    permits = region_permits(site, region, today=today)
    four, six = (
        AccessList(
            version=version,
            lines=tuple(
                _lines(site, region, [p for p in permits if p.version == version], version=version)
            ),
        )
        for version in (4, 6)
    )
    return four, six


def _lines(site: Site, region: str, mine: Sequence[Permit], *, version: int) -> Iterator[Line]:
    """Yield: what keeps a VLAN alive, permits inside, the wall, permits to and from outside."""
    yield from _housekeeping(site, region, version)
    for permit in mine:
        if permit.source and permit.destination:
            yield from _both_ways(permit, version)
    across = [permit for permit in mine if not (permit.source and permit.destination)]
    if across:
        yield from _wall(site, version)
    for permit in across:
        yield from _both_ways(permit, version)
    yield Line(permit=False, protocol="ip", logging=True)


def _housekeeping(site: Site, region: str, version: int) -> Iterator[Line]:
    if version == 6:
        for number in NEIGHBOUR_DISCOVERY:
            yield Line(permit=True, protocol="icmp", icmp=f"{number} 0")
    yield Line(permit=True, protocol="icmp", icmp=TOO_BIG[version])
    for prefix in site.network.prefixes:
        # Neighbours on one VLAN do not pass the firewall; some switches filter them all the same.
        if prefix.region == region and prefix.vlan and prefix.prefix.version == version:
            yield Line(permit=True, protocol="ip", source=prefix.prefix, destination=prefix.prefix)


def _both_ways(permit: Permit, version: int) -> Iterator[Line]:
    icmp = permit.protocol is Protocol.ICMP
    yield Line(
        permit=True,
        protocol=permit.protocol.value,
        source=permit.source,
        destination=permit.destination,
        destination_ports=permit.ports,
        icmp=ECHO[version] if icmp else None,
    )
    yield Line(
        permit=True,
        protocol=permit.protocol.value,
        source=permit.destination,
        destination=permit.source,
        source_ports=permit.ports,
        established=permit.protocol is Protocol.TCP,
        icmp=ECHO_REPLY[version] if icmp else None,
    )


def _wall(site: Site, version: int) -> Iterator[Line]:
    """Refuse what the permits of the internet must not mean: `any` is then the internet only.

    Addresses that nobody may use are refused on either side. Those that may be ours are refused
    only to each other: to the internet they may be permitted.
    """
    inside = [each for each in Territory(site).inside if each.version == version]
    used = [each.prefix for each in site.network.prefixes if each.prefix.version == version]
    ours = [each for each in inside if each in _PRIVATE or any(map(each.overlaps, used))]
    for network in inside:
        if network not in ours:
            yield Line(permit=False, protocol="ip", source=network)
            yield Line(permit=False, protocol="ip", destination=network)
    for source, destination in product(ours, ours):
        yield Line(permit=False, protocol="ip", source=source, destination=destination)
