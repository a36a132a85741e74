"""Maintenance, before anything is done: look, plan, and see whether a plan still holds."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from orchestrator.errors import StalePlanError
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    HostFacts,
    MaintenancePlan,
    Need,
    Observed,
)
from orchestrator.model.site import Site
from orchestrator.planning.failure_domains import partners_of
from orchestrator.planning.maintenance import plan_maintenance
from orchestrator.planning.maintenance_basis import basis_of, crowding, differences
from orchestrator.planning.maintenance_host import Work
from orchestrator.planning.services import RENEW_DAYS
from orchestrator.workflows.host_facts import facts_or_unknown
from orchestrator.workflows.maintenance_acts import (
    MaintenancePorts,
)
from orchestrator.workflows.maintenance_firmware import lacking, undeclared

LOOKS_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked for, and of which servers."""

    site: Site
    needs: frozenset[Need]
    servers: tuple[Server, ...]
    renew_days: int = RENEW_DAYS
    """Certificates that end within so many days are renewed."""


def look(wish: Wish, ports: MaintenancePorts) -> Observed:
    """Ask hosts and those that stand in for them; of cloud and databases what concerns them."""
    asked = bool({Need.PATCH, Need.KERNEL} & wish.needs)
    clock = ports.playbooks.clock
    meant = {server.name for server in wish.servers}
    partners = {one.name: one for each in wish.servers for one in partners_of(each, wish.site)}
    servers = (*wish.servers, *(one for name, one in partners.items() if name not in meant))

    def tell(server: Server) -> HostFacts | Unknown:
        pending = asked and server.name in meant
        return facts_or_unknown(server, ports.hosts, clock, pending=pending)

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="host") as pool:
        hosts = dict(zip((one.name for one in servers), pool.map(tell, servers), strict=True))
    disturbs = bool(wish.needs - {Need.CERTIFICATES})
    on_cloud = disturbs and any(server.role is ServerRole.COMPUTE for server in wish.servers)
    with_data = any(server.role is ServerRole.DATABASE for server in wish.servers)
    return Observed(
        hosts=hosts,
        computes=ports.computes.hosts() if on_cloud else {},
        instances=ports.computes.instances() if on_cloud else (),
        services=tuple(ports.primaries.roles()) if with_data else (),
        certificates=ports.certificates.until(wish.servers)
        if Need.CERTIFICATES in wish.needs
        else {},
        firmware=lacking(wish.site, wish.servers, ports.firmware)
        if Need.FIRMWARE in wish.needs
        else {},
    )


def make_plan(wish: Wish, ports: MaintenancePorts) -> MaintenancePlan:
    """Return what is to be done; nothing is changed anywhere."""
    observed = look(wish, ports)
    made = ports.playbooks.clock.now()
    planned = plan_maintenance(
        Work(
            site=wish.site,
            needs=wish.needs,
            servers=wish.servers,
            observed=observed,
            renew_before=made + timedelta(days=wish.renew_days),
        )
    )
    plan = MaintenancePlan(
        id="",
        site=wish.site.name,
        made=made.isoformat(timespec="seconds"),
        needs=tuple(need for need in Need if need in wish.needs),
        batches=tuple(planned.batches),
        blocked=tuple(planned.blocked),
        idle=tuple(planned.idle),
        basis=basis_of(observed, planned.batches),
        remarks=undeclared(wish.site, wish.servers) if Need.FIRMWARE in wish.needs else (),
    )
    digest = hashlib.sha256(json.dumps(asdict(plan)).encode()).hexdigest()
    return replace(plan, id=f"{made:%Y%m%d-%H%M%S}-{digest[:6]}")


def refuse_stale(site: Site, plan: MaintenancePlan, ports: MaintenancePorts) -> None:
    """Compare what the plan leans on with what is.

    Raises:
        StalePlanError: names everything that moved since.
    """
    if plan.site != site.name:
        raise StalePlanError(f"the plan is of the site {plan.site}, not of {site.name}")
    known = {server.name: server for server in site.hardware.servers}
    moved = [
        f"{one.host} is no longer declared" for one in plan.operations if one.host not in known
    ]
    if not moved:
        servers = tuple(known[one.host] for one in plan.operations)
        observed = look(Wish(site=site, needs=frozenset(plan.needs), servers=servers), ports)
        moved += differences(plan.basis, basis_of(observed, plan.batches))
        moved += crowding(observed, plan.batches)
    if moved:
        raise StalePlanError(
            f"the maintenance plan {plan.id} is stale: {'; '.join(moved)}",
            remedy="Nothing was done. Make the plan again, and look at it.",
        )
