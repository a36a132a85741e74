"""The system software layer: what the cloud platform offers to its tenants, and host policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.backup import BackupPolicy as BackupPolicy
from orchestrator.model.backup import BackupRepository as BackupRepository
from orchestrator.model.backup import BackupSet as BackupSet
from orchestrator.model.hardware import ServerRole
from orchestrator.model.network import VlanId
from orchestrator.model.units import (
    NOWHERE,
    Name,
    NaturalInt,
    PositiveInt,
    Source,
    Text,
)


class Visibility(StrEnum):
    """Who may use an image."""

    PUBLIC = "public"
    PRIVATE = "private"


class NetworkKind(StrEnum):
    """How a provider network reaches the wire."""

    FLAT = "flat"
    VLAN = "vlan"


class ImageForm(StrEnum):
    """What the file of a built image is."""

    TAR = "tar"
    """A root file system as an archive."""
    EXT4 = "ext4"
    """A root file system as it lies on a partition."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBuild:
    """How an image is made: the same input gives the same digest, on any day."""

    snapshot: date
    """Nothing that was published after this day (UTC) is in it."""
    repositories: tuple[PackageRepository, ...] = ()
    """Empty: those of the host baseline with the same operating system."""
    packages: tuple[str, ...] = ()
    """Installed beside Debian's required ones."""
    services: tuple[str, ...] = ()
    """Units that start at boot."""
    files: dict[str, str] = field(default_factory=dict)
    """Text by absolute path; everybody may read it."""
    form: ImageForm = ImageForm.TAR
    size_mib: PositiveInt = 2048
    """Of a file system; a deployment grows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A disk image; `file` is relative to the site directory, `sha256` proves its content."""

    name: Name
    display: Text
    file: str
    """Where a brought image lies, and where a built one is put."""
    sha256: str
    """What the content must have: one that was built differently is not taken."""
    build: ImageBuild | None = None
    """None: it is brought, not built."""
    disk_format: str = "raw"
    os_distro: str
    os_version: str
    min_disk_gib: NaturalInt = 0
    min_memory_mib: NaturalInt = 0
    visibility: Visibility = Visibility.PUBLIC
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flavor:
    """A size of virtual machine."""

    name: Name
    vcpus: PositiveInt
    memory_mib: PositiveInt
    disk_gib: NaturalInt
    extra_specs: dict[str, str] = field(default_factory=dict)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostAggregate:
    """A set of compute hosts with one availability zone, chosen by region, role and rack."""

    name: Name
    availability_zone: Name
    region: Name
    role: ServerRole = ServerRole.COMPUTE
    racks: tuple[Name, ...] = ()
    """Empty: every rack of the region."""
    metadata: dict[str, str] = field(default_factory=dict)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressScope:
    """A set of addresses in which routing needs no translation."""

    name: Name
    ip_version: Annotated[int, Interval(ge=4, le=6)] = 4
    shared: bool = True
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubnetPool:
    """Address space that tenant subnets are cut from."""

    name: Name
    prefixes: tuple[IPv4Network | IPv6Network, ...]
    default_prefix_length: PositiveInt
    address_scope: Name
    shared: bool = True
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderNetwork:
    """A network that the physical layer carries, with one subnet."""

    name: Name
    zone: Name
    kind: NetworkKind = NetworkKind.VLAN
    physical_network: str
    vlan_id: VlanId | None = None
    external: bool = False
    shared: bool = False
    prefix: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None = None
    dhcp: bool = False
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeType:
    """A class of block storage."""

    name: Name
    description: str
    extra_specs: dict[str, str] = field(default_factory=dict)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageRepository:
    """A package repository, as a mirror inside the site; a snapshot pins what hosts get."""

    name: Name
    uri: str
    suite: str
    """Debian's suite, such as `bookworm`."""
    components: tuple[str, ...] = ("main",)
    signed_by: str = "/usr/share/keyrings/debian-archive-keyring.gpg"
    """The file on the host that holds the public half of the archive's signature."""
    snapshot: date | None = None
    """Nothing that was published after this day (UTC) is taken from it; none: its newest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostUser:
    """A person or program that logs in to hosts."""

    name: Name
    ssh_keys: tuple[str, ...]
    """Lines of `authorized_keys`; no other ones are left in the file."""
    sudo: bool = False
    """May become root, without a password: the login itself is the proof."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostBaseline:
    """What every host of the named roles runs."""

    name: Name
    roles: tuple[ServerRole, ...]
    os_distro: str
    os_version: str
    ntp_servers: tuple[str, ...]
    dns_servers: tuple[IPv4Address | IPv6Address, ...]
    log_servers: tuple[str, ...]
    repositories: tuple[PackageRepository, ...] = ()
    """Empty: those that the image brought are left as they are."""
    packages: tuple[str, ...] = ()
    """Installed beside what the baseline itself needs."""
    users: tuple[HostUser, ...] = ()
    kernel: dict[str, str] = field(default_factory=dict)
    """Kernel settings by their sysctl name; a host that refuses one is told of."""
    journal_days: PositiveInt = 180
    """How long the host keeps its own log; six months is what the law asks for."""
    metrics_port: PositiveInt | None = None
    """Where the host's measurements are read, at its declared address; none: nowhere."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceWindow:
    """When work may disturb a region; local time, hours may pass midnight."""

    name: Name
    region: Name
    weekdays: tuple[Annotated[int, Interval(ge=1, le=7)], ...]
    start: str
    """`HH:MM`."""
    hours: PositiveInt
    max_parallel_hosts: PositiveInt = 1
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """A time in which nothing may be disturbed, whatever the windows say; on the site's clock."""

    name: Name
    since: str
    """`YYYY-MM-DDTHH:MM`."""
    until: str
    """`YYYY-MM-DDTHH:MM`; from then on the windows count again."""
    reason: str
    regions: tuple[Name, ...] = ()
    """Empty: all."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemLayer:
    """Everything of the system software."""

    images: tuple[Image, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    host_aggregates: tuple[HostAggregate, ...] = ()
    address_scopes: tuple[AddressScope, ...] = ()
    subnet_pools: tuple[SubnetPool, ...] = ()
    provider_networks: tuple[ProviderNetwork, ...] = ()
    volume_types: tuple[VolumeType, ...] = ()
    host_baselines: tuple[HostBaseline, ...] = ()
    backup_policies: tuple[BackupPolicy, ...] = ()
    backup_repositories: tuple[BackupRepository, ...] = ()
    backup_sets: tuple[BackupSet, ...] = ()
    maintenance_windows: tuple[MaintenanceWindow, ...] = ()
    freezes: tuple[Freeze, ...] = ()
