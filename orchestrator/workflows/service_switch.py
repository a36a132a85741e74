"""Make another host the primary of a service: in order, or where the primary is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.compile.postgresql import upstream_file
from orchestrator.errors import OrchestratorError, ServiceError
from orchestrator.model.declared_service import hosts_of, slot_name
from orchestrator.model.hardware import Server
from orchestrator.model.service_plan import SwitchPlan, SwitchReport
from orchestrator.model.service_state import Lineage, Term
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.ports.database import Upstream
from orchestrator.workflows.service_starts import await_starts
from orchestrator.workflows.services import ServicePorts, database_hosts, tell_voters

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
    facts["term"] = plan.term.number
    try:
        if plan.promote:
            await_starts(plan, ports, told=told)
        _flush(plan, ports, told=told)
        led = _promote(plan, ports, followers=_others(site, plan), told=told)
    except OrchestratorError as error:
        ports.playbooks.audit.append(act="switch-end", facts={**facts, "failed": error.message})
        raise
    gap = led.gap_seconds
    slots = tuple(slot_name(one.name) for one in database_hosts(site))
    failed = tuple(_follow(plan, ports, led.lineage, slots=slots, told=told))
    ports.playbooks.audit.append(
        act="switch-end", facts={**facts, "gap_seconds": gap, "failed": [one for one, _ in failed]}
    )
    return SwitchReport(plan=plan, gap_seconds=gap, failed=failed)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Led:
    """The primary that was made, or was there."""

    gap_seconds: float | None
    lineage: Lineage | None
    """None: nobody is to follow it, and it was not asked."""


def _others(site: Site, plan: SwitchPlan) -> list[str]:
    return [one.name for one in hosts_of(site, plan.declared) if one.name != plan.new.name]


def _flush(plan: SwitchPlan, ports: ServicePorts, *, told: Told) -> None:
    """Make the stop of the old primary short, while it still takes writes."""
    if plan.stop and plan.old is not None:
        told(f"writing what {plan.old.name} has in memory to its disk")
        ports.databases.flush(plan.old, plan.declared)


def _promote(plan: SwitchPlan, ports: ServicePorts, *, followers: list[str], told: Told) -> _Led:
    clock, must_have = ports.playbooks.clock, plan.must_have
    begun = clock.now()
    if plan.stop and plan.old is not None:
        told(f"stopping the primary on {plan.old.name}")
        try:
            must_have = ports.databases.stop(plan.old, plan.declared)
        except OrchestratorError as error:
            raise _started_again(plan, plan.old, ports, why=error.message) from error
    if not plan.promote:
        if not plan.followers:
            return _Led(gap_seconds=None, lineage=None)
        # One that was cut off, or took too long, may have left its followers without slots.
        lineage = ports.databases.promote(plan.new, plan.declared, followers=followers)
        return _Led(gap_seconds=None, lineage=lineage)
    if must_have is not None:
        _catch_up(plan, ports, end=must_have)
    _tell(plan, ports, told=told)
    told(f"{'starting' if plan.start else 'promoting'} {plan.new.name}")
    try:
        if plan.start:
            ports.databases.start(plan.new, plan.declared)
        lineage = ports.databases.promote(plan.new, plan.declared, followers=followers)
    except OrchestratorError as error:
        # It may be the primary by now: the old one must not run beside it.
        raise ServiceError(
            error.message,
            remedy=f"Whether {plan.new.name} is the primary is not known, and no other one runs. "
            f"The same command goes on; look at: orchestrator service status {plan.declared.name}",
        ) from error
    return _Led(gap_seconds=(clock.now() - begun).total_seconds(), lineage=lineage)


def _tell(plan: SwitchPlan, ports: ServicePorts, *, told: Told) -> None:
    """Tell the voters who leads from now on: before it does, so that no other one comes back.

    Raises:
        ServiceError: too few heard of it, and the old primary runs again where it ran before.
    """
    told(f"telling {', '.join(one.name for one in plan.voters)} of term {plan.term.number}")
    missed = tell_voters(plan.voters, plan.declared, plan.term, ports=ports)
    heard = len(plan.voters) - len(missed)
    if heard >= plan.needed and plan.new.name not in missed:
        return
    why = "; ".join(f"{host}: {reason}" for host, reason in missed.items())
    why = f"{heard} voters know that {plan.new.name} leads, and {plan.needed} must: {why}"
    if not (plan.stop and plan.old):
        raise ServiceError(why, remedy="Nobody was promoted. The same command goes on.")
    back = Term(number=plan.term.number + 1, leader=plan.old.name)
    tell_voters(plan.voters, plan.declared, back, ports=ports)
    raise _started_again(plan, plan.old, ports, why=why)


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


def _catch_up(plan: SwitchPlan, ports: ServicePorts, *, end: int) -> None:
    """See that the new primary has all of the old one's log.

    Raises:
        ServiceError: it has not; the old one runs again.
    """
    if plan.old is not None and not _has(plan.new, plan, ports, end=end):
        why = f"{plan.new.name} did not get all that {plan.old.name} had within "
        why += f"{CATCH_UP_SECONDS:.0f} s"
        raise _started_again(plan, plan.old, ports, why=why)


def _has(server: Server, plan: SwitchPlan, ports: ServicePorts, *, end: int) -> bool:
    """Wait until a replica has the log to its end."""
    clock = ports.playbooks.clock
    begun = clock.now()
    while (clock.now() - begun).total_seconds() < CATCH_UP_SECONDS:
        found = ports.databases.look(server, [plan.declared]).cluster(plan.declared.cluster)
        if found.held >= end:
            return True
        clock.sleep(0.2)
    return False


def _follow(
    plan: SwitchPlan,
    ports: ServicePorts,
    lineage: Lineage | None,
    *,
    slots: tuple[str, ...],
    told: Told,
) -> list[tuple[str, str]]:
    """Let the others follow; one that does not is told of, and the next has its turn."""
    failed: list[tuple[str, str]] = []
    if lineage is None:
        return failed
    for server in plan.followers:
        told(f"letting {server.name} follow {plan.new.name}")
        settings = upstream_file(plan.new, port=plan.declared.service.port, host=server.name)
        upstream = Upstream(
            address=str(plan.new.address), settings=settings, lineage=lineage, slots=slots
        )
        try:
            ports.databases.follow(server, plan.declared, upstream=upstream)
        except OrchestratorError as error:
            failed.append((server.name, error.message))
    return failed
