"""What a maintenance plan leans on, and whether that still holds when it is to be carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import Batch, HostFacts, Instance, Observed
from orchestrator.planning.drain import fleet_of

GONE = "gone"


def basis_of(observed: Observed, batches: Sequence[Batch]) -> dict[str, str]:
    """Return every observed fact that the plan leans on.

    Of compute hosts, the instances of those that are drained first: what comes to them later is
    given a place when they are drained.
    """
    planned = [one for batch in batches for one in batch.operations]
    names = {one.host for one in planned}
    return dict(
        sorted(
            [
                *((f"host {one.host}", _host(observed.hosts.get(one.host))) for one in planned),
                *(
                    (f"certificate of {one.host}", f"ends {_end(observed, one.host)}")
                    for one in planned
                    if one.certificate_until
                ),
                *(
                    (f"firmware of {one.host}", _versions(observed, one.host))
                    for one in planned
                    if one.firmware
                ),
                *_computes(observed, names | {move.to for one in planned for move in one.moves}),
                *(
                    (f"instance {one.name} ({one.id})", f"on {one.host}, {one.status}")
                    for one in _drained(observed.instances, planned_moves(batches))
                ),
                *(
                    (f"database {one.service}", _primary(one.primary))
                    for one in observed.services
                    if names & set(one.hosts)
                ),
            ]
        )
    )


def planned_moves(batches: Sequence[Batch]) -> frozenset[str]:
    """Return the ids of the instances that the plan moves."""
    return frozenset(
        move.instance for batch in batches for one in batch.operations for move in one.moves
    )


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return what moved since the plan was made, one sentence each."""
    return tuple(
        f"{fact}: {then.get(fact, 'not there')} when it was planned, {now.get(fact, GONE)} now"
        for fact in sorted({*then, *now})
        if then.get(fact) != now.get(fact)
    )


def crowding(observed: Observed, batches: Sequence[Batch]) -> tuple[str, ...]:
    """Return the places that the plan counts on and that are taken by now."""
    fleet = fleet_of(observed.computes, observed.instances)
    found: list[str] = []
    for batch in batches:
        moves = [move for one in batch.operations for move in one.moves]
        moves = [move for move in moves if move.instance in fleet.instances]
        found += [
            f"{move.to} has no room any more for {move.name} ({move.instance})"
            for number, move in enumerate(moves)
            if not fleet.has_room(move, beside=moves[:number])
        ]
        fleet = fleet.after(moves)
    return tuple(found)


def _end(observed: Observed, host: str) -> str:
    until = observed.certificates.get(host)
    if isinstance(until, Unknown):
        return "nobody knows when"
    return until.isoformat() if until else "never: there is none"


def _versions(observed: Observed, host: str) -> str:
    told = observed.firmware.get(host, ())
    if isinstance(told, Unknown):
        return "nobody knows what"
    return ", ".join(f"{one.component} {one.before}" for one in told) or "nothing to change"


def _host(facts: HostFacts | Unknown | None) -> str:
    if facts is None or isinstance(facts, Unknown):
        return "does not answer"
    if isinstance(facts.pending, Unknown):
        return "answers, pending packages unknown"
    changes = ", ".join(f"{one.name} {one.after}" for one in facts.pending)
    return f"answers, pending: {changes or 'nothing'}"


def _computes(observed: Observed, names: set[str]) -> Iterator[tuple[str, str]]:
    for name in names & set(observed.computes):
        host = observed.computes[name]
        enabled = "enabled" if host.enabled else "disabled"
        yield f"compute host {name}", f"{enabled}, {'up' if host.up else 'down'}"


def _drained(instances: Sequence[Instance], moved: frozenset[str]) -> Iterator[Instance]:
    return (one for one in instances if one.id in moved)


def _primary(primary: str | Unknown) -> str:
    return "primary unknown" if isinstance(primary, Unknown) else f"primary on {primary}"
