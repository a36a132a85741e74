"""What a region can promise to its tenants, and what it has promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.checks.index import SiteIndex
from orchestrator.model.hardware import HardwareProfile, ServerRole
from orchestrator.model.site import Region
from orchestrator.model.tenancy import Project, Quota, Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One thing that quotas are about."""

    name: str
    """As in messages, with its unit."""
    quota_key: str
    quota: Callable[[Quota], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """How much of a resource a region can promise."""

    resource: Resource
    promisable: int
    explanation: str


CORES = Resource(name="cores", quota_key="cores", quota=lambda quota: quota.cores)
MEMORY = Resource(name="GiB of memory", quota_key="memory_gib", quota=lambda q: q.memory_gib)
STORAGE = Resource(name="GiB of storage", quota_key="storage_gib", quota=lambda q: q.storage_gib)


def capacities(index: SiteIndex, region: Region) -> tuple[Capacity, ...]:
    """Return what a region can promise: its hosts less one in reserve, times the overcommit."""
    hosts = _profiles(index, region, ServerRole.COMPUTE)
    stores = _profiles(index, region, ServerRole.STORAGE)
    overcommit = region.overcommit
    disks = sum(profile.disk_gib for profile in stores)
    return (
        _of_hosts(CORES, [host.cpu_threads for host in hosts], overcommit.cpu),
        _of_hosts(MEMORY, [host.memory_gib for host in hosts], overcommit.memory),
        Capacity(
            resource=STORAGE,
            promisable=int(disks * overcommit.storage),
            explanation=f"{len(stores)} storage servers with {disks:,} GiB x {overcommit.storage}",
        ),
    )


def consumers(
    index: SiteIndex, region: Region, resource: Resource
) -> list[tuple[int, Tenant, Project]]:
    """Return who was promised how much of a resource in a region, the biggest first."""
    shares = [
        (resource.quota(project.quota), tenant, project)
        for tenant, project in index.projects
        if project.region == region.name
    ]
    return sorted(shares, key=lambda share: share[0], reverse=True)


def _profiles(index: SiteIndex, region: Region, role: ServerRole) -> list[HardwareProfile]:
    profiles = index.site.profiles_by_name
    return [
        profiles[server.profile]
        for server in index.site.servers_by_region.get(region.name, ())
        if server.role is role and server.profile in profiles
    ]


def _of_hosts(resource: Resource, sizes: list[int], overcommit: float) -> Capacity:
    reserve = max(sizes, default=0)
    return Capacity(
        resource=resource,
        promisable=int((sum(sizes) - reserve) * overcommit),
        explanation=(
            f"{len(sizes)} compute servers with {sum(sizes):,}, less the largest ({reserve:,}) "
            f"in reserve, x {overcommit}"
        ),
    )
