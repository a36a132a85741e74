"""Who becomes the primary: decided from what hosts tell, so that the same command goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.hardware import Server
from orchestrator.model.service_plan import Refusal, SwitchPlan
from orchestrator.model.service_state import ClusterFacts, ClusterRole, Observed
from orchestrator.model.site import Site
from orchestrator.planning.service_moves import elsewhere, led_elsewhere
from orchestrator.planning.service_refusals import (
    LOOK,
    ServiceWorld,
    better,
    may_have_more,
    no_leader_at,
    still_heard,
    too_few,
    was_stopped_in_order,
    world_of,
)
from orchestrator.planning.services import (
    Facts,
    diverged,
    lateness,
    not_run_here,
    primary_of,
)


def plan_switchover(
    site: Site, declared: DeclaredService, observed: Observed, *, to: str | None = None
) -> SwitchPlan | Refusal:
    """Return how another host becomes the primary without losing a row, or why that cannot be.

    Without `to` it is the replica that is nearest: of the primary's region, in declared order.
    """
    if not declared.facts.runs_here:
        return not_run_here(declared)
    world = world_of(site, declared, observed)
    refusal = led_elsewhere(declared, world.facts, observed) or too_few(world)
    old = primary_of(world.facts)
    if refusal or old is None:
        return refusal or _resumed(world, to=to)
    return _handed_over(site, world, old=old, to=to)


def _handed_over(
    site: Site, world: ServiceWorld, *, old: str, to: str | None
) -> SwitchPlan | Refusal:
    declared, facts, servers = world.declared, world.facts, world.servers
    target = to or _nearest(site, servers, facts, old=old)
    if to is None and any(_may_return(one, facts[old]) for one in facts.values()):
        target = old  # a switch that was cut off after its promotion: the rest is to follow
    if target is None:
        return Refusal(reason="no replica is up to date", remedy=LOOK.format(declared.name))
    if target == old:
        return _plan(world, new=old)
    found = facts[target]
    behind = max(0, (facts[old].lsn or 0) - found.held)
    why = diverged(found, facts[old], of=old) or (
        lateness(found, behind, upstream=str(servers[old].address))
        if found.role is ClusterRole.REPLICA
        else f"is {found.role.value} there"
    )
    if why:
        return Refusal(
            reason=f"{target} cannot take over: {why}", remedy=LOOK.format(declared.name)
        )
    return _plan(world, new=target, old=old)


def plan_failover(
    site: Site, declared: DeclaredService, observed: Observed, *, to: str, force: bool = False
) -> SwitchPlan | Refusal:
    """Return how a host becomes the primary where the primary is lost, or why it must not.

    `force`: a person has seen that hosts which do not answer are off, and gives up what only they
    have. Nobody who answers is ever overruled.
    """
    if not declared.facts.runs_here:
        return not_run_here(declared)
    world = world_of(site, declared, observed)
    facts = world.facts
    leading = [host for host, one in facts.items() if one.role is ClusterRole.PRIMARY]
    if leading and leading != [to]:
        return Refusal(
            reason=f"{', '.join(leading)} is the primary, and answers",
            remedy=f"Switch over in order: orchestrator service switchover {declared.name}",
        )
    refusal = led_elsewhere(declared, facts, observed)
    if leading or refusal:
        return refusal or _plan(world, new=to)
    refusal = (
        no_leader_at(world, to=to, force=force)
        or still_heard(facts, world.servers)
        or better({**elsewhere(declared, observed), **facts}, to=to)
        or (None if force else too_few(world) or may_have_more(world, to=to))
    )
    return refusal or _plan(world, new=to, force=force)


def _resumed(world: ServiceWorld, *, to: str | None) -> SwitchPlan | Refusal:
    """Go on with a switch that was cut off between the stop and the promotion.

    Only where every host answers and one alone may have led: a silent one, or a second one that is
    down, may be the primary that came after it.
    """
    facts = world.facts
    old = [
        host
        for host, one in facts.items()
        if one.role is ClusterRole.UNKNOWN
        or (one.role is ClusterRole.DOWN and one.follows is not True)
    ]
    stopped = len(old) == 1 and was_stopped_in_order(facts[old[0]])
    end = facts[old[0]].lsn if stopped else None
    whole = [
        host
        for host, one in facts.items()
        if one.role is ClusterRole.REPLICA and end is not None and one.held >= end
    ]
    if end is None or not whole or (to is not None and to not in whole):
        told = ", ".join(f"{host} is {one.role.value}" for host, one in facts.items())
        return Refusal(
            reason=f"its primary is not found, or no replica has all of it: {told}",
            remedy="Start its cluster, or: orchestrator service failover "
            f"{world.declared.name} --to HOST",
        )
    return _plan(world, new=to or whole[0], old=old[0])


def _nearest(site: Site, servers: Mapping[str, Server], facts: Facts, *, old: str) -> str | None:
    region = site.region_of_rack(servers[old].rack)
    fit = [
        name
        for name in servers
        if facts[name].role is ClusterRole.REPLICA and facts[name].streaming
    ]
    near = [name for name in fit if site.region_of_rack(servers[name].rack) == region]
    return next(iter([*near, *fit]), None)


def _plan(
    world: ServiceWorld, *, new: str, old: str | None = None, force: bool = False
) -> SwitchPlan:
    facts, servers, standing = world.facts, world.servers, world.standing
    running = old is not None and facts[old].role is ClusterRole.PRIMARY
    promote = facts[new].role is not ClusterRole.PRIMARY
    voters = sorted(standing.answering, key=lambda one: one.name != new)
    silent = [name for name, one in facts.items() if one.role is ClusterRole.UNKNOWN]
    known = standing.leaders & facts.keys()
    return SwitchPlan(
        declared=world.declared,
        old=servers[old] if old else None,
        new=servers[new],
        stop=running,
        promote=promote,
        start=facts[new].role is ClusterRole.DOWN,
        term=standing.next_term(new),
        voters=tuple(voters),
        needed=1 if force else standing.voters.to_change,
        unheard=standing.unheard if promote else (),
        followers=tuple(_followers(facts, servers, new=new, old=old)),
        out_of_reach=tuple(silent),
        may_lead=tuple(servers[one] for one in silent if promote and (one in known or not known)),
        must_have=None if old is None or running else facts[old].lsn,
    )


def _followers(
    facts: Facts, servers: Mapping[str, Server], *, new: str, old: str | None
) -> Iterator[Server]:
    """Give those that do not follow the new primary, and can."""
    address = str(servers[new].address)
    for name, one in facts.items():
        if name == new:
            continue
        if name == old or _may_return(one, facts[new]):
            yield servers[name]
        elif one.role is ClusterRole.REPLICA and not (one.streaming and one.upstream == address):
            yield servers[name]


def _may_return(one: ClusterFacts, leading: ClusterFacts) -> bool:
    """Say whether a former primary may follow: one that was promoted later has newer rows."""
    newer = (one.timeline or 0) > (leading.timeline or 0)
    return was_stopped_in_order(one) and not newer
