"""Which packets to send through a region's zone firewall, and which of them should arrive.

A bounded sample for what is proved on paper before: it shows that the kernel does what the
ruleset says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations

from orchestrator.model.network import INTERNET, Protocol
from orchestrator.model.site import Site
from orchestrator.verify.boxes import Box, Cover, Kind
from orchestrator.verify.intent import Intent, shown
from orchestrator.verify.judge import Difference, Fault, Verdict

MOST_HOSTS = 24
"""One a zone, one for the internet, and as many projects as there is room for."""
SSH_PORT = 22
ALWAYS_PROBED = (SSH_PORT, 443, 445)


@dataclass(frozen=True, slots=True)
class ProbeHost:
    """A host that stands for a flow's end; the number makes its names."""

    number: int
    end: str
    addresses: tuple[tuple[int, int], ...]
    """Version and address."""
    region: str = ""
    zone: str = ""
    """The zone that the end is in, or `internet`."""

    @property
    def shown_addresses(self) -> tuple[tuple[int, str], ...]:
        """Return each version with the address as people write it."""
        return tuple((version, shown(version, address)) for version, address in self.addresses)


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
        return dict(self.destination.shown_addresses)[self.version]

    @property
    def caller(self) -> str:
        """Return the address that it is called from."""
        return dict(self.source.shown_addresses)[self.version]


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


def live_hosts(site: Site, regions: Sequence[str]) -> tuple[ProbeHost, ...]:
    """Return the hosts for the firewalls of several regions, which are joined by their routers."""
    zones = {
        f"project/{tenant.name}/{project.name}": project.zone
        for tenant in site.tenancy.tenants
        for project in tenant.projects
    }
    zones |= {f"zone/{zone.name}": zone.name for zone in site.network.zones}
    found = [
        replace(host, region=region, zone=zones.get(host.end, INTERNET))
        for region in regions
        for host in probe_hosts(site, region, today=date.min)
    ]
    return tuple(replace(host, number=number) for number, host in enumerate(found))


def live_probes(
    site: Site, *, hosts: Sequence[ProbeHost], today: date
) -> tuple[list[Probe], Collection[Probe]]:
    """Return every probe between hosts of several regions, and those that should arrive.

    A probe arrives where the firewalls of both its ends let it through. Hosts of one zone and
    region meet no firewall; the internet is probed from the region that it hangs on.
    """
    covers = {
        region: Cover(list(Intent(site, today=today).declared(region)))
        for region in dict.fromkeys(host.region for host in hosts)
    }
    everything: list[Probe] = []
    wanted: set[Probe] = set()
    for pair in permutations(hosts, 2):
        if not _meet_a_firewall(*pair):
            continue
        passed = [covers[region] for region in {host.region for host in pair}]
        for probe, arrives in _between(pair, passed, _tcp_ports(site)):
            everything.append(probe)
            if arrives:
                wanted.add(probe)
    return everything, wanted


def probes_of_itself(
    site: Site, firewall: ProbeHost, *, hosts: Sequence[ProbeHost], today: date
) -> tuple[list[Probe], Collection[Probe]]:
    """Return SSH to a firewall itself from its region's hosts, and what of it should arrive."""
    cover = Cover(list(Intent(site, today=today).administration(firewall.region)))
    everything = [
        Probe(host, firewall, version, SSH_PORT)
        for host in hosts
        if host.region == firewall.region
        for version in {v for v, _ in host.addresses} & {v for v, _ in firewall.addresses}
    ]
    return everything, {probe for probe in everything if _arrives(cover, probe)}


def _meet_a_firewall(one: ProbeHost, other: ProbeHost) -> bool:
    if one.region == other.region:
        return one.zone != other.zone
    return INTERNET not in (one.zone, other.zone)


def _between(
    pair: tuple[ProbeHost, ProbeHost], covers: Sequence[Cover], ports: Sequence[int]
) -> Iterator[tuple[Probe, bool]]:
    """Yield the probes from one host to another, and whether they should arrive."""
    source, destination = pair
    for version in sorted({v for v, _ in source.addresses} & {v for v, _ in destination.addresses}):
        answers = {
            port: all(
                _arrives(cover, Probe(source, destination, version, port)) for cover in covers
            )
            for port in ports
        }
        opened = [port for port, arrives in answers.items() if arrives]
        for port in sorted({*opened, *(port + 1 for port in opened), *ALWAYS_PROBED}):
            probe = Probe(source, destination, version, port)
            arrives = answers.get(port)
            if arrives is None:
                arrives = all(_arrives(cover, probe) for cover in covers)
            yield probe, arrives


def _tcp_ports(site: Site) -> list[int]:
    return sorted(
        {f for flow in site.network.flows if flow.protocol is Protocol.TCP for f in flow.ports}
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
    found = [
        each
        for pair in permutations(hosts, 2)
        for each in _between(pair, [cover], _tcp_ports(site))
    ]
    return [probe for probe, _ in found], {probe for probe, arrives in found if arrives}


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
