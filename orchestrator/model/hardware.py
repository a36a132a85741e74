"""The hardware layer: hardware profiles and the servers built to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from orchestrator.model.firmware import FirmwareImage
from orchestrator.model.inventory import BootDevice
from orchestrator.model.room import Side
from orchestrator.model.units import (
    NOWHERE,
    MacAddress,
    Name,
    NaturalInt,
    PositiveFloat,
    PositiveInt,
    SecretRef,
    Source,
)


class ServerRole(StrEnum):
    """What a server is for."""

    CONTROL = "control"
    COMPUTE = "compute"
    STORAGE = "storage"
    DATABASE = "database"
    BACKUP = "backup"
    NETWORK = "network"


@dataclass(frozen=True, kw_only=True, slots=True)
class HardwareProfile:
    """A model class: every server of it is the same."""

    name: Name
    vendor: str
    model: str
    architecture: str = "x86_64"
    cpu_threads: PositiveInt
    memory_gib: PositiveInt
    disk_gib: PositiveInt
    """Usable local disk, in GiB."""
    height_units: PositiveInt
    nameplate_watts: PositiveInt
    weight_kg: PositiveFloat
    power_supplies: PositiveInt = 2
    resource_class: str
    """Ironic's resource class, for example `baremetal.compute-2u`."""
    traits: tuple[str, ...] = ()
    bios: dict[str, str] = field(default_factory=dict, hash=False)
    """BIOS attributes that every server of this profile must have, by the vendor's names.

    The boot mode is one of them: what Redfish calls a boot mode beside them goes with one boot
    from another device, and is Ironic's.
    """
    boot_order: tuple[BootDevice, ...] = ()
    """What servers try to boot from, first things first; what is not named comes after."""
    asset_tag: bool = False
    """Keep the server's name as the asset tag on its BMC, where a person in the room reads it."""
    firmware: tuple[FirmwareImage, ...] = ()
    """The versions that every server of it is to have; what is not named is left alone."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bmc:
    """A server's management controller, and how to log in."""

    address: IPv4Address | IPv6Address
    user: str
    password: SecretRef


HOST_KEY = SecretRef("secret://ssh/hosts")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostLogin:
    """How a server's own operating system is logged in to over SSH."""

    user: Name = "orchestrator"
    key: SecretRef = HOST_KEY
    """The private key, as `ssh-keygen` writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nic:
    """A network interface and the switch port that its cable goes to."""

    name: str
    mac: MacAddress
    switch: Name
    port: NaturalInt
    pxe: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One machine in one rack; `unit` is its lowest rack unit."""

    name: Name
    profile: Name
    role: ServerRole
    rack: Name
    unit: PositiveInt
    serial: str
    bmc: Bmc
    nics: tuple[Nic, ...]
    psus: tuple[Side, ...] = ()
    """The side of each power supply, where they are not spread over the rack's sides."""
    address: IPv4Address | IPv6Address | None = None
    """Of the host: its own operating system's, in a management network of the region."""
    ssh: HostLogin = field(default_factory=HostLogin)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class HardwareLayer:
    """Everything of the hardware."""

    profiles: tuple[HardwareProfile, ...] = ()
    servers: tuple[Server, ...] = ()
