"""The network layer: zones, prefixes, VLANs, devices, links, carriers and declared flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Final

from annotated_types import Interval

from orchestrator.model.room import Side
from orchestrator.model.units import NOWHERE, Name, PositiveInt, SecretRef, Source, Text

VlanId = Annotated[int, Interval(ge=1, le=4094)]
PortNumber = Annotated[int, Interval(ge=1, le=65535)]

INTERNET = "internet"
"""The one flow endpoint that is outside the site."""

NOT_INTERNET: Final[tuple[IPv4Network | IPv6Network, ...]] = (
    *map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    ),
    *map(IPv6Network, ("::/3", "2001:db8::/32", "4000::/2", "8000::/1")),
)
"""Addresses that no packet from the internet may carry (IANA's special-purpose registries,
RFC 6890). IPv6 outside of 2000::/3 is not assigned to anybody."""


class PrefixRole(StrEnum):
    """What the addresses of a prefix are for."""

    TENANT = "tenant"
    SERVICE = "service"
    STORAGE = "storage"
    BACKUP = "backup"
    MANAGEMENT = "management"
    OUT_OF_BAND = "out-of-band"
    INTERCONNECT = "interconnect"
    PUBLIC = "public"


class DeviceRole(StrEnum):
    """What a network device is for."""

    LEAF = "leaf"
    SPINE = "spine"
    OUT_OF_BAND = "out-of-band"
    FIREWALL = "firewall"
    ROUTER = "router"
    GATEKEEPER = "gatekeeper"
    """An isolation and exchange device (网闸, GB/T 20279)."""


class Platform(StrEnum):
    """What a device runs, and so in whose words its configuration is written."""

    NFTABLES = "nftables"
    """A Linux machine as zone firewall."""
    FRR = "frr"
    """A Linux machine with FRRouting as router."""
    VRP = "vrp"
    """Huawei's."""
    COMWARE = "comware"
    """H3C's."""


class Protocol(StrEnum):
    """Transport protocol of a flow."""

    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """A security zone; nothing passes between zones but declared flows."""

    name: Name
    display: Text
    purpose: str
    protection_level: Annotated[int, Interval(ge=1, le=4)] = 3
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Vlan:
    """A VLAN of one region."""

    name: Name
    region: Name
    vlan_id: VlanId
    zone: Name
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    """An address range of one region and zone; a child lies inside its parent."""

    prefix: IPv4Network | IPv6Network
    region: Name
    zone: Name
    role: PrefixRole
    vlan: Name | None = None
    parent: IPv4Network | IPv6Network | None = None
    gateway: IPv4Address | IPv6Address | None = None
    description: str = ""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceLogin:
    """How to log in to a device by SSH: with a password or with a private key, never both."""

    user: Name
    password: SecretRef | None = None
    key: SecretRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A switch, router, firewall or gatekeeper in a rack."""

    name: Name
    rack: Name
    unit: PositiveInt
    height_units: PositiveInt = 1
    role: DeviceRole
    vendor: str
    model: str
    ports: PositiveInt
    nameplate_watts: PositiveInt = 300
    weight_kg: float = 10.0
    serial: str
    address: IPv4Address | IPv6Address
    pair: Name | None = None
    """The other device of a redundant pair."""
    psus: tuple[Side, ...] = ()
    """The side of each power supply, where it is not one on each side: `[A]` for a single one."""
    platform: Platform | None = None
    """What it runs; without it, a switch's vendor tells, and of others nothing is known."""
    login: DeviceLogin | None = None
    """With one, this tool configures the device; without, its text is compiled and no more."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A cable between two device ports; servers' cables stand at the servers."""

    name: Name
    a: str
    """`device:port`."""
    b: str
    speed_mbps: PositiveInt
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """A leased line of a carrier, between two regions or to the internet."""

    name: Name
    provider: str
    from_region: Name
    to: Name
    """A region, or `internet`."""
    bandwidth_mbps: PositiveInt
    route: str
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()
    """The line's own addresses, two of each family, declared as `interconnect` prefixes.

    A BGP session runs on each; without any, none does.
    """
    routers: tuple[Name, ...] = ()
    """The devices that end the line, one in each region; only a region with several FRR routers
    needs to say."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """What a region's routers say to other regions' by BGP."""

    region: Name
    asn: Annotated[int, Interval(ge=1, le=4_294_967_294)]
    aggregates: tuple[IPv4Network | IPv6Network, ...]
    """All that the region announces: everything in it lies in these."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """A peak of traffic between two regions that was promised to somebody."""

    name: Name
    from_region: Name
    to: Name
    peak_mbps: PositiveInt
    purpose: str
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Traffic that somebody asked for and somebody approved, until a date.

    An end is `internet`, `zone/NAME`, or `project/TENANT/PROJECT`.
    """

    name: Name
    from_: str = field(metadata={"yaml": "from"})
    to: str
    protocol: Protocol
    ports: tuple[PortNumber, ...] = ()
    purpose: str
    owner: Name
    ticket: str
    expires: date
    inspected_by: Name | None = None
    """The firewall or gatekeeper that looks into it; needed where protection levels differ."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkLayer:
    """Everything of the network."""

    zones: tuple[Zone, ...] = ()
    vlans: tuple[Vlan, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    devices: tuple[Device, ...] = ()
    links: tuple[Link, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    routing: tuple[Routing, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    flows: tuple[Flow, ...] = ()
