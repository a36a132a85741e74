"""Who becomes the primary: decided from what hosts tell, so that the same command goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.hardware import Server
from orchestrator.model.leadership import Standing, standing_of
from orchestrator.model.service_plan import Refusal, SwitchPlan
from orchestrator.model.service_state import ClusterFacts, ClusterRole, Observed
from orchestrator.model.site import Site
from orchestrator.planning.service_moves import elsewhere, led_elsewhere
from orchestrator.planning.services import (
    Facts,
    diverged,
    facts_of,
    lateness,
    not_run_here,
    primary_of,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _World:
    """What is seen of one service."""

    declared: DeclaredService
    facts: Facts
    servers: Mapping[str, Server]
    standing: Standing


def plan_switchover(
    site: Site, declared: DeclaredService, observed: Observed, *, to: str | None = None
) -> SwitchPlan | Refusal:
    """Return how another host becomes the primary without losing a row, or why that cannot be.

    Without `to` it is the replica that is nearest: of the primary's region, in declared order.
    """
    if not declared.facts.runs_here:
        return not_run_here(declared)
    world = _world(site, declared, observed)
    refusal = led_elsewhere(declared, world.facts, observed) or _too_few(world)
    old = primary_of(world.facts)
    if refusal or old is None:
        return refusal or _resumed(world, to=to)
    return _handed_over(site, world, old=old, to=to)


def _handed_over(site: Site, world: _World, *, old: str, to: str | None) -> SwitchPlan | Refusal:
    declared, facts, servers = world.declared, world.facts, world.servers
    target = to or _nearest(site, servers, facts, old=old)
    if to is None and any(_may_return(one, facts[old]) for one in facts.values()):
        target = old  # a switch that was cut off after its promotion: the rest is to follow
    if target is None:
        return Refusal(reason="no replica is up to date", remedy=_LOOK.format(declared.name))
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
            reason=f"{target} cannot take over: {why}", remedy=_LOOK.format(declared.name)
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
    world = _world(site, declared, observed)
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
        _no_leader_at(world, to=to, force=force)
        or _still_heard(facts, world.servers)
        or _better({**elsewhere(declared, observed), **facts}, to=to)
        or (None if force else _too_few(world) or _may_have_more(world, to=to))
    )
    return refusal or _plan(world, new=to, force=force)


def _world(site: Site, declared: DeclaredService, observed: Observed) -> _World:
    return _World(
        declared=declared,
        facts=facts_of(site, declared, observed),
        servers={server.name: server for server in hosts_of(site, declared)},
        standing=standing_of(site, declared, observed),
    )


def _too_few(world: _World) -> Refusal | None:
    """Refuse where so few voters hear of a new primary that the old one might not."""
    standing = world.standing
    if len(standing.answering) >= standing.voters.to_change:
        return None
    silent = ", ".join(_unheard(standing))
    return Refusal(
        reason=f"only {len(standing.answering)} of {len(standing.voters.all)} voters answer, and "
        f"{standing.voters.to_change} must hear who leads; silent: {silent}",
        remedy=f"Bring one of them up. Where they are lost, and stay off: orchestrator service "
        f"failover {world.declared.name} --to HOST --force",
    )


def _may_have_more(world: _World, *, to: str) -> Refusal | None:
    """Refuse where a replica that does not answer may have rows that the new primary lacks."""
    lost = world.standing.leaders
    silent = [
        host
        for host, one in world.facts.items()
        if one.role is ClusterRole.UNKNOWN and lost != {host}
    ]
    if not silent or (not lost and len(silent) == 1):
        return None
    return Refusal(
        reason=f"{', '.join(silent)} does not answer, and may have more of the data than {to}",
        remedy="Bring it up. Where it is lost, what only it has is lost with it: orchestrator "
        f"service failover {world.declared.name} --to {to} --force",
    )


def _no_leader_at(world: _World, *, to: str, force: bool) -> Refusal | None:
    """Refuse a host that cannot lead: only a person brings a former primary back that waits."""
    found = world.facts[to]
    former = found.role is ClusterRole.DOWN and found.follows is False
    if found.role is ClusterRole.REPLICA or (former and force):
        return None
    remedy = _LOOK.format(world.declared.name)
    if former:
        remedy = (
            "It starts by itself when enough voters answer. Where they are lost, and nobody else "
            f"leads: orchestrator service failover {world.declared.name} --to {to} --force"
        )
    why = f": {found.reason}" if found.reason else ""
    return Refusal(
        reason=f"{to} has no replica that runs: it is {found.role.value}{why}", remedy=remedy
    )


def _still_heard(facts: Facts, servers: Mapping[str, Server]) -> Refusal | None:
    """Refuse where a replica hears from a host that only we do not reach: a primary runs there."""
    unseen = {
        str(servers[host].address): host
        for host, one in facts.items()
        if one.role is ClusterRole.UNKNOWN
    }
    for host, one in facts.items():
        if one.role is ClusterRole.REPLICA and one.streaming and one.upstream in unseen:
            return Refusal(
                reason=f"{host} still hears from its primary on {unseen[one.upstream]}, which "
                "does not answer here",
                # wal_receiver_timeout: PostgreSQL's own is 60 s.
                remedy="Where that host was lost just now, ask again in a minute: a replica "
                "notices after 60 s. Else it runs, and a second primary would lose its rows: "
                "switch it off first, or bring it in reach.",
            )
    return None


def _better(facts: Facts, *, to: str) -> Refusal | None:
    """Refuse where somebody who answers has rows that the new primary would lack."""
    for host, one in facts.items():
        if host == to:
            continue
        if one.role is ClusterRole.REPLICA and _may_exceed(one, facts[to]):
            return Refusal(
                reason=f"{host} has more of the data than {to}, or may have",
                remedy=f"Promote {host}, or stop its cluster if it may not be used.",
            )
        if _was_stopped_in_order(one) and _may_exceed(one, facts[to]):
            return Refusal(
                reason=f"{host} was stopped in order, and has more of the data than {to}",
                remedy=f"Start its cluster. Where it cannot be: switch {host} off, and ask again; "
                "what only it has is lost then.",
            )
    return None


def _may_exceed(one: ClusterFacts, other: ClusterFacts) -> bool:
    """Say whether a cluster may have rows that another one has not.

    The longer log is the newer one on one timeline only, and a replica without a primary tells the
    timeline of its last restartpoint, which may be minutes old. Where a former primary crashed the
    end of its log is not told; it sent nothing that it has not.
    """
    crashed = other.role is ClusterRole.DOWN and not other.clean
    longer = one.held > other.held and not crashed
    return longer or (one.timeline or 0) > (other.timeline or 0)


_LOOK = "Look at: orchestrator service status {}"


def _resumed(world: _World, *, to: str | None) -> SwitchPlan | Refusal:
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
    stopped = len(old) == 1 and _was_stopped_in_order(facts[old[0]])
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


def _plan(world: _World, *, new: str, old: str | None = None, force: bool = False) -> SwitchPlan:
    facts, servers, standing = world.facts, world.servers, world.standing
    running = old is not None and facts[old].role is ClusterRole.PRIMARY
    promote = facts[new].role is not ClusterRole.PRIMARY
    voters = sorted(standing.answering, key=lambda one: one.name != new)
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
        unheard=_unheard(standing) if promote else (),
        followers=tuple(_followers(facts, servers, new=new, old=old)),
        out_of_reach=tuple(name for name, one in facts.items() if one.role is ClusterRole.UNKNOWN),
        must_have=None if old is None or running else facts[old].lsn,
    )


def _unheard(standing: Standing) -> tuple[str, ...]:
    answering = {one.name for one in standing.answering}
    return tuple(one.name for one in standing.voters.all if one.name not in answering)


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
    return _was_stopped_in_order(one) and not newer


def _was_stopped_in_order(one: ClusterFacts) -> bool:
    return one.role is ClusterRole.DOWN and one.follows is False and bool(one.clean)
