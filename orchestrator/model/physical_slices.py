"""Slices of the physical layers: rooms, network and hardware of one region (see `slices.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PortSlice:
    """A server's network interface, for an Ironic port."""

    mac: str
    pxe: bool
    switch: str
    switch_port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSlice:
    """A server, for an Ironic node."""

    name: str
    region: str
    rack: str
    unit: int
    serial: str
    role: str
    profile: str
    resource_class: str
    traits: tuple[str, ...]
    bmc_address: str
    bmc_user: str
    bmc_password: str
    """A `secret://` reference; the provider opens it at the wire."""
    cpu_threads: int
    memory_gib: int
    disk_gib: int
    architecture: str
    ports: tuple[PortSlice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsSlice:
    """What is kept on one server's BMC, where its profile declares anything to keep."""

    server: str
    bmc_address: str
    bmc_user: str
    bmc_password: str
    """A `secret://` reference; the provider opens it at the wire."""
    asset_tag: str | None
    bios: dict[str, str]
    boot_order: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HardwareSlice:
    """One region's servers."""

    site: str
    region: str
    servers: tuple[ServerSlice, ...]
    settings: tuple[SettingsSlice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PduSlice:
    """A PDU with what hangs on it."""

    name: str
    place: str
    address: str
    login: dict[str, str]
    """SNMP version, and what that version logs in with: a user, `secret://` references."""
    outlets: dict[str, str]
    near_overload_amperes: int | None
    overload_amperes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpsSlice:
    """A UPS."""

    name: str
    place: str
    address: str
    login: dict[str, str]
    low_battery_minutes: int | None
    audible_alarm: str | None
    """`enabled` or `disabled`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorSlice:
    """A sensor."""

    name: str
    place: str
    address: str
    login: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSlice:
    """The devices of one region's machine rooms."""

    site: str
    region: str
    pdus: tuple[PduSlice, ...]
    ups: tuple[UpsSlice, ...]
    sensors: tuple[SensorSlice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkDeviceSlice:
    """A network device with what it shall run."""

    name: str
    platform: str
    model: str
    address: str
    login: dict[str, str]
    """A user, and a `secret://` reference as `password` or `key`."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSlice:
    """The network devices of one region that this tool configures."""

    site: str
    region: str
    devices: tuple[NetworkDeviceSlice, ...]
