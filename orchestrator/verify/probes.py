"""Which packets to send through a region's zone firewall, and which of them should arrive.

A bounded sample for what is proved on paper before: it shows that the kernel does what the
ruleset says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations

from orchestrator.model.network import INTERNET, Protocol
from orchestrator.model.site import Site
from orchestrator.verify.boxes import Box, Cover, Kind
from orchestrator.verify.intent import Intent, shown
from orchestrator.verify.judge import Difference, Fault, Verdict

MOST_HOSTS = 24
"""One a zone, one for the internet, and as many projects as there is room for."""
ALWAYS_PROBED = (22, 443, 445)


@dataclass(frozen=True, slots=True)
class ProbeHost:
    """A host that stands for a flow's end; the number makes its names."""

    number: int
    end: str
    addresses: tuple[tuple[int, int], ...]
    """Version and address."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A TCP connection to try."""

    source: ProbeHost
    destination: ProbeHost
    version: int
    port: int

    @property
    def target(self) -> str:
        """Return the address that is connected to."""
        return shown(self.version, dict(self.destination.addresses)[self.version])


def probe_hosts(site: Site, region: str, *, today: date) -> tuple[ProbeHost, ...]:
    """Return the hosts for a region's firewall."""
    intent = Intent(site, today=today)
    ends = [INTERNET, *(f"zone/{zone.name}" for zone in site.network.zones)]
    used = {end for flow in site.network.flows for end in (flow.from_, flow.to)}
    ends += sorted(end for end in used if end.startswith("project/"))
    found = [(end, addresses) for end in ends if (addresses := intent.samples(end, region))]
    return tuple(
        ProbeHost(number, end, addresses)
        for number, (end, addresses) in enumerate(found[:MOST_HOSTS])
    )


def probes(
    site: Site, region: str, *, hosts: Sequence[ProbeHost], today: date
) -> tuple[list[Probe], Collection[Probe]]:
    """Return every probe, and those of them that should arrive.

    For each pair of hosts: the declared ports between them, the port after each, and always the
    ports of administration, the web and file shares.
    """
    declared = list(Intent(site, today=today).declared(region))
    cover = Cover(declared)
    ports = sorted(
        {f for flow in site.network.flows if flow.protocol is Protocol.TCP for f in flow.ports}
    )
    everything: list[Probe] = []
    for source, destination in permutations(hosts, 2):
        for version in {v for v, _ in source.addresses} & {v for v, _ in destination.addresses}:
            open_ports = [
                port for port in ports if _arrives(cover, Probe(source, destination, version, port))
            ]
            chosen = {*open_ports, *(port + 1 for port in open_ports), *ALWAYS_PROBED}
            everything += [Probe(source, destination, version, port) for port in sorted(chosen)]
    return everything, {probe for probe in everything if _arrives(cover, probe)}


def _arrives(cover: Cover, probe: Probe) -> bool:
    source = dict(probe.source.addresses)[probe.version]
    destination = dict(probe.destination.addresses)[probe.version]
    box = Box((source, source), (destination, destination), (probe.port, probe.port))
    return cover.missed(Kind(probe.version, "tcp"), box) is None


def judged(
    region: str,
    everything: Sequence[Probe],
    *,
    wanted: Collection[Probe],
    arrived: Collection[Probe],
) -> Verdict:
    """Return how what arrived compares with what should have."""
    return Verdict(
        target="packets",
        name=region,
        compared=len(everything),
        differences=tuple(_differences(everything, wanted, arrived)),
    )


def _differences(
    everything: Sequence[Probe], wanted: Collection[Probe], arrived: Collection[Probe]
) -> Iterator[Difference]:
    for probe in everything:
        if (probe in wanted) is (probe in arrived):
            continue
        fault = Fault.CLOSED if probe in wanted else Fault.UNDECLARED
        act = (
            "was refused, and a flow declares it"
            if fault is Fault.CLOSED
            else ("arrived, and no flow declares it")
        )
        yield Difference(
            fault=fault,
            detail=f"tcp {probe.port} from {probe.source.end} to {probe.target} {act}.",
            from_=probe.source.end,
            to=probe.destination.end,
            family=f"IPv{probe.version}",
            protocol="tcp",
            ports=str(probe.port),
        )
