"""Declared flows, as security group rules of one project.

A project may send and receive what flows name, what its own machines say to each other, and
name service and time from the servers that the site declares. Nothing else: the group has no
rule that lets everything out. The metadata service is reachable where an image wants it.
docs/decisions/0006-provider.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

from orchestrator.model.network import INTERNET, Flow, Protocol
from orchestrator.model.site import Site
from orchestrator.model.slices import RuleSlice
from orchestrator.model.tenancy import Project

Network = IPv4Network | IPv6Network
Ports = tuple[int, int] | None

EVERYWHERE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
METADATA = IPv4Network("169.254.169.254/32")
DNS_PORT, NTP_PORT, HTTP_PORT = 53, 123, 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """What passes, seen from a project: a protocol, ports (None: all), and the other side."""

    protocol: str
    ports: Ports
    remote: Network

    def rule(self, flow: str, direction: str) -> RuleSlice:
        """Return the rule that lets it pass."""
        six = self.remote.version == 6
        icmp_six = six and self.protocol == Protocol.ICMP
        return RuleSlice(
            flow=flow,
            direction=direction,
            ethertype="IPv6" if six else "IPv4",
            protocol="ipv6-icmp" if icmp_six else self.protocol,
            port_min=self.ports[0] if self.ports else None,
            port_max=self.ports[1] if self.ports else None,
            remote_prefix=str(self.remote),
        )


def project_rules(
    site: Site, tenant: str, project: Project, *, today: date
) -> tuple[RuleSlice, ...]:
    """Return the rules of a project, sorted; a flow that expired before `today` gives none."""
    ends = {f"project/{tenant}/{project.name}", f"zone/{project.zone}"}
    rules = {*_own_rules(project), *_platform_rules(site)}
    for flow in site.network.flows:
        if flow.expires < today:
            continue
        if flow.to in ends:
            rules.update(_flow_rules(flow, "ingress", _prefixes(site, flow.from_)))
        if flow.from_ in ends:
            rules.update(_flow_rules(flow, "egress", _prefixes(site, flow.to)))
    # Two flows may ask for the same rule, which Neutron takes only once.
    unique = {replace(rule, flow=""): rule for rule in sorted(rules, key=str, reverse=True)}
    return tuple(sorted(unique.values(), key=str))


def _flow_rules(flow: Flow, direction: str, remotes: Iterable[Network]) -> Iterator[RuleSlice]:
    for remote in remotes:
        for ports in _port_ranges(flow.ports):
            traffic = Traffic(protocol=flow.protocol.value, ports=ports, remote=remote)
            yield traffic.rule(flow.name, direction)


def _own_rules(project: Project) -> Iterator[RuleSlice]:
    traffic = Traffic(protocol="any", ports=None, remote=project.prefix)
    for direction in ("ingress", "egress"):
        yield traffic.rule("own-project", direction)


def _platform_rules(site: Site) -> Iterator[RuleSlice]:
    """Let machines ask for names, the time and their metadata, and nothing more of the platform."""
    dns, ntp, http = ((port, port) for port in (DNS_PORT, NTP_PORT, HTTP_PORT))
    for server in dns_servers(site):
        for protocol in ("tcp", "udp"):
            traffic = Traffic(protocol=protocol, ports=dns, remote=ip_network(server))
            yield traffic.rule("platform-dns", "egress")
    for server in _time_servers(site):
        traffic = Traffic(protocol="udp", ports=ntp, remote=ip_network(server))
        yield traffic.rule("platform-ntp", "egress")
    metadata = Traffic(protocol="tcp", ports=http, remote=METADATA)
    yield metadata.rule("platform-metadata", "egress")


def dns_servers(site: Site) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the name servers of the host baselines, each once, in the order declared."""
    servers = [server for b in site.system.host_baselines for server in b.dns_servers]
    return tuple(dict.fromkeys(servers))


def _time_servers(site: Site) -> Iterator[IPv4Address | IPv6Address]:
    """Yield the time servers that are addresses; a rule cannot name a host."""
    for baseline in site.system.host_baselines:
        for server in baseline.ntp_servers:
            try:
                yield ip_address(server)
            except ValueError:
                continue


def _prefixes(site: Site, end: str) -> tuple[Network, ...]:
    """Return the addresses of a flow's end, as few prefixes as cover exactly them.

    Raises LookupError for an end that the site does not declare: `check` finds those first.
    """
    if end == INTERNET:
        return EVERYWHERE
    sort, _, name = end.partition("/")
    if sort == "zone":
        return _collapsed(p.prefix for p in site.network.prefixes if p.zone == name)
    for tenant in site.tenancy.tenants:
        for project in tenant.projects:
            if sort == "project" and name == f"{tenant.name}/{project.name}":
                return (project.prefix,)
    raise LookupError(f"the site declares no {end}")


def _collapsed(prefixes: Iterable[Network]) -> tuple[Network, ...]:
    known = list(prefixes)
    fours = [p for p in known if isinstance(p, IPv4Network)]
    sixes = [p for p in known if isinstance(p, IPv6Network)]
    return (*collapse_addresses(fours), *collapse_addresses(sixes))


def _port_ranges(ports: tuple[int, ...]) -> Iterator[Ports]:
    """Yield consecutive ports as ranges; no ports at all means every port."""
    if not ports:
        yield None
        return
    first = last = min(ports)
    for port in sorted(set(ports))[1:]:
        if port != last + 1:
            yield first, last
            first = port
        last = port
    yield first, last
