"""Maintenance: what hosts and the cloud tell beforehand, what is planned, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.model.firmware import FirmwareChange
from orchestrator.model.inventory import Unknown


class Need(StrEnum):
    """What maintenance is asked to do."""

    PATCH = "patch"
    """Bring every package to what the declared repositories have; reboot where that needs it."""
    KERNEL = "kernel"
    """Bring the kernel to what the declared repositories have, and boot it."""
    REBOOT = "reboot"
    CERTIFICATES = "certificates"
    """Give hosts a new certificate whose own ends soon."""
    FIRMWARE = "firmware"
    """Bring servers to the firmware that their profiles declare."""


class Act(StrEnum):
    """One thing that is done to a host, in the order of the members."""

    RENEW = "renew certificate"
    """Its services read a new certificate; connections that are open stay."""
    HAND_OVER = "hand over"
    """Its databases' primaries go to replicas on other hosts."""
    CORDON = "cordon"
    """Nova places nothing new on it."""
    DRAIN = "drain"
    """Its instances are moved to other hosts while they run."""
    PATCH = "patch"
    KERNEL = "kernel"
    REBOOT = "reboot"
    FIRMWARE = "update firmware"
    """Its BMC fetches the images and takes them; some wait for the power cycle."""
    REBOOT_IF_NEEDED = "reboot if needed"
    POWER_CYCLE = "power cycle"
    """Its operating system is shut down, and its BMC switches it off and on."""
    CHECK = "check"
    UNCORDON = "uncordon"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageChange:
    """A package that an upgrade changes; an empty version is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What a host tells of itself."""

    boot_id: str
    """Drawn anew by the kernel at every boot."""
    kernel: str
    """The one that runs."""
    pending: tuple[PackageChange, ...] | Unknown
    """What an upgrade would change; unknown where the repositories do not answer."""
    held: tuple[str, ...]
    """Packages that somebody told apt to leave alone."""
    unconfigured: tuple[str, ...]
    """Packages that are unpacked and not set up."""
    reboot_reasons: tuple[str, ...]
    failed_units: tuple[str, ...]
    free_mib: int
    """Of the root file system."""
    clock_ahead_seconds: float
    """How far its clock is ahead of this machine's; negative: behind."""


CORDONED_BY = "orchestrator maintenance "
"""What Nova is told why a host takes nothing; the plan's id follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeHost:
    """A compute host as Nova and Placement have it."""

    name: str
    service: str
    """Id of its compute service."""
    zone: str
    enabled: bool
    up: bool
    vcpus: float
    """That may be given to instances: with overcommit, without what is reserved."""
    memory_mib: float
    disk_gib: float
    reason: str = ""
    """Why it is disabled."""
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()

    @property
    def left_by(self) -> str:
        """Return the maintenance that disabled it and did not enable it again, or nothing."""
        ours = not self.enabled and self.reason.startswith(CORDONED_BY)
        return self.reason.removeprefix(CORDONED_BY) if ours else ""

    @property
    def takes_instances(self) -> bool:
        """Say whether Nova would place anything on it."""
        return self.enabled and self.up


class GroupPolicy(StrEnum):
    """What a server group asks of its members' hosts."""

    AFFINITY = "affinity"
    ANTI_AFFINITY = "anti-affinity"
    SOFT_AFFINITY = "soft-affinity"
    SOFT_ANTI_AFFINITY = "soft-anti-affinity"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """A tenant's virtual machine."""

    id: str
    name: str
    host: str
    status: str
    """Nova's, such as ACTIVE."""
    task: str = ""
    """What Nova is doing with it."""
    vcpus: int
    memory_mib: int
    disk_gib: int = 0
    """On its host; a volume is elsewhere."""
    group: str = ""
    """Id of its server group."""
    policy: GroupPolicy | None = None
    traits: frozenset[str] = frozenset()
    """That its host has to have."""
    devices: tuple[str, ...] = ()
    """What of the host's own hardware it holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRoles:
    """Where a database service runs now; its name is TENANT/SERVICE."""

    service: str
    hosts: tuple[str, ...]
    """All that have it, or may have it: a host that does not answer may."""
    primary: str | Unknown
    standbys: tuple[str, ...] = ()
    """Hosts whose replica follows the primary and may take over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What was seen before planning; what was not asked for is not in it."""

    hosts: Mapping[str, HostFacts | Unknown]
    computes: Mapping[str, ComputeHost] = field(default_factory=dict)
    """By the server's name."""
    instances: tuple[Instance, ...] = ()
    services: tuple[ServiceRoles, ...] = ()
    certificates: Mapping[str, datetime | Unknown] = field(default_factory=dict)
    """When each host's certificate ends; a host that has none is not in it."""
    firmware: Mapping[str, tuple[FirmwareChange, ...] | Unknown] = field(default_factory=dict)
    """What each server's firmware lacks of what is declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """An instance that goes to another host."""

    instance: str
    """Its id."""
    name: str
    source: str
    to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """A database whose primary goes to another host."""

    service: str
    source: str
    to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """All that is done to one host, in this order; what fails ends it."""

    number: int
    host: str
    role: str
    acts: tuple[Act, ...]
    moves: tuple[Move, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    packages: tuple[PackageChange, ...] = ()
    certificate_until: str = ""
    """When its certificate ends, which is renewed; ISO 8601."""
    firmware: tuple[FirmwareChange, ...] = ()
    services: tuple[str, ...] = ()
    """Databases that were well on it, and are to be well again."""
    failed_before: tuple[str, ...] = ()
    """Units that had failed before anything was done."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Operations that run at the same time; the next batch begins when all have ended."""

    number: int
    region: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocked:
    """A host that is left as it is, and why."""

    host: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenancePlan:
    """What is to be done, and what it was planned upon."""

    id: str
    site: str
    made: str
    """ISO 8601, in UTC."""
    needs: tuple[Need, ...]
    batches: tuple[Batch, ...]
    blocked: tuple[Blocked, ...]
    idle: tuple[str, ...]
    """Hosts that need nothing."""
    basis: Mapping[str, str]
    """Everything observed that the plan leans on, as fact and value: it is stale once one moved."""
    remarks: tuple[str, ...] = ()
    """What was not looked at, and why."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Return all operations, in their order."""
        return tuple(one for batch in self.batches for one in batch.operations)
