"""The reference city as the tests of this folder read it: loaded once, with what they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.model.hardware import HardwareProfile, Server, ServerRole
from orchestrator.model.site import Region, RegionKind, Site
from orchestrator.model.tenancy import Project, Quota, Tenant
from orchestrator.spec.load import load_site

REPOSITORY = Path(__file__).parents[2]
DIRECTORY = REPOSITORY / "inventory" / "yangzhou"


@cache
def city() -> Site:
    """Load inventory/yangzhou."""
    return load_site(DIRECTORY).site


def yaml_files() -> list[Path]:
    """Return every file of the site that a person writes: `make demo` leaves others beside them."""
    return sorted(
        path
        for path in DIRECTORY.rglob("*.yaml")
        if not path.name.endswith(".vault.yaml")
        and not any(part.startswith(".") for part in path.relative_to(DIRECTORY).parts)
    )


def projects() -> Iterator[tuple[Tenant, Project]]:
    """Yield every project with its department."""
    for tenant in city().tenancy.tenants:
        for project in tenant.projects:
            yield tenant, project


def flow_end_zone(end: str) -> str:
    """Return the zone that a flow's end lies in, or `internet`."""
    kind, _, rest = end.partition("/")
    if kind == "project":
        return next(p.zone for t, p in projects() if rest == f"{t.name}/{p.name}")
    return rest or kind


def counties() -> list[Region]:
    """Return the county regions."""
    return [region for region in city().regions if region.kind is RegionKind.COUNTY]


@dataclass(frozen=True, kw_only=True)
class Room:
    """What tenants of one region may have, and what they were given."""

    cores: float
    memory_gib: float
    storage_gib: float
    given: Quota


def capacity(region: Region) -> Room:
    """Count a region: compute less its largest host (N+1), storage, each times its overcommit."""
    site = city()
    servers = site.servers_by_region[region.name]
    hosts = _profiles(servers, ServerRole.COMPUTE)
    disks = _profiles(servers, ServerRole.STORAGE)
    quotas = [project.quota for _, project in projects() if project.region == region.name]
    threads = [host.cpu_threads for host in hosts]
    memories = [host.memory_gib for host in hosts]
    return Room(
        cores=(sum(threads) - max(threads)) * region.overcommit.cpu,
        memory_gib=(sum(memories) - max(memories)) * region.overcommit.memory,
        storage_gib=sum(disk.disk_gib for disk in disks) * region.overcommit.storage,
        given=Quota(
            instances=sum(quota.instances for quota in quotas),
            cores=sum(quota.cores for quota in quotas),
            memory_gib=sum(quota.memory_gib for quota in quotas),
            volumes=sum(quota.volumes for quota in quotas),
            storage_gib=sum(quota.storage_gib for quota in quotas),
        ),
    )


def _profiles(servers: tuple[Server, ...], role: ServerRole) -> list[HardwareProfile]:
    profiles = city().profiles_by_name
    return [profiles[server.profile] for server in servers if server.role is role]
