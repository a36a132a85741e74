"""What is to be done for services: decided from what hosts tell, not from what was declared once.

Which host is the primary is observed: after a switchover the first declared host may be a replica,
and stays one. Nothing that may hold data is ever replaced unless its host is named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.hardware import Server
from orchestrator.model.leadership import standing_of
from orchestrator.model.service_plan import (
    ClusterAct,
    ClusterHealth,
    ClusterStep,
    Health,
    Refusal,
    ServicePlan,
)
from orchestrator.model.service_state import ClusterFacts, ClusterRole, HostDatabases, Observed
from orchestrator.model.site import Site
from orchestrator.planning.service_moves import EMPTY, elsewhere, led_elsewhere, lost_by_a_move

RENEW_DAYS = 30
LAGGING_SECONDS = 60.0
LAGGING_BYTES = 64 << 20
Facts = Mapping[str, ClusterFacts]
"""One service's clusters, by host."""


def plan_services(
    site: Site,
    services: Sequence[DeclaredService],
    observed: Observed,
    *,
    rebuild: Collection[str] = (),
    empty: bool = False,
) -> tuple[ServicePlan, ...]:
    """Return what is to be done; `rebuild` has hosts whose copies may be thrown away.

    `empty`: a service whose data is lost may begin anew.
    """
    again = frozenset(rebuild)
    return tuple(_plan(site, one, observed, rebuild=again, empty=empty) for one in services)


def facts_of(site: Site, declared: DeclaredService, observed: Observed) -> Facts:
    """Return what the hosts of a service tell of it."""
    silent = HostDatabases(answers=False, reason="it was not asked")
    return {
        server.name: observed.get(server.name, silent).cluster(declared.cluster)
        for server in hosts_of(site, declared)
    }


def primary_of(facts: Facts) -> str | None:
    """Return the host that is the primary now: of several, the one that was promoted last."""
    leading = {
        host: one.timeline or 0 for host, one in facts.items() if one.role is ClusterRole.PRIMARY
    }
    newest = max(leading.values(), default=0)
    found = [host for host, timeline in leading.items() if timeline == newest]
    return found[0] if len(found) == 1 else None


def _plan(
    site: Site,
    declared: DeclaredService,
    observed: Observed,
    *,
    rebuild: frozenset[str],
    empty: bool,
) -> ServicePlan:
    if not declared.facts.runs_here:
        return ServicePlan(declared=declared, refusal=not_run_here(declared))
    facts = facts_of(site, declared, observed)
    refusal = led_elsewhere(declared, facts, observed) or _refusal(declared, facts, rebuild)
    bare = all(one.role in EMPTY for one in facts.values())
    if refusal is None and bare and not (empty and not elsewhere(declared, observed)):
        standing = standing_of(site, declared, observed)
        refusal = lost_by_a_move(declared, standing, observed)
    if refusal is not None:
        return ServicePlan(declared=declared, refusal=refusal)
    servers = hosts_of(site, declared)
    primary = primary_of(facts) or servers[0].name
    steps = tuple(
        _step(server, facts[server.name], leads=server.name == primary, again=rebuild)
        for server in servers
    )
    return ServicePlan(declared=declared, steps=steps)


def not_run_here(declared: DeclaredService) -> Refusal:
    """Return why a service of another engine is rendered and checked only."""
    facts = declared.facts
    licence = ", and it needs its maker's licence" if facts.licensed else ""
    return Refusal(
        reason=f"{facts.display} is not run here: it is data and checks only{licence}",
        remedy=f"Provision it with its own tools ({facts.availability_tool}); "
        "`service show` has the facts.",
    )


def _refusal(declared: DeclaredService, facts: Facts, rebuild: frozenset[str]) -> Refusal | None:
    """Return why the service is not to be touched; None: it may be."""
    for host, one in facts.items():
        if one.role not in {*EMPTY, ClusterRole.UNKNOWN} and one.service != declared.name:
            return Refusal(
                reason=f"{host} has a cluster `{declared.cluster}` of {one.service or 'others'}",
                remedy="Find out whose data that is; move it away by hand.",
            )
    primary = primary_of(facts)
    if primary is None:
        return _leaderless(declared, facts)
    if primary in rebuild:
        return Refusal(
            reason=f"{primary} is the primary: it is what others are rebuilt from",
            remedy="Switch over first: orchestrator service switchover.",
        )
    for host, one in facts.items():
        why = diverged(one, facts[primary], of=primary)
        if host != primary and host not in rebuild and why:
            return Refusal(
                reason=f"{host} {why}",
                remedy=f"Look at what it holds; to throw that away: service apply "
                f"{declared.name} --rebuild {host}",
            )
    return None


def _leaderless(declared: DeclaredService, facts: Facts) -> Refusal | None:
    """Return why nothing can be done for a service without a primary; a new one has none yet."""
    if all(one.role in EMPTY for one in facts.values()):
        return None
    told = ", ".join(
        f"{host} is {one.role.value}" + (f" ({one.reason})" if one.reason else "")
        for host, one in facts.items()
    )
    if any(one.role is ClusterRole.PRIMARY for one in facts.values()):
        return Refusal(
            reason=f"it has several primaries on one timeline: {told}",
            remedy="Stop the one that clients do not use, and rebuild it.",
        )
    return Refusal(
        reason=f"its primary is not found: {told}",
        remedy="Bring the hosts up and start its cluster, or make a replica the primary: "
        f"orchestrator service failover {declared.name} --to HOST",
    )


def diverged(one: ClusterFacts, primary: ClusterFacts, *, of: str) -> str:
    """Return how a cluster is not a copy of the primary; empty: it is, or nothing is known."""
    if one.role is ClusterRole.PRIMARY:
        return f"is a primary, too (timeline {one.timeline}; {of} has {primary.timeline})"
    if one.role is ClusterRole.DOWN and one.follows is False:
        newer = (one.timeline or 0) > (primary.timeline or 0)
        after = f"promoted after {of} (timeline {one.timeline}; {of} has {primary.timeline})"
        was = f"{after}: what it holds is newer" if newer else f"a primary; {of} is the primary now"
        return f"is down and was {was}"
    if one.role is not ClusterRole.REPLICA:
        return ""
    if one.system_id != primary.system_id:
        return f"is a replica of another database (system {one.system_id})"
    if (one.timeline or 0) > (primary.timeline or 0):
        return f"is ahead of {of} (timeline {one.timeline})"
    return ""


def _step(
    server: Server, found: ClusterFacts, *, leads: bool, again: frozenset[str]
) -> ClusterStep:
    if found.role is ClusterRole.UNKNOWN:
        return ClusterStep(server=server, act=ClusterAct.LEAVE_OUT, reason=found.reason)
    empty = found.role in EMPTY
    if leads:
        act = ClusterAct.CREATE_PRIMARY if empty else ClusterAct.KEEP_PRIMARY
    elif empty:
        act = ClusterAct.CREATE_REPLICA
    else:
        act = ClusterAct.REBUILD if server.name in again else ClusterAct.KEEP_REPLICA
    reason = "it was cut off before" if found.role is ClusterRole.UNFINISHED else ""
    return ClusterStep(server=server, act=act, reason=reason)


def judge(site: Site, declared: DeclaredService, observed: Observed) -> tuple[ClusterHealth, ...]:
    """Return how each cluster of a service is."""
    facts = facts_of(site, declared, observed)
    primary = primary_of(facts)
    leading = facts[primary] if primary else None
    address = {server.name: str(server.address) for server in hosts_of(site, declared)}
    return tuple(
        _health(host, one, leading, primary=primary or "", upstream=address.get(primary or "", ""))
        for host, one in facts.items()
    )


def _health(
    host: str, one: ClusterFacts, leading: ClusterFacts | None, *, primary: str, upstream: str
) -> ClusterHealth:
    plain = {
        ClusterRole.UNKNOWN: Health.UNKNOWN,
        ClusterRole.DOWN: Health.DOWN,
        ClusterRole.ABSENT: Health.ABSENT,
        ClusterRole.UNFINISHED: Health.ABSENT,
    }
    if one.waits:
        return ClusterHealth(host=host, health=Health.WAITS, reason=one.waits)
    if one.role in plain:
        return ClusterHealth(host=host, health=plain[one.role], reason=one.reason)
    if leading is None:
        health = Health.CONFLICT if one.role is ClusterRole.PRIMARY else Health.UNKNOWN
        return ClusterHealth(host=host, health=health, reason="its primary is not found")
    if host == primary:
        return ClusterHealth(host=host, health=Health.OK)
    why = diverged(one, leading, of=primary)
    if why:
        return ClusterHealth(host=host, health=Health.CONFLICT, reason=f"it {why}")
    behind = None
    if one.lsn is not None and leading.lsn is not None:
        behind = max(0, leading.lsn - one.lsn)
    late = lateness(one, behind, upstream=upstream)
    health = Health.LAGGING if late else Health.OK
    return ClusterHealth(host=host, health=health, reason=late, lag_bytes=behind)


def lateness(one: ClusterFacts, behind: int | None, *, upstream: str) -> str:
    """Return how a replica is late; empty where it is not. `upstream` is the primary's address.

    One that hears from somebody else has not what this primary has, however long its log is.
    """
    if not one.streaming:
        return "it hears nothing from its primary"
    if one.upstream != upstream:
        return f"it follows {one.upstream or 'nobody'}, and not the primary"
    if one.lag_seconds is not None and one.lag_seconds > LAGGING_SECONDS and behind:
        return f"it is {one.lag_seconds:.0f} s behind"
    if behind is not None and behind > LAGGING_BYTES:
        return f"it is {behind >> 20} MiB behind"
    return ""


def needs_certificate(host: HostDatabases, *, authority: str, now: datetime) -> bool:
    """Say whether a host has no certificate of this authority, or one that ends soon."""
    until = host.certificate_until
    if until is None or host.certificate_authority != authority:
        return True
    return until - now < timedelta(days=RENEW_DAYS)
