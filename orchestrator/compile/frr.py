"""A region's FRR configuration: its lines to other regions, and what BGP says on them.

A region announces its own aggregates and nothing else. Only the city, the hub, passes on what it
heard: everything to the disaster-recovery region, and to a county everything but other counties.
Both sides of a session say what they expect, so that one wrong configuration opens nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from orchestrator.compile.territory import Network
from orchestrator.model.network import INTERNET, Carrier, DeviceRole, Platform, Routing
from orchestrator.model.site import RegionKind, Site

Address = IPv4Address | IPv6Address

LONGEST_INTERFACE_NAME = 15
"""Characters that Linux allows (IFNAMSIZ)."""
CONNECT_SECONDS = 5
"""Between two tries to open a session."""
_FAMILY = {4: "ip", 6: "ipv6"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One side of a BGP session on a line."""

    carrier: Carrier
    interface: str
    own: Address
    peer: Address
    prefix_length: int
    neighbor: Routing

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        return self.own.version


class Wan:
    """The lines between the regions of a site, and who may hear of whom on them."""

    def __init__(self, site: Site) -> None:
        """Hold the site."""
        self._site = site
        self._kinds = {region.name: region.kind for region in site.regions}

    @property
    def site(self) -> str:
        """Return the site's name."""
        return self._site.name

    @cached_property
    def routing(self) -> Mapping[str, Routing]:
        """Index what the regions announce."""
        return {each.region: each for each in self._site.network.routing}

    def sessions(self, region: str) -> Iterator[Session]:
        """Yield a region's side of its sessions, in the order of the declared lines."""
        for carrier in self._site.network.carriers:
            ends = [carrier.from_region, carrier.to]
            if region not in ends or INTERNET in ends:
                continue
            neighbor = self.routing.get(ends[1] if ends[0] == region else ends[0])
            if neighbor is None:
                continue
            for prefix in carrier.prefixes:
                own, peer = self._addresses(carrier, prefix, region)
                yield Session(
                    carrier=carrier,
                    interface=interface_name(carrier.name),
                    own=own,
                    peer=peer,
                    prefix_length=prefix.prefixlen,
                    neighbor=neighbor,
                )

    def announced(self, speaker: str, listener: str, version: int) -> tuple[Network, ...]:
        """Return the aggregates that a region tells to another."""
        told = [speaker]
        if self._kinds[speaker] is RegionKind.CITY:
            told += [
                heard.neighbor.region
                for heard in self.sessions(speaker)
                if heard.neighbor.region != listener
                and not self._are_counties(heard.neighbor.region, listener)
            ]
        return tuple(
            aggregate
            for region in dict.fromkeys(told)
            for aggregate in self.routing[region].aggregates
            if aggregate.version == version
        )

    def _are_counties(self, *regions: str) -> bool:
        return all(self._kinds[region] is RegionKind.COUNTY for region in regions)

    def _addresses(self, carrier: Carrier, prefix: Network, region: str) -> tuple[Address, Address]:
        """Return our address and the other side's; the prefix's region has its gateway."""
        declared = next((p for p in self._site.network.prefixes if p.prefix == prefix), None)
        hosts = [prefix[number] for number in range(1, 3)]
        first = declared.gateway if declared and declared.gateway else hosts[0]
        second = next(host for host in hosts if host != first)
        holder = declared.region if declared else carrier.from_region
        return (first, second) if holder == region else (second, first)


def interface_name(carrier: str) -> str:
    """Return the name of a line's interface: the line's, shortened with a checksum where long."""
    if len(carrier) <= LONGEST_INTERFACE_NAME:
        return carrier
    checksum = f"{zlib.crc32(carrier.encode()) & 0xFFFF:04x}"
    return f"{carrier[: LONGEST_INTERFACE_NAME - 5].rstrip('.-')}-{checksum}"


def frr_configs(site: Site, region: str) -> Iterator[tuple[str, str]]:
    """Yield a region's FRR routers and their integrated configurations.

    A region without declared FRR routers has one text, by its own name, with all its lines; one
    without routing has none.
    """
    wan = Wan(site)
    own = wan.routing.get(region)
    if own is None:
        return
    sessions = tuple(wan.sessions(region))
    routers = frr_routers(site, region)
    if not routers:
        yield region, _config(wan, own, sessions, title=f"Routers of region {region}", name=region)
    for router in routers:
        ended = tuple(s for s in sessions if line_end(s.carrier, routers) == router)
        title = f"Router {router} of region {region}"
        yield router, _config(wan, own, ended, title=title, name=router)


def frr_routers(site: Site, region: str) -> tuple[str, ...]:
    """Return the names of a region's FRR routers."""
    return tuple(
        device.name
        for device in site.network.devices
        if device.platform is Platform.FRR
        and device.role is DeviceRole.ROUTER
        and site.region_of_rack(device.rack) == region
    )


def line_end(carrier: Carrier, routers: Sequence[str]) -> str | None:
    """Return which of a region's routers ends a line; None where nobody says and several could."""
    if len(routers) == 1:
        return routers[0]
    return next((name for name in carrier.routers if name in routers), None)


def _config(wan: Wan, own: Routing, sessions: tuple[Session, ...], *, title: str, name: str) -> str:
    region = own.region
    return "\n".join(
        [
            f"! {title}, site {wan.site}: made by orchestrator.",
            "! Changes by hand are lost.",
            "frr defaults traditional",
            f"hostname {name}",
            "service integrated-vtysh-config",
            "!",
            *(line for session in sessions for line in _interface(session)),
            *_prefix_lists(wan, region, sessions),
            # A route to nowhere holds each aggregate up while a part of it is down.
            *(f"{_FAMILY[each.version]} route {each} blackhole" for each in own.aggregates),
            "!",
            *_bgp(own, sessions),
            "end",
            "",
        ]
    )


def _interface(session: Session) -> Iterator[str]:
    carrier = session.carrier
    yield f"interface {session.interface}"
    name = session.neighbor.region
    yield f" description {carrier.name} to {name}, {carrier.bandwidth_mbps} Mbit/s"
    yield f" {_FAMILY[session.version]} address {session.own}/{session.prefix_length}"
    yield "exit"
    yield "!"


def _prefix_lists(wan: Wan, region: str, sessions: tuple[Session, ...]) -> Iterator[str]:
    """Yield, for each neighbour and family, what it may be told and what it may tell."""
    for neighbor, version in dict.fromkeys((s.neighbor.region, s.version) for s in sessions):
        for name, speaker, listener in (
            (f"TO-{neighbor}", region, neighbor),
            (f"FROM-{neighbor}", neighbor, region),
        ):
            told = wan.announced(speaker, listener, version)
            rules = [f"permit {each}" for each in told] + ["deny any"]
            for number, rule in enumerate(rules, start=1):
                yield f"{_FAMILY[version]} prefix-list {name} seq {5 * number} {rule}"
        yield "!"


def _bgp(own: Routing, sessions: tuple[Session, ...]) -> Iterator[str]:
    yield f"router bgp {own.asn}"
    identity = next((s.own for s in sessions if s.version == 4), None)
    if identity:
        yield f" bgp router-id {identity}"
    yield " no bgp default ipv4-unicast"
    for session in sessions:
        yield f" neighbor {session.peer} remote-as {session.neighbor.asn}"
        yield f" neighbor {session.peer} description {session.carrier.name}"
        yield f" neighbor {session.peer} timers 3 9"
        # FRR's own 120 s would leave a line that is whole again unused for two minutes.
        yield f" neighbor {session.peer} timers connect {CONNECT_SECONDS}"
    for version in (4, 6):
        yield from _family(own, [s for s in sessions if s.version == version], version)
    yield "exit"
    yield "!"


def _family(own: Routing, sessions: list[Session], version: int) -> Iterator[str]:
    if not sessions:
        return
    yield " !"
    yield f" address-family {'ipv4' if version == 4 else 'ipv6'} unicast"
    for aggregate in own.aggregates:
        if aggregate.version == version:
            yield f"  network {aggregate}"
    for session in sessions:
        neighbor = session.neighbor.region
        yield f"  neighbor {session.peer} activate"
        yield f"  neighbor {session.peer} prefix-list FROM-{neighbor} in"
        yield f"  neighbor {session.peer} prefix-list TO-{neighbor} out"
    yield " exit-address-family"
