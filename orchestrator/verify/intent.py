"""What a region's devices should let pass, worked out from the flows alone.

It shares no code with the compiler on purpose, down to what a zone's addresses are: a mistake in
one of the two is a difference, not an agreement.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address

from orchestrator.model.network import INTERNET, NOT_INTERNET, Flow, PrefixRole, Protocol
from orchestrator.model.site import RegionKind, Site
from orchestrator.verify.boxes import (
    ALL_PORTS,
    LAST_ADDRESS,
    Box,
    Kind,
    Opened,
    Span,
    everything,
    kinds,
    outside,
    overlap,
)

ECHO_TYPE = {4: 8, 6: 128}
"""ICMP and ICMPv6 types of an echo request: what an icmp flow opens."""
KEPT_ALIVE = {4: (3,), 6: (2, 133, 134, 135, 136)}
"""Types that every access list lets through: a path's size, and neighbour discovery."""
KEPT_ALIVE_ON_A_FIREWALL = {4: (8,), 6: (128, 135, 136)}
"""Types that reach a firewall itself: echo requests, and neighbour discovery."""
SSH: Span = (22, 22)
SAMPLE_OFFSET = 10
"""From the first address of a prefix: past its network address and its gateways."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Addresses in a row that belong to one zone of one region."""

    span: Span
    zone: str
    region: str


class Intent:
    """The declared flows of a site on a day, as boxes."""

    def __init__(self, site: Site, *, today: date) -> None:
        """Hold the site."""
        self._site = site
        self._today = today
        self._kinds = {region.name: region.kind for region in site.regions}

    def declared(self, region: str) -> Iterator[Opened]:
        """Yield what may begin a connection through a region's devices."""
        for flow in self._site.network.flows:
            if flow.expires >= self._today:
                yield from self._opened(flow, region)

    def fabric(self, region: str) -> Iterator[Opened]:
        """Yield what a region's access lists may let pass besides: it never reaches a firewall."""
        for version, types in KEPT_ALIVE.items():
            whole = everything(version)
            for number in types:
                box = Box(whole.source, whole.destination, (number, number))
                yield Opened(Kind(version, "icmp"), box, "keeps the network alive")
        for prefix in self._site.network.prefixes:
            if prefix.region == region and prefix.vlan:
                span = _span(prefix.prefix)
                for kind in kinds(prefix.prefix.version):
                    yield Opened(kind, Box(span, span, ALL_PORTS), f"VLAN {prefix.vlan}")

    def administration(self, region: str) -> Iterator[Opened]:
        """Yield what may reach a zone firewall of a region itself."""
        for version, types in KEPT_ALIVE_ON_A_FIREWALL.items():
            whole = everything(version)
            for number in types:
                box = Box(whole.source, whole.destination, (number, number))
                yield Opened(Kind(version, "icmp"), box, "keeps the network alive")
        management = [
            prefix.prefix
            for prefix in self._site.network.prefixes
            if prefix.region == region and prefix.role is PrefixRole.MANAGEMENT
        ]
        for network in management:
            yield _ssh(network.version, _span(network), f"management prefix {network}")
        for opened in self.declared(region):
            leads_there = any(
                network.version == opened.kind.version
                and overlap(_span(network), opened.box.destination)
                for network in management
            )
            if opened.kind.protocol == "tcp" and overlap(opened.box.ports, SSH) and leads_there:
                yield _ssh(opened.kind.version, opened.box.source, opened.origin)

    def place(self, version: int, number: int) -> str:
        """Return what an address is in, for people: its zone, or `internet`, or neither."""
        stretches = self._stretches[version]
        index = bisect_right(stretches, number, key=lambda each: each.span[0]) - 1
        if index >= 0 and number <= stretches[index].span[1]:
            return f"zone/{stretches[index].zone}"
        if any(first <= number <= last for first, last in self._internet[version]):
            return INTERNET
        return "no zone"

    def samples(self, end: str, region: str) -> tuple[tuple[int, int], ...]:
        """Return an address of each IP version that an end has in a region, with the version."""
        found = []
        for version in (4, 6):
            spans = [s for home, s in self._spans(end, version) if home in (region, INTERNET)]
            if spans:
                first, last = spans[0]
                found.append((version, min(first + SAMPLE_OFFSET, last)))
        return tuple(found)

    def _opened(self, flow: Flow, region: str) -> Iterator[Opened]:
        for version in (4, 6):
            ports = _ports(flow, version)
            kind = Kind(version, flow.protocol.value)
            for home, source in self._spans(flow.from_, version):
                for away, destination in self._spans(flow.to, version):
                    if self._passes(region, home, away):
                        for span in ports:
                            yield Opened(kind, Box(source, destination, span), flow.name)

    def _passes(self, region: str, home: str, away: str) -> bool:
        """Say whether packets between two regions (or the internet) meet this region's devices."""
        if home == away == INTERNET:
            return False
        counties = [self._kinds.get(each) is RegionKind.COUNTY for each in (home, away)]
        if home != away and all(counties):
            return False
        if region in {home, away}:
            return True
        return self._kinds[region] is RegionKind.CITY and home != away

    def _spans(self, end: str, version: int) -> Sequence[tuple[str, Span]]:
        """Return the region and addresses of a flow's end."""
        if end == INTERNET:
            return [(INTERNET, span) for span in self._internet[version]]
        sort, _, name = end.partition("/")
        if sort == "zone":
            return self._zones.get((name, version), ())
        return self._projects.get((name, version), ())

    @cached_property
    def _projects(self) -> dict[tuple[str, int], list[tuple[str, Span]]]:
        return {
            (f"{tenant.name}/{project.name}", project.prefix.version): [
                (project.region, _span(project.prefix))
            ]
            for tenant in self._site.tenancy.tenants
            for project in tenant.projects
        }

    @cached_property
    def _zones(self) -> dict[tuple[str, int], list[tuple[str, Span]]]:
        found: dict[tuple[str, int], list[tuple[str, Span]]] = defaultdict(list)
        for version, stretches in self._stretches.items():
            for each in stretches:
                found[each.zone, version].append((each.region, each.span))
        return found

    @cached_property
    def _stretches(self) -> dict[int, list[Stretch]]:
        """Cut the address space where a prefix begins or ends; the smallest around it owns it."""
        return {version: list(_joined(self._cut(version))) for version in (4, 6)}

    def _cut(self, version: int) -> Iterator[Stretch]:
        owners = [
            Stretch(_span(prefix.prefix), prefix.zone, prefix.region)
            for prefix in self._site.network.prefixes
            if prefix.prefix.version == version
        ]
        owners.sort(key=lambda each: (each.span[0], -each.span[1]))
        around: list[Stretch] = []
        at = 0
        for owner in [*owners, None]:
            start = owner.span[0] if owner else LAST_ADDRESS[version] + 1
            while around and around[-1].span[1] < start:
                done = around.pop()
                if at <= done.span[1]:
                    yield Stretch((at, done.span[1]), done.zone, done.region)
                    at = done.span[1] + 1
            if owner is None:
                return
            if around and at < start:
                yield Stretch((at, start - 1), around[-1].zone, around[-1].region)
            at = start
            around.append(owner)

    @cached_property
    def _internet(self) -> dict[int, list[Span]]:
        own = [prefix.prefix for prefix in self._site.network.prefixes]
        own += [project.prefix for t in self._site.tenancy.tenants for project in t.projects]
        return {
            version: list(
                outside(
                    (_span(each) for each in (*own, *NOT_INTERNET) if each.version == version),
                    LAST_ADDRESS[version],
                )
            )
            for version in (4, 6)
        }


def shown(version: int, number: int) -> str:
    """Return an address as people write it."""
    return str(ip_address(number.to_bytes(4 if version == 4 else 16, "big")))


def _ssh(version: int, source: Span, origin: str) -> Opened:
    whole = everything(version)
    return Opened(Kind(version, "tcp"), Box(source, whole.destination, SSH), origin)


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    last: Stretch | None = None
    for each in stretches:
        if last and (last.zone, last.region, last.span[1] + 1) == (
            each.zone,
            each.region,
            each.span[0],
        ):
            last = Stretch((last.span[0], each.span[1]), last.zone, last.region)
            continue
        if last:
            yield last
        last = each
    if last:
        yield last


def _ports(flow: Flow, version: int) -> list[Span]:
    if flow.protocol is Protocol.ICMP:
        return [(ECHO_TYPE[version], ECHO_TYPE[version])]
    return [(port, port) for port in sorted(set(flow.ports))]


def _span(network: IPv4Network | IPv6Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)
