"""Declared flows, as the permits that one region's devices must have; everything else is refused.

A region carries what begins or ends in it. The city is the hub: it also carries what passes
between two others, except from one county to another, which passes nowhere (N16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from orchestrator.compile.territory import Network, Place, Territory
from orchestrator.model.network import Flow, Protocol
from orchestrator.model.site import RegionKind, Site

PortSpan = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """Traffic that may begin: from where, to where, on what, and the flows that ask for it."""

    flows: tuple[str, ...]
    source: Network | None
    """None: the internet."""
    destination: Network | None
    """None: the internet."""
    protocol: Protocol
    ports: PortSpan | None
    """None for icmp, which has none."""

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        network = self.source or self.destination
        return network.version if network else 4


Pair = tuple[Network | None, Network | None, Protocol]


def region_permits(site: Site, region: str, *, today: date) -> tuple[Permit, ...]:
    """Return the permits of a region's firewalls, sorted; expired flows give none.

    Flows of the same two ends and protocol are merged: permits of the same two networks never
    share a port.
    """
    territory = Territory(site)
    kinds = {each.name: each.kind for each in site.regions}
    ports: dict[Pair, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for flow in site.network.flows:
        if flow.expires < today:
            continue
        for start, end in product(territory.places(flow.from_), territory.places(flow.to)):
            if _one_family(start, end) and is_carried(region, (start, end), kinds):
                for port in _ports(flow):
                    ports[start.network, end.network, flow.protocol][port].add(flow.name)
    return tuple(sorted(_permits(ports), key=_order))


def is_carried(region: str, ends: tuple[Place, Place], kinds: dict[str, RegionKind]) -> bool:
    """Say whether traffic between two places passes a region's firewalls."""
    start, end = (place.region for place in ends)
    both = {kinds.get(start or ""), kinds.get(end or "")}
    if start != end and both == {RegionKind.COUNTY}:
        return False
    return region in (start, end) or (kinds[region] is RegionKind.CITY and start != end)


def _one_family(start: Place, end: Place) -> bool:
    if start.network is None or end.network is None:
        return start.network is not end.network
    return start.network.version == end.network.version


NO_PORT = 0
"""Stands for icmp's missing port while permits are merged."""


def _ports(flow: Flow) -> Sequence[int]:
    return (NO_PORT,) if flow.protocol is Protocol.ICMP else flow.ports


def _permits(ports: dict[Pair, dict[int, set[str]]]) -> Iterator[Permit]:
    for (source, destination, protocol), flows in ports.items():
        for first, last in port_spans(flows):
            names = {name for port in range(first, last + 1) for name in flows[port]}
            yield Permit(
                flows=tuple(sorted(names)),
                source=source,
                destination=destination,
                protocol=protocol,
                ports=(first, last) if first != NO_PORT else None,
            )


def port_spans(ports: Iterable[int]) -> Iterator[PortSpan]:
    """Yield consecutive ports as spans, in order."""
    ordered = sorted(set(ports))
    first = last = ordered[0]
    for port in ordered[1:]:
        if port != last + 1:
            yield first, last
            first = port
        last = port
    yield first, last


def _order(permit: Permit) -> tuple[object, ...]:
    return (
        permit.version,
        _network_order(permit.source),
        _network_order(permit.destination),
        permit.protocol.value,
        permit.ports or (0, 0),
    )


def _network_order(network: Network | None) -> tuple[int, int]:
    return (-1, -1) if network is None else (int(network.network_address), network.prefixlen)
