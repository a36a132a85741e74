"""Find every instance of drained compute hosts a place, before anything is moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.model.maintenance import ComputeHost, GroupPolicy, Instance, Move

RUNNING = frozenset({"ACTIVE", "PAUSED"})
"""States in which Nova moves an instance while it runs; one that is off sleeps through a reboot."""

RESTING = frozenset({"SHUTOFF", "SHELVED_OFFLOADED", "SUSPENDED"})

SEARCH_STEPS = 5000
"""Placements that are tried before a drain counts as impossible."""


def stays(instance: Instance) -> bool:
    """Say whether an instance is left on a host that is drained: it does not run."""
    return instance.status in RESTING and not instance.task


def hindrance(instance: Instance, fellows: int) -> str:
    """Return why an instance cannot be moved while it runs, or nothing.

    `fellows` are the other members of its server group on the same host.
    """
    if instance.task:
        return f"Nova is busy with it ({instance.task})"
    if instance.status not in RUNNING:
        return f"it is {instance.status}, which Nova neither moves nor leaves alone"
    if instance.devices:
        return f"it holds hardware of its host ({', '.join(instance.devices)})"
    if instance.policy is GroupPolicy.AFFINITY and fellows:
        return "its server group keeps its members on one host, and Nova moves them one by one"
    return ""


def immovable(
    instances: Sequence[Instance], hosts: Collection[str]
) -> dict[str, tuple[tuple[Instance, str], ...]]:
    """Return the instances that cannot be moved, with the reason, by host."""
    members = Counter((one.group, one.host) for one in instances if one.group)
    found: dict[str, list[tuple[Instance, str]]] = defaultdict(list)
    for one in instances:
        if one.host not in hosts or stays(one):
            continue
        reason = hindrance(one, members[one.group, one.host] - 1)
        if reason:
            found[one.host].append((one, reason))
    return {host: tuple(pairs) for host, pairs in found.items()}


@dataclass(frozen=True)
class Fleet:
    """The compute hosts and where each instance is: now, or after the moves that are planned."""

    hosts: Mapping[str, ComputeHost]
    instances: Mapping[str, Instance]

    def groups_on(self, host: str) -> frozenset[str]:
        """Return the server groups that keep their members apart and have one on a host."""
        return frozenset(
            one.group
            for one in self.instances.values()
            if one.host == host and one.policy is GroupPolicy.ANTI_AFFINITY
        )

    def has_room(self, move: Move, *, beside: Sequence[Move] = ()) -> bool:
        """Say whether the place that a move goes to is free and takes instances.

        What moves `beside` it counts on both of its hosts, as it does while it moves.
        """
        host, one = self.hosts.get(move.to), self.instances[move.instance]
        if host is None or not host.takes_instances:
            return False
        free = _Free(host)
        for other in self.instances.values():
            if other.host == host.name and other.id != one.id:
                free.take(other)
        for other_move in beside:
            if other_move.to == host.name and other_move.instance != one.id:
                free.take(self.instances[other_move.instance])
        return free.fits(one)

    def after(self, moves: Sequence[Move]) -> Fleet:
        """Return the fleet when the moves are made."""
        moved = {
            move.instance: replace(self.instances[move.instance], host=move.to) for move in moves
        }
        return Fleet(self.hosts, {**self.instances, **moved})

    def moves_off(
        self,
        drained: Collection[str],
        *,
        preferred: Collection[str] = (),
        closed: Collection[str] = (),
    ) -> tuple[Move, ...] | Instance:
        """Return a move for each instance that runs on the drained hosts.

        No drained host takes any, and none of the `closed` ones. While an instance moves it counts
        on both of its hosts, so that nothing is overcommitted in between. `preferred` hosts are
        filled first: those that are through already, so that an instance moves once.

        Where not all have a place, the instance that has none is returned.
        """
        leaving = sorted(
            (one for one in self.instances.values() if one.host in drained and not stays(one)),
            key=lambda one: (-one.memory_mib, -one.vcpus, one.id),
        )
        search = _Search(
            self, drained=frozenset({*drained, *closed}), preferred=frozenset(preferred)
        )
        return search.place(leaving)


class _Search:
    """Place the largest first; take back a choice that leaves a later one without a place."""

    def __init__(self, fleet: Fleet, *, drained: frozenset[str], preferred: frozenset[str]) -> None:
        self._preferred = preferred
        self._targets = [
            host
            for host in fleet.hosts.values()
            if host.takes_instances and host.name not in drained
        ]
        self._free = {host.name: _Free(host) for host in self._targets}
        for one in fleet.instances.values():
            if one.host in self._free:
                self._free[one.host].take(one)
        self._hosts = fleet.hosts
        self._steps = 0

    def place(self, leaving: Sequence[Instance]) -> tuple[Move, ...] | Instance:
        chosen: list[str] = []
        deepest = 0
        choices = [iter(self._places(leaving[0]))] if leaving else []
        while len(chosen) < len(leaving):
            one = leaving[len(choices) - 1]
            name = next(choices[-1], None)
            self._steps += 1
            if name is not None:
                self._free[name].take(one)
                chosen.append(name)
                deepest = max(deepest, len(chosen))
                if len(chosen) < len(leaving):
                    choices.append(iter(self._places(leaving[len(chosen)])))
                continue
            choices.pop()
            if not chosen or self._steps > SEARCH_STEPS:
                return leaving[min(deepest, len(leaving) - 1)]
            self._free[chosen.pop()].give_back(leaving[len(chosen)])
        return tuple(
            Move(instance=one.id, name=one.name, source=one.host, to=to)
            for one, to in zip(leaving, chosen, strict=True)
        )

    def _places(self, one: Instance) -> list[str]:
        source = self._hosts[one.host]
        fitting = [
            host.name
            for host in self._targets
            if may_take(host, one, source=source) and self._free[host.name].fits(one)
        ]
        return sorted(fitting, key=lambda name: self._worth(name, one))

    def _worth(self, name: str, one: Instance) -> tuple[bool, bool, float, str]:
        free = self._free[name]
        together = one.policy is GroupPolicy.SOFT_ANTI_AFFINITY and free.groups[one.group] > 0
        return (together, name not in self._preferred, -free.memory_mib, name)


def may_take(host: ComputeHost, one: Instance, *, source: ComputeHost) -> bool:
    """Say whether a host is of the kind that an instance may go to, room apart.

    It stays in its availability zone and in every host aggregate that it is in now: what those
    promise (a kind of disk, a tenant's own hosts) is not for maintenance to break.
    """
    return (
        host.zone == source.zone
        and source.aggregates <= host.aggregates
        and one.traits <= host.traits
    )


class _Free:
    """What a host has left."""

    def __init__(self, host: ComputeHost) -> None:
        self.vcpus = host.vcpus
        self.memory_mib = host.memory_mib
        self.disk_gib = host.disk_gib
        self.groups: Counter[str] = Counter()

    def fits(self, one: Instance) -> bool:
        room = (
            one.vcpus <= self.vcpus
            and one.memory_mib <= self.memory_mib
            and one.disk_gib <= self.disk_gib
        )
        return room and not (one.policy is GroupPolicy.ANTI_AFFINITY and self.groups[one.group])

    def take(self, one: Instance) -> None:
        self._count(one, 1)

    def give_back(self, one: Instance) -> None:
        self._count(one, -1)

    def _count(self, one: Instance, sign: int) -> None:
        self.vcpus -= sign * one.vcpus
        self.memory_mib -= sign * one.memory_mib
        self.disk_gib -= sign * one.disk_gib
        if one.group:
            self.groups[one.group] += sign


def fleet_of(hosts: Mapping[str, ComputeHost], instances: Sequence[Instance]) -> Fleet:
    """Return the fleet as it is; instances of hosts that Nova no longer has are left out."""
    return Fleet(hosts, {one.id: one for one in instances if one.host in hosts})
