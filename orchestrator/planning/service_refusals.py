"""What speaks against another primary, and what is seen of a service when that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.hardware import Server
from orchestrator.model.leadership import Standing, standing_of
from orchestrator.model.service_plan import Refusal
from orchestrator.model.service_state import ClusterFacts, ClusterRole, Observed
from orchestrator.model.site import Site
from orchestrator.planning.services import Facts, facts_of

LOOK = "Look at: orchestrator service status {}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceWorld:
    """What is seen of one service."""

    declared: DeclaredService
    facts: Facts
    servers: Mapping[str, Server]
    standing: Standing


def world_of(site: Site, declared: DeclaredService, observed: Observed) -> ServiceWorld:
    """Return what hosts and voters tell of a service."""
    return ServiceWorld(
        declared=declared,
        facts=facts_of(site, declared, observed),
        servers={server.name: server for server in hosts_of(site, declared)},
        standing=standing_of(site, declared, observed),
    )


def too_few(world: ServiceWorld) -> Refusal | None:
    """Refuse where so few voters hear of a new primary that the old one might not."""
    standing = world.standing
    if len(standing.answering) >= standing.voters.to_change:
        return None
    silent = ", ".join(standing.unheard)
    return Refusal(
        reason=f"only {len(standing.answering)} of {len(standing.voters.all)} voters answer, and "
        f"{standing.voters.to_change} must hear who leads; silent: {silent}",
        remedy=f"Bring one of them up. Where they are lost, and stay off: orchestrator service "
        f"failover {world.declared.name} --to HOST --force",
    )


def may_have_more(world: ServiceWorld, *, to: str) -> Refusal | None:
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


def no_leader_at(world: ServiceWorld, *, to: str, force: bool) -> Refusal | None:
    """Refuse a host that cannot lead: only a person brings a former primary back that waits."""
    found = world.facts[to]
    former = found.role is ClusterRole.DOWN and found.follows is False
    if found.role is ClusterRole.REPLICA or (former and force):
        return None
    remedy = LOOK.format(world.declared.name)
    if former:
        remedy = (
            "It starts by itself when enough voters answer. Where they are lost, and nobody else "
            f"leads: orchestrator service failover {world.declared.name} --to {to} --force"
        )
    why = f": {found.reason}" if found.reason else ""
    return Refusal(
        reason=f"{to} has no replica that runs: it is {found.role.value}{why}", remedy=remedy
    )


def still_heard(facts: Facts, servers: Mapping[str, Server]) -> Refusal | None:
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


def better(facts: Facts, *, to: str) -> Refusal | None:
    """Refuse where somebody who answers has rows that the new primary would lack."""
    for host, one in facts.items():
        if host == to:
            continue
        if one.role is ClusterRole.REPLICA and _may_exceed(one, facts[to]):
            return Refusal(
                reason=f"{host} has more of the data than {to}, or may have",
                remedy=f"Promote {host}, or stop its cluster if it may not be used.",
            )
        if was_stopped_in_order(one) and _may_exceed(one, facts[to]):
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


def was_stopped_in_order(one: ClusterFacts) -> bool:
    """Say whether a cluster is a former primary whose log is known to its end."""
    return one.role is ClusterRole.DOWN and one.follows is False and bool(one.clean)
