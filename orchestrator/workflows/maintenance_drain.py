"""Empty a compute host: every running instance to another host, and nobody left behind."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.errors import HostError
from orchestrator.model.host import HostFault
from orchestrator.model.maintenance import Instance, Move, Operation
from orchestrator.planning.drain import fleet_of, immovable, stays
from orchestrator.ports.maintenance import Computes

ROUNDS = 3
"""How often a host is looked at again for instances that came while others were moved away."""


def empty(
    operation: Operation, fellows: Collection[str], computes: Computes, *, within: float
) -> None:
    """Move everything that runs away from a host, and see it empty.

    `fellows` are the hosts of its batch: nothing is moved to them. `within` is for one instance.

    Raises:
        HostError: an instance cannot be moved, or has no place.
        CloudError: Nova did not move one.
    """
    for _ in range(ROUNDS):
        moves = _moves(operation, frozenset({*fellows, operation.host}), computes)
        if not moves:
            return
        for move in moves:
            computes.move(move, within=within)
    left = [
        one.name for one in computes.instances() if one.host == operation.host and not stays(one)
    ]
    if left:
        raise _failed(f"instances keep coming to {operation.host}: {', '.join(left)}")


def _moves(operation: Operation, drained: frozenset[str], computes: Computes) -> tuple[Move, ...]:
    """Return where each instance goes: where it was planned to, while there is room."""
    instances = computes.instances()
    # What moves already was begun by a run that was killed: it is waited for.
    settled = tuple(one for one in instances if one.task != "migrating")
    for one, reason in immovable(settled, {operation.host}).get(operation.host, ()):
        raise _failed(f"instance {one.name} ({one.id}) cannot be moved: {reason}")
    fleet = fleet_of(computes.hosts(), instances)
    found = fleet.moves_off({operation.host}, closed=drained)
    if isinstance(found, Instance):
        raise _failed(f"instance {found.name} ({found.id}) has no place on another host")
    planned = {move.instance: move for move in operation.moves}
    chosen: list[Move] = []
    for move in found:
        wanted = planned.get(move.instance, move)
        fits = wanted.to not in drained and fleet.has_room(wanted)
        chosen.append(wanted if fits else move)
        fleet = fleet.after(chosen[-1:])
    return tuple(chosen)


def _failed(message: str) -> HostError:
    return HostError(message, fault=HostFault.FAILED)
