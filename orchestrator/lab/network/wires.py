"""Namespaces and cables of the lab's network: where everything is plugged in, and its addresses.

Bridges stand for VLANs, one for each zone of a region; they live in a namespace of their own. A
firewall has a port for each zone, called as the zone is; a pair of firewalls stands side by side in
every zone, and hosts send to the one that leads. Firewalls and routers of a region meet on
`transit`. What the site does not declare has link-local addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.compile.frr import interface_name
from orchestrator.lab.network.spec import DeviceSpec, NetworkContents, ZoneHost
from orchestrator.model.network import Platform

MANAGEMENT_PORT = "mgmt0"
TRANSIT_PORT = "transit"
HOST_PORT = "eth0"
FIRST_ROUTER = 11
"""Number of a region's first router on its transit; its firewalls begin at 1."""

GATEWAYS = {4: "169.254.0.{}", 6: "fe80::{}"}
TRANSIT = {4: "169.254.100.{}", 6: "fe80::a:{}"}
_LENGTHS = {4: 32, 6: 128}
_TRANSIT_LENGTHS = {4: 24, 6: 64}


@dataclass(frozen=True, slots=True)
class Plug:
    """A port of a namespace on a bridge."""

    bridge: str
    namespace: str
    port: str


def host_namespace(prefix: str, region: str, zone: str) -> str:
    """Return the namespace of a zone's host."""
    return f"{prefix}zone-{region}-{zone}"


def host_ways(host: ZoneHost, *, leader: int) -> Iterator[str]:
    """Yield the commands that make a host send to one of its region's firewalls, by number."""
    for version in sorted({version for version, _ in host.addresses}):
        gateway = GATEWAYS[version].format(leader)
        if version == 4:
            yield f"route replace {gateway}/32 dev {HOST_PORT}"
        yield f"route replace default via {gateway} dev {HOST_PORT}"


def router_ways(hosts: Iterable[ZoneHost], *, leader: int) -> Iterator[str]:
    """Yield the commands that make a router send to one of its region's firewalls, by number."""
    for host in hosts:
        for version, address in host.addresses:
            via = TRANSIT[version].format(leader)
            yield f"route replace {address} via {via} dev {TRANSIT_PORT}"


class Wires:
    """The plan of one lab's network; `prefix` begins the names of all its namespaces."""

    def __init__(self, contents: NetworkContents, *, prefix: str) -> None:
        """Hold what is wanted."""
        self._contents = contents
        self._prefix = prefix

    @property
    def bridges(self) -> str:
        """Return the namespace of the bridges."""
        return f"{self._prefix}wires"

    @property
    def management(self) -> str:
        """Return the namespace by which the machine reaches the devices."""
        return f"{self._prefix}mgmt"

    def device(self, name: str) -> str:
        """Return the namespace of a device."""
        return f"{self._prefix}{name}"

    def host(self, region: str, zone: str) -> str:
        """Return the namespace of a zone's host."""
        return host_namespace(self._prefix, region, zone)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return all of them."""
        return (
            self.bridges,
            self.management,
            *(self.device(device.name) for device in self._contents.devices),
            *(self.host(host.region, host.zone) for host in self._contents.hosts),
        )

    def devices(self, region: str, platform: Platform) -> tuple[DeviceSpec, ...]:
        """Return a region's firewalls, or its routers, in the order of the site."""
        return tuple(
            device
            for device in self._contents.devices
            if (device.region, device.platform) == (region, platform)
        )

    @cached_property
    def administrators(self) -> tuple[tuple[str, str], ...]:
        """Return the management namespace's ports and addresses, one for each network."""
        networks = dict.fromkeys(
            (f"{device.administrator}/{device.prefix_length}") for device in self._contents.devices
        )
        return tuple((f"m{number}", address) for number, address in enumerate(networks))

    def cabling(self) -> Iterator[str]:
        """Yield the commands that make bridges and cables, for `ip -batch` outside of all."""
        plugs = list(self._plugs())
        for number, plug in enumerate(plugs):
            yield (
                f"link add w{number} netns {self.bridges} type veth"
                f" peer name {plug.port} netns {plug.namespace}"
            )
        for line in self._contents.lines:
            near, far = (self.device(end) for end in line.ends)
            yield (f"link add {line.port} netns {near} type veth peer name {line.port} netns {far}")

    def bridging(self) -> Iterator[str]:
        """Yield the commands inside the bridges' namespace."""
        plugs = list(self._plugs())
        for bridge in dict.fromkeys(plug.bridge for plug in plugs):
            yield f"link add {bridge} type bridge"
            yield f"link set {bridge} up"
        for number, plug in enumerate(plugs):
            yield f"link set w{number} master {plug.bridge} up"

    def inside_host(self, host: ZoneHost) -> Iterator[str]:
        """Yield the commands inside a zone's host."""
        yield "link set lo up"
        yield f"link set {HOST_PORT} up"
        for version, address in host.addresses:
            yield _address(f"{address}/{_LENGTHS[version]}", HOST_PORT)
        yield from host_ways(host, leader=1)

    def inside_device(self, device: DeviceSpec) -> Iterator[str]:
        """Yield the commands inside a device: its ports, and what no text of ours tells it."""
        yield "link set lo up"
        yield f"link set {MANAGEMENT_PORT} up"
        yield _address(f"{device.address}/{device.prefix_length}", MANAGEMENT_PORT)
        if device.platform is Platform.NFTABLES:
            yield from self._inside_firewall(device)
        else:
            yield from self._inside_router(device)

    def _inside_firewall(self, device: DeviceSpec) -> Iterator[str]:
        number = 1 + self.devices(device.region, Platform.NFTABLES).index(device)
        for host in self._hosts(device.region):
            port = interface_name(host.zone)
            yield f"link set {port} up"
            for version in (4, 6):
                near = 32 if version == 4 else 64
                yield _address(f"{GATEWAYS[version].format(number)}/{near}", port)
            for _, address in host.addresses:
                yield f"route add {address} dev {port}"
        routers = self.devices(device.region, Platform.FRR)
        if routers:
            yield from self._transit(number)
            yield from self._by_routers(device.region, len(routers))

    def _by_routers(self, region: str, routers: int) -> Iterator[str]:
        """Yield the ways to the other regions: by all routers alike."""
        for network in dict(self._contents.remote).get(region, ()):
            version = 6 if ":" in network else 4
            hops = " ".join(
                f"nexthop via {TRANSIT[version].format(FIRST_ROUTER + number)} dev {TRANSIT_PORT}"
                for number in range(routers)
            )
            yield f"route add {network} {hops}"

    def _inside_router(self, device: DeviceSpec) -> Iterator[str]:
        for line in self._contents.lines:
            if device.name in line.ends:
                yield f"link set {line.port} up"
        if self.devices(device.region, Platform.NFTABLES):
            routers = self.devices(device.region, Platform.FRR)
            yield from self._transit(FIRST_ROUTER + routers.index(device))
            yield from router_ways(self._hosts(device.region), leader=1)

    @staticmethod
    def _transit(number: int) -> Iterator[str]:
        yield f"link set {TRANSIT_PORT} up"
        for version in (4, 6):
            address = f"{TRANSIT[version].format(number)}/{_TRANSIT_LENGTHS[version]}"
            yield _address(address, TRANSIT_PORT)

    def _hosts(self, region: str) -> Sequence[ZoneHost]:
        return [host for host in self._contents.hosts if host.region == region]

    def _plugs(self) -> Iterator[Plug]:
        for number, members in enumerate((*self._zones(), *self._transits(), *self._managed())):
            for namespace, port in members:
                yield Plug(f"b{number}", namespace, port)

    def _zones(self) -> Iterator[list[tuple[str, str]]]:
        """Yield who meets in each zone: its host, and the firewalls of its region."""
        for host in self._contents.hosts:
            port = interface_name(host.zone)
            firewalls = self.devices(host.region, Platform.NFTABLES)
            yield [
                (self.host(host.region, host.zone), HOST_PORT),
                *((self.device(firewall.name), port) for firewall in firewalls),
            ]

    def _transits(self) -> Iterator[list[tuple[str, str]]]:
        """Yield the firewalls and routers of each region that has both."""
        for region in dict.fromkeys(device.region for device in self._contents.devices):
            sides = [self.devices(region, each) for each in (Platform.NFTABLES, Platform.FRR)]
            if all(sides):
                yield [(self.device(one.name), TRANSIT_PORT) for side in sides for one in side]

    def _managed(self) -> Iterator[list[tuple[str, str]]]:
        """Yield who is on each management network: the devices, and the way in from outside."""
        for port, address in self.administrators:
            yield [
                (self.management, port),
                *(
                    (self.device(device.name), MANAGEMENT_PORT)
                    for device in self._contents.devices
                    if f"{device.administrator}/{device.prefix_length}" == address
                ),
            ]


def _address(address: str, port: str) -> str:
    quick = " nodad" if ":" in address else ""
    return f"addr add {address} dev {port}{quick}"
