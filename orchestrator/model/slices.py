"""Slices of the site: exactly what one stack's program needs, so that its digest is its input.

A slice is plain data (JSON in, JSON out) and holds no secret, only references. Here: what a cloud
offers, and its tenants; `physical_slices.py` has what is under them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
    """One security group rule, from a declared flow.

    Its written form, `flow: ingress tcp 443 from 10.1.0.0/16`, is how it stands in a resource:
    a plan shows it as it is, and two sets of rules compare as sets of texts.
    """

    flow: str
    direction: str
    """`ingress` or `egress`."""
    ethertype: str
    """`IPv4` or `IPv6`; the written form tells it by the prefix."""
    protocol: str
    """`tcp`, `udp`, `icmp`, `ipv6-icmp`, or `any`."""
    port_min: int | None
    port_max: int | None
    remote_prefix: str

    def __str__(self) -> str:
        """Write the rule."""
        ports = "any" if self.port_min is None else f"{self.port_min}"
        if self.port_max != self.port_min:
            ports = f"{self.port_min}-{self.port_max}"
        towards = "from" if self.direction == "ingress" else "to"
        return (
            f"{self.flow}: {self.direction} {self.protocol} {ports} {towards} {self.remote_prefix}"
        )

    @classmethod
    def parse(cls, written: str) -> RuleSlice:
        """Read a written rule. Raises ValueError for anything else."""
        flow, _, rule = written.rpartition(": ")
        words = rule.split(" ")
        if not flow or len(words) != 5 or words[0] not in {"ingress", "egress"}:
            raise ValueError(f"{written!r} is no rule: `flow: ingress tcp 443 from 10.1.0.0/16`")
        direction, protocol, ports, _, prefix = words
        first, _, last = ports.partition("-")
        return cls(
            flow=flow,
            direction=direction,
            ethertype="IPv6" if ":" in prefix else "IPv4",
            protocol=protocol,
            port_min=None if ports == "any" else int(first),
            port_max=None if ports == "any" else int(last or first),
            remote_prefix=prefix,
        )


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
    """The pool that holds the project's prefix."""
    dns_servers: tuple[str, ...]
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
