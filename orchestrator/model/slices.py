"""Slices of the site: exactly what one stack's program needs, so that its digest is its input.

A slice is plain data (JSON in, JSON out) and holds no secret, only references.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
class HardwareSlice:
    """One region's servers."""

    site: str
    region: str
    servers: tuple[ServerSlice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSlice:
    """An image; `file` is absolute."""

    name: str
    title: str
    file: str
    sha256: str
    disk_format: str
    os_distro: str
    os_version: str
    min_disk_gib: int
    min_memory_mib: int
    visibility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FlavorSlice:
    """A flavor."""

    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    extra_specs: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class AggregateSlice:
    """A host aggregate with the servers declared for it."""

    name: str
    availability_zone: str
    hosts: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressScopeSlice:
    """An address scope."""

    name: str
    ip_version: int
    shared: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SubnetPoolSlice:
    """A subnet pool."""

    name: str
    prefixes: tuple[str, ...]
    default_prefix_length: int
    address_scope: str
    shared: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderNetworkSlice:
    """A provider network with its subnet."""

    name: str
    zone: str
    kind: str
    physical_network: str
    vlan_id: int | None
    external: bool
    shared: bool
    prefix: str
    gateway: str | None
    dhcp: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeTypeSlice:
    """A volume type."""

    name: str
    description: str
    extra_specs: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemSlice:
    """What the platform offers."""

    site: str
    images: tuple[ImageSlice, ...]
    flavors: tuple[FlavorSlice, ...]
    aggregates: tuple[AggregateSlice, ...]
    address_scopes: tuple[AddressScopeSlice, ...]
    subnet_pools: tuple[SubnetPoolSlice, ...]
    provider_networks: tuple[ProviderNetworkSlice, ...]
    volume_types: tuple[VolumeTypeSlice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSlice:
    """One security group rule, from a declared flow."""

    flow: str
    direction: str
    """`ingress` or `egress`."""
    ethertype: str
    protocol: str
    port_min: int | None
    port_max: int | None
    remote_prefix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaSlice:
    """What a project may use."""

    instances: int
    cores: int
    memory_mib: int
    volumes: int
    storage_gib: int
    ports: int
    floating_ips: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectSlice:
    """A project with its quota, network and rules."""

    name: str
    title: str
    region: str
    zone: str
    prefix: str
    external_network: str | None
    """The provider network that the project's router leads to."""
    subnet_pool: str | None
    quota: QuotaSlice
    rules: tuple[RuleSlice, ...]
    protection_level: int
    data_level: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantSlice:
    """A department."""

    site: str
    name: str
    title: str
    description: str
    protection_level: int
    data_level: int
    projects: tuple[ProjectSlice, ...] = field(default_factory=tuple)
