"""The network layer: zones, prefixes, VLANs, devices, links, carriers and declared flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.units import NOWHERE, Name, PositiveInt, Source, Text

VlanId = Annotated[int, Interval(ge=1, le=4094)]
PortNumber = Annotated[int, Interval(ge=1, le=65535)]

INTERNET = "internet"
"""The one flow endpoint that is outside the site."""


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
    flows: tuple[Flow, ...] = ()
