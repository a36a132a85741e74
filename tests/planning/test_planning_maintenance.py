"""Which hosts together, in which order, and what is left alone and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.model.hardware import ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    Act,
    ComputeHost,
    GroupPolicy,
    Instance,
    Need,
    Observed,
    PackageChange,
)
from tests.planning.maintenance_town import (
    PATCH,
    REBOOT,
    batches,
    blocked,
    compute,
    facts,
    instance,
    plan,
    service,
    town,
)

COMPUTE, DATABASE, CONTROL = ServerRole.COMPUTE, ServerRole.DATABASE, ServerRole.CONTROL
BACKUP = ServerRole.BACKUP


def seen(
    *names: str,
    computes: tuple[ComputeHost, ...] = (),
    instances: tuple[Instance, ...] = (),
    **other,
):
    return Observed(
        hosts={name: facts() for name in names},
        computes={host.name: host for host in computes},
        instances=instances,
        **other,
    )


def test_hosts_that_stand_in_for_each_other_are_never_in_one_batch() -> None:
    roles = {"ctl-1": CONTROL, "ctl-2": CONTROL, "bak-1": BACKUP, "bak-2": BACKUP}
    planned = plan(town(roles), seen(*roles))
    assert batches(planned) == [["bak-1"], ["bak-2"], ["ctl-1"], ["ctl-2"]]


def test_computes_go_together_up_to_the_windows_number() -> None:
    names = ["a", "b", "c", "d", "e"]
    site = town(dict.fromkeys(names, COMPUTE), parallel=2)
    planned = plan(site, seen(*names, computes=tuple(map(compute, names))))
    assert batches(planned) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_region_without_a_window_is_worked_on_one_by_one() -> None:
    site = town({"a": COMPUTE, "b": COMPUTE})

    site = replace(site, system=replace(site.system, maintenance_windows=()))
    assert batches(plan(site, seen("a", "b"))) == [["a"], ["b"]]


def test_primaries_are_handed_over_first_and_the_host_with_the_fewest_goes_first() -> None:
    services = (service("t/one", "db-1", "db-2"), service("t/two", "db-1", "db-2"))
    site = town({"db-1": DATABASE, "db-2": DATABASE})
    planned = plan(site, seen("db-1", "db-2", services=services))
    assert batches(planned) == [["db-2"], ["db-1"]]
    first, second = (batch.operations[0] for batch in planned.batches)
    assert first.hand_overs == () and Act.HAND_OVER not in first.acts
    assert [(over.service, over.to) for over in second.hand_overs] == [
        ("t/one", "db-2"),
        ("t/two", "db-2"),
    ]
    assert second.acts == (Act.HAND_OVER, Act.REBOOT, Act.CHECK)


def test_what_was_handed_to_the_second_host_is_handed_back_before_its_turn() -> None:
    services = (service("t/one", "db-1", "db-2"), service("t/two", "db-2", "db-1"))
    planned = plan(
        town({"db-1": DATABASE, "db-2": DATABASE}), seen("db-1", "db-2", services=services)
    )
    first, second = (batch.operations[0] for batch in planned.batches)
    assert [(over.service, over.to) for over in first.hand_overs] == [("t/one", "db-2")]
    assert {(over.service, over.to) for over in second.hand_overs} == {
        ("t/one", "db-1"),
        ("t/two", "db-1"),
    }


def test_a_database_without_a_replica_keeps_its_host_as_it_is() -> None:
    planned = plan(town({"db-1": DATABASE}), seen("db-1", services=(service("t/one", "db-1"),)))
    assert planned.batches == [] and "no replica" in blocked(planned)["db-1"]


def test_an_unknown_primary_blocks_its_hosts_and_no_other() -> None:
    services = (service("t/one", Unknown("db-2 is silent"), "db-1"),)
    site = town({"db-1": DATABASE, "db-3": DATABASE})
    planned = plan(site, seen("db-1", "db-3", services=services))
    assert batches(planned) == [["db-3"]]
    assert "db-2 is silent" in blocked(planned)["db-1"]


def test_every_instance_of_a_drained_host_has_a_place_on_another() -> None:
    names = ("a", "b")
    observed = seen(
        *names,
        computes=(compute("a"), compute("b"), compute("c")),
        instances=(instance("web", "a"), instance("db", "b", memory_mib=16)),
    )
    planned = plan(town(dict.fromkeys(names, COMPUTE)), observed)
    assert batches(planned) == [["a", "b"]]
    moves = {move.name: move.to for one in planned.batches[0].operations for move in one.moves}
    assert moves == {"web": "c", "db": "c"}


def test_where_both_do_not_fit_at_once_they_go_one_after_the_other() -> None:
    names = ("a", "b")
    observed = seen(
        *names,
        computes=(compute("a"), compute("b"), compute("c", memory_mib=8)),
        instances=(instance("web", "a"), instance("db", "b")),
    )
    planned = plan(town(dict.fromkeys(names, COMPUTE)), observed)
    assert batches(planned) == [["a"], ["b"]]


def test_an_instance_without_a_place_is_named_and_its_host_left_as_it_is() -> None:
    observed = seen(
        "a",
        computes=(compute("a"), compute("b", memory_mib=8)),
        instances=(instance("huge", "a", memory_mib=16),),
    )
    planned = plan(town({"a": COMPUTE}), observed)
    assert planned.batches == []
    assert "huge" in blocked(planned)["a"] and "no place" in blocked(planned)["a"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": "ERROR"}, "it is ERROR"),
        ({"task": "resize_prep"}, "busy with it (resize_prep)"),
        ({"devices": ("hw:pmem",)}, "hardware of its host"),
    ],
)
def test_an_instance_that_cannot_be_moved_is_named_with_why(changed, said) -> None:
    observed = seen(
        "a", computes=(compute("a"), compute("b")), instances=(instance("web", "a", **changed),)
    )
    planned = plan(town({"a": COMPUTE}), observed)
    assert planned.batches == [] and said in blocked(planned)["a"]


def test_members_of_an_affinity_group_that_share_a_host_cannot_be_moved() -> None:
    together = {"group": "g", "policy": GroupPolicy.AFFINITY}
    instances = (instance("one", "a", **together), instance("two", "a", **together))
    observed = seen("a", computes=(compute("a"), compute("b")), instances=instances)
    assert "one by one" in blocked(plan(town({"a": COMPUTE}), observed))["a"]


def test_members_that_are_kept_apart_never_meet_and_their_hosts_are_not_drained_together() -> None:
    apart = {"group": "g", "policy": GroupPolicy.ANTI_AFFINITY}
    instances = (instance("one", "a", **apart), instance("two", "b", **apart))
    computes = tuple(map(compute, "abcd"))
    planned = plan(
        town({"a": COMPUTE, "b": COMPUTE}), seen("a", "b", computes=computes, instances=instances)
    )
    assert batches(planned) == [["a"], ["b"]]
    (first,) = planned.batches[0].operations[0].moves
    (second,) = planned.batches[1].operations[0].moves
    assert first.to in {"c", "d"} and second.to not in {first.to, "b"}


def test_an_instance_that_is_off_stays_where_it_is() -> None:
    observed = seen(
        "a", computes=(compute("a"),), instances=(instance("web", "a", status="SHUTOFF"),)
    )
    planned = plan(town({"a": COMPUTE}), observed)
    assert planned.batches[0].operations[0].moves == ()


def test_a_host_that_somebody_disabled_is_left_disabled() -> None:
    off = compute("a", enabled=False, reason="bad memory")
    (operation,) = plan(town({"a": COMPUTE}), seen("a", computes=(off,))).batches[0].operations
    assert Act.UNCORDON not in operation.acts
    assert any("bad memory" in note for note in operation.notes)


def test_instances_go_to_hosts_that_are_through_so_that_they_move_once() -> None:
    names = ("a", "b", "c")
    observed = seen(
        *names,
        computes=tuple(map(compute, names)),
        instances=tuple(instance(f"i-{name}", name) for name in names),
    )
    planned = plan(town(dict.fromkeys(names, COMPUTE), parallel=1), observed)
    second, third = planned.batches[1].operations[0], planned.batches[2].operations[0]
    assert {move.to for move in second.moves} == {"a"}
    assert {move.to for move in third.moves} <= {"a", "b"}


@pytest.mark.parametrize(
    ("told", "needs", "acts"),
    [
        ({}, PATCH, (Act.PATCH, Act.REBOOT_IF_NEEDED, Act.CHECK)),
        ({"reboot_reasons": ("kernel",)}, PATCH, (Act.PATCH, Act.REBOOT, Act.CHECK)),
        ({"pending": (), "reboot_reasons": ("kernel",)}, PATCH, (Act.REBOOT, Act.CHECK)),
        ({"unconfigured": ("x",)}, PATCH, (Act.PATCH, Act.REBOOT_IF_NEEDED, Act.CHECK)),
        ({}, PATCH | REBOOT, (Act.PATCH, Act.REBOOT, Act.CHECK)),
        (
            {"pending": (PackageChange(name="linux-image-amd64", before="1", after="2"),)},
            frozenset({Need.KERNEL}),
            (Act.KERNEL, Act.REBOOT_IF_NEEDED, Act.CHECK),
        ),
    ],
)  # fmt: skip
def test_what_is_done_follows_from_what_the_host_needs(told, needs, acts) -> None:
    observed = Observed(hosts={"bak": facts(**told)})
    planned = plan(town({"bak": BACKUP}), observed, needs=needs)
    assert planned.batches[0].operations[0].acts == acts


def test_a_host_that_needs_nothing_is_idle() -> None:
    observed = Observed(hosts={"bak": facts(pending=())})
    planned = plan(town({"bak": BACKUP}), observed, needs=PATCH)
    assert (planned.idle, planned.batches, planned.blocked) == (["bak"], [], [])


def test_a_kernel_run_leaves_other_packages_alone() -> None:
    observed = Observed(hosts={"bak": facts()})
    assert plan(town({"bak": BACKUP}), observed, needs=frozenset({Need.KERNEL})).idle == ["bak"]


def test_a_silent_host_is_left_as_it_is_and_the_others_go_on() -> None:
    observed = Observed(hosts={"a": Unknown("a does not answer"), "b": facts()})
    planned = plan(town({"a": BACKUP, "b": BACKUP}), observed)
    assert batches(planned) == [["b"]] and blocked(planned) == {"a": "a does not answer"}


def test_a_clock_an_hour_off_is_to_be_mended_first() -> None:
    observed = Observed(hosts={"a": facts(clock_ahead_seconds=-3600.0)})
    assert "3600 s behind" in blocked(plan(town({"a": BACKUP}), observed))["a"]


def test_unknown_pending_packages_are_said_not_taken_for_none() -> None:
    observed = Observed(hosts={"a": facts(pending=Unknown("no route"))})
    (operation,) = plan(town({"a": BACKUP}), observed, needs=PATCH).batches[0].operations
    assert Act.PATCH in operation.acts
    assert any("unknown: no route" in note for note in operation.notes)
