"""Make another host the primary of a service: in order, or where the primary is lost."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.compile.postgresql import upstream_file
from orchestrator.errors import OrchestratorError, ServiceError
from orchestrator.model.declared_service import hosts_of
from orchestrator.model.hardware import Server
from orchestrator.model.service_plan import SwitchPlan, SwitchReport
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.ports.database import Upstream
from orchestrator.workflows.services import ServicePorts

CATCH_UP_SECONDS = 30.0
Told = Callable[[str], None]
"""Hears of each act before it is done."""


def switch(site: Site, plan: SwitchPlan, ports: ServicePorts, *, told: Told) -> SwitchReport:
    """Carry a switch out; the caller holds the site's lock.

    Writes end when the old primary stops, and go on at the new one. Where the new one does not get
    all that the old one had, the old one is started again, and nothing has changed.

    Raises:
        ServiceError: the switch could not be made; the text says who is the primary.
    """
    facts: dict[str, Json] = {
        "service": plan.declared.name,
        "from": plan.old.name if plan.old else None,
        "to": plan.new.name,
    }
    ports.playbooks.audit.append(act="switch-begin", facts=facts)
    try:
        gap = _promote(plan, ports, followers=_others(site, plan), told=told)
    except OrchestratorError as error:
        ports.playbooks.audit.append(act="switch-end", facts={**facts, "failed": error.message})
        raise
    failed = tuple(_follow(plan, ports, told=told))
    ports.playbooks.audit.append(
        act="switch-end", facts={**facts, "gap_seconds": gap, "failed": [one for one, _ in failed]}
    )
    return SwitchReport(plan=plan, gap_seconds=gap, failed=failed)


def _others(site: Site, plan: SwitchPlan) -> list[str]:
    return [one.name for one in hosts_of(site, plan.declared) if one.name != plan.new.name]


def _promote(
    plan: SwitchPlan, ports: ServicePorts, *, followers: list[str], told: Told
) -> float | None:
    clock, must_have = ports.playbooks.clock, plan.must_have
    begun = clock.now()
    if plan.stop and plan.old is not None:
        told(f"stopping the primary on {plan.old.name}")
        try:
            must_have = ports.databases.stop(plan.old, plan.declared)
        except OrchestratorError as error:
            raise _started_again(plan, plan.old, ports, why=error.message) from error
    if not plan.promote:
        if plan.followers:
            # One that was cut off, or took too long, may have left its followers without slots.
            ports.databases.promote(plan.new, plan.declared, followers=followers)
        return None
    if must_have is not None and plan.old is not None:
        if not _has(plan.new, plan, ports, end=must_have):
            why = f"{plan.new.name} did not get all that {plan.old.name} had within "
            why += f"{CATCH_UP_SECONDS:.0f} s"
            raise _started_again(plan, plan.old, ports, why=why)
    told(f"promoting {plan.new.name}")
    try:
        ports.databases.promote(plan.new, plan.declared, followers=followers)
    except OrchestratorError as error:
        # It may be the primary by now: the old one must not run beside it.
        raise ServiceError(
            error.message,
            remedy=f"Whether {plan.new.name} is the primary is not known, and no other one runs. "
            f"The same command goes on; look at: orchestrator service status {plan.declared.name}",
        ) from error
    return (clock.now() - begun).total_seconds()


def _started_again(plan: SwitchPlan, old: Server, ports: ServicePorts, *, why: str) -> ServiceError:
    """Start the old primary, nobody being promoted yet; return what is to be said."""
    try:
        ports.databases.start(old, plan.declared)
    except OrchestratorError as error:
        return ServiceError(
            f"{why}; and {old.name} was not seen to start again: {error.message}",
            remedy=f"{plan.declared.name} may have no primary now. The same command goes on; look "
            f"at: orchestrator service status {plan.declared.name}",
        )
    return ServiceError(
        why,
        remedy=f"The old primary, on {old.name}, runs again, and nothing was changed. Look at the "
        "line between the two.",
    )


def _has(server: Server, plan: SwitchPlan, ports: ServicePorts, *, end: int) -> bool:
    """Wait until a replica has the log to its end."""
    clock = ports.playbooks.clock
    begun = clock.now()
    while (clock.now() - begun).total_seconds() < CATCH_UP_SECONDS:
        found = ports.databases.look(server, [plan.declared]).cluster(plan.declared.cluster)
        if found.lsn is not None and found.lsn >= end:
            return True
        clock.sleep(0.2)
    return False


def _follow(plan: SwitchPlan, ports: ServicePorts, *, told: Told) -> list[tuple[str, str]]:
    """Let the others follow; one that does not is told of, and the next has its turn."""
    failed = []
    for server in plan.followers:
        told(f"letting {server.name} follow {plan.new.name}")
        settings = upstream_file(plan.new, port=plan.declared.service.port, host=server.name)
        upstream = Upstream(address=str(plan.new.address), settings=settings)
        try:
            ports.databases.follow(server, plan.declared, upstream=upstream)
        except OrchestratorError as error:
            failed.append((server.name, error.message))
    return failed
