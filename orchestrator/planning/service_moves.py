"""Where a service's data may be, beside its declared hosts: an edit of YAML must not lose it.

A service whose `hosts:` were moved wholly elsewhere looks, there, like one that was never made.
What other database hosts have, and whom the voters remember, tells the two apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.leadership import Standing
from orchestrator.model.service_plan import Refusal
from orchestrator.model.service_state import ClusterFacts, ClusterRole, Observed

EMPTY = frozenset({ClusterRole.ABSENT, ClusterRole.UNFINISHED})


def elsewhere(declared: DeclaredService, observed: Observed) -> Mapping[str, ClusterFacts]:
    """Return what hosts that are not the service's have of it; silent ones are left out."""
    found = {
        host: told.cluster(declared.cluster)
        for host, told in observed.items()
        if host not in declared.service.hosts and told.answers
    }
    return {
        host: one
        for host, one in found.items()
        if one.role not in EMPTY and one.service in {declared.name, ""}
    }


def led_elsewhere(
    declared: DeclaredService, facts: Mapping[str, ClusterFacts], observed: Observed
) -> Refusal | None:
    """Refuse a service whose primary is on a host that it is no longer to be on."""
    leading = [
        host
        for host, one in elsewhere(declared, observed).items()
        if one.role is ClusterRole.PRIMARY
    ]
    if not leading:
        return None
    if any(one.role is ClusterRole.PRIMARY for one in facts.values()):
        return Refusal(
            reason=f"{', '.join(leading)} is a primary of it, too, and not among its hosts",
            remedy="Look at what it holds, and stop its cluster if clients do not use it.",
        )
    return _move(declared, leading, why=f"its primary is on {', '.join(leading)}")


def lost_by_a_move(
    declared: DeclaredService, standing: Standing, observed: Observed
) -> Refusal | None:
    """Refuse an empty primary where the service has data elsewhere, or is known to have had some.

    Asked where none of the declared hosts has anything.
    """
    others = elsewhere(declared, observed)
    if others:
        told = ", ".join(f"{host} has it ({one.role.value})" for host, one in others.items())
        return _move(declared, list(others), why=f"its data is elsewhere: {told}")
    if standing.terms:
        leaders = ", ".join(sorted(standing.leaders))
        return Refusal(
            reason=f"remembered by {', '.join(standing.terms)}: {leaders} was its primary "
            f"(term {standing.newest}), and none of its hosts has its data",
            remedy=_FOUND_OR_LOST.format(declared.name),
        )
    witness = standing.voters.witness
    silent = [
        host
        for host, one in observed.items()
        if not one.answers and (witness is None or host != witness.name)
    ]
    remembers = witness is not None and witness in standing.answering
    if silent and not remembers:
        return Refusal(
            reason=f"whether {', '.join(silent)} has its data cannot be seen",
            remedy=_FOUND_OR_LOST.format(declared.name),
        )
    return None


_FOUND_OR_LOST = (
    "Bring the hosts up that had it, and put them among its hosts. Where its data is lost: "
    "orchestrator service apply {0} --empty, and then: orchestrator restore run"
)


def _move(declared: DeclaredService, holders: list[str], *, why: str) -> Refusal:
    """Return the steps of a move that loses nothing."""
    wanted = ", ".join((*declared.service.hosts, *holders))
    name, new = declared.name, declared.service.hosts[0]
    return Refusal(
        reason=f"{why}, not among its hosts: an empty one would be made beside it",
        remedy=f"Move it in steps. 1. Write hosts: [{wanted}] and run: orchestrator service apply "
        f"{name}. 2. orchestrator service switchover {name} --to {new}. 3. Take "
        f"{', '.join(holders)} out of its hosts, and run service apply again.",
    )
