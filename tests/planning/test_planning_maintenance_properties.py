"""Whatever the town: no batch breaks a domain, nothing is overcommitted, everybody has a place."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.model.hardware import ServerRole
from orchestrator.model.maintenance import GroupPolicy, Instance, Observed
from orchestrator.planning.maintenance import Planned
from tests.planning.maintenance_town import compute, facts, instance, plan, service, town

POLICIES = (None, None, GroupPolicy.ANTI_AFFINITY, GroupPolicy.AFFINITY)


@st.composite
def fleets(draw) -> tuple[list[str], Observed, int]:
    """Draw compute hosts with instances that fit on them, groups kept, and how many at a time."""
    names = [f"c{number}" for number in range(draw(st.integers(2, 6)))]
    computes = {
        name: compute(
            name,
            memory_mib=draw(st.sampled_from([16, 32, 64])),
            zone=draw(st.sampled_from(["az1", "az1", "az2"])),
            enabled=draw(st.sampled_from([True, True, True, False])),
        )
        for name in names
    }
    room = {name: host.memory_mib for name, host in computes.items()}
    instances: list[Instance] = []
    for number in range(draw(st.integers(0, 14))):
        host = draw(st.sampled_from(names))
        policy = draw(st.sampled_from(POLICIES))
        one = instance(
            f"i{number}",
            host,
            memory_mib=draw(st.sampled_from([2, 4, 8, 16])),
            status=draw(st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF", "ERROR"])),
            policy=policy,
            group=f"{policy}-{draw(st.integers(0, 1))}" if policy else "",
        )
        met = any(
            other.group == one.group and other.host == host
            for other in instances
            if policy is GroupPolicy.ANTI_AFFINITY
        )
        if one.memory_mib <= room[host] and not met:
            room[host] -= one.memory_mib
            instances.append(one)
    observed = Observed(
        hosts={name: facts() for name in names}, computes=computes, instances=tuple(instances)
    )
    return names, observed, draw(st.integers(1, 3))


def _used(host: str, where: dict[str, str], observed: Observed) -> int:
    return sum(one.memory_mib for one in observed.instances if where[one.id] == host)


def _walk(planned: Planned, observed: Observed) -> dict[str, str]:
    """Make the moves batch by batch, and require every moment of it to be sound."""
    where = {one.id: one.host for one in observed.instances}
    by_id = {one.id: one for one in observed.instances}
    for batch in planned.batches:
        drained = {one.host for one in batch.operations}
        moves = [move for one in batch.operations for move in one.moves]
        incoming = Counter[str]()
        for move in moves:
            assert where[move.instance] == move.source and move.to not in drained
            assert observed.computes[move.to].takes_instances
            assert observed.computes[move.to].zone == observed.computes[move.source].zone
            incoming[move.to] += by_id[move.instance].memory_mib
        for host, memory in incoming.items():
            # All of the batch under way at once, nothing let go of yet: the worst moment.
            assert _used(host, where, observed) + memory <= observed.computes[host].memory_mib
        where.update({move.instance: move.to for move in moves})
        left = [by_id[i] for i, host in where.items() if host in drained]
        assert all(one.status == "SHUTOFF" for one in left)
        apart = Counter(
            (one.group, where[one.id])
            for one in observed.instances
            if one.policy is GroupPolicy.ANTI_AFFINITY
        )
        assert max(apart.values(), default=1) <= 1
    return where


@settings(max_examples=60)
@given(fleets())
def test_a_drain_is_sound_at_every_moment_and_nobody_is_forgotten(drawn) -> None:
    names, observed, parallel = drawn
    site = town(dict.fromkeys(names, ServerRole.COMPUTE), parallel=parallel)
    planned = plan(site, observed)
    _walk(planned, observed)
    assert all(len(batch.operations) <= parallel for batch in planned.batches)
    in_plan = [one.host for batch in planned.batches for one in batch.operations]
    assert sorted([*in_plan, *(one.host for one in planned.blocked)]) == sorted(names)
    for one in observed.instances:
        if one.status == "ERROR":
            (reasons,) = [each.reasons for each in planned.blocked if each.host == one.host]
            assert any(one.id in reason for reason in reasons)


@st.composite
def databases(draw) -> tuple[list[str], Observed]:
    names = [f"db{number}" for number in range(draw(st.integers(2, 6)))]
    services = []
    for number in range(draw(st.integers(1, 6))):
        members = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        services.append(service(f"t/{number}", *members))
    return names, Observed(hosts={name: facts() for name in names}, services=tuple(services))


@settings(max_examples=60)
@given(databases())
def test_every_database_keeps_a_primary_outside_of_the_batch(drawn) -> None:
    names, observed = drawn
    planned = plan(town(dict.fromkeys(names, ServerRole.DATABASE)), observed)
    primaries = {one.service: one.primary for one in observed.services}
    for batch in planned.batches:
        hosts = {one.host for one in batch.operations}
        for one in observed.services:
            assert len(hosts & set(one.hosts)) <= 1
        for operation in batch.operations:
            for over in operation.hand_overs:
                assert primaries[over.service] == over.source == operation.host
                primaries[over.service] = over.to
        assert not hosts & set(primaries.values())
