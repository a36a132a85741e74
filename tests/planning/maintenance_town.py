"""A small site for maintenance plans, and what is observed of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    ComputeHost,
    HostFacts,
    Instance,
    Need,
    Observed,
    PackageChange,
    ServiceRoles,
)
from orchestrator.model.site import Site
from orchestrator.model.system import MaintenanceWindow
from orchestrator.planning.maintenance import Planned, plan_maintenance
from orchestrator.planning.maintenance_host import Work
from orchestrator.spec.load import load_site

BASE = Path(__file__).parents[1] / "cases" / "_base"
PATCH = frozenset({Need.PATCH})
REBOOT = frozenset({Need.REBOOT})
NEW = PackageChange(name="openssl", before="3.0.1", after="3.0.2")


@cache
def _base() -> Site:
    return load_site(BASE).site


def town(roles: dict[str, ServerRole], *, parallel: int = 8) -> Site:
    """Return a site with these servers, all in rack r1 of the region `city`."""
    base = _base()
    one = base.hardware.servers[0]
    servers = tuple(replace(one, name=name, role=role) for name, role in roles.items())
    window = MaintenanceWindow(
        name="w", region="city", weekdays=(7,), start="22:00", hours=4, max_parallel_hosts=parallel
    )
    return replace(
        base,
        hardware=replace(base.hardware, servers=servers),
        system=replace(base.system, maintenance_windows=(window,)),
    )


def facts(**other: object) -> HostFacts:
    told = HostFacts(
        boot_id="b-1",
        kernel="6.1",
        pending=(NEW,),
        held=(),
        unconfigured=(),
        reboot_reasons=(),
        failed_units=(),
        free_mib=9000,
        clock_ahead_seconds=0.1,
    )
    return replace(told, **other)  # type: ignore[arg-type]  # a test names fields


def compute(name: str, **other: object) -> ComputeHost:
    host = ComputeHost(
        name=name,
        service=f"id-{name}",
        zone="az1",
        enabled=True,
        up=True,
        vcpus=16,
        memory_mib=32,
        disk_gib=1000,
    )
    return replace(host, **other)  # type: ignore[arg-type]  # a test names fields


def instance(name: str, host: str, **other: object) -> Instance:
    one = Instance(id=f"id-{name}", name=name, host=host, status="ACTIVE", vcpus=1, memory_mib=8)
    return replace(one, **other)  # type: ignore[arg-type]  # a test names fields


def service(name: str, primary: str | Unknown, *standbys: str) -> ServiceRoles:
    hosts = (*standbys, primary) if isinstance(primary, str) else standbys
    return ServiceRoles(service=name, hosts=hosts, primary=primary, standbys=standbys)


def plan(
    site: Site,
    observed: Observed,
    *,
    needs: frozenset[Need] = REBOOT,
    servers: Sequence[Server] | None = None,
    renew_before: datetime | None = None,
) -> Planned:
    chosen = site.hardware.servers if servers is None else tuple(servers)
    work = Work(
        site=site, needs=needs, servers=chosen, observed=observed, renew_before=renew_before
    )
    return plan_maintenance(work)


def batches(planned: Planned) -> list[list[str]]:
    return [[one.host for one in batch.operations] for batch in planned.batches]


def blocked(planned: Planned) -> dict[str, str]:
    return {one.host: "; ".join(one.reasons) for one in planned.blocked}
