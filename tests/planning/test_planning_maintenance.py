"""Which hosts together, in which order, and what is left alone and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest

from orchestrator.model.hardware import ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    CORDONED_BY,
    Act,
    ComputeHost,
    GroupPolicy,
    Instance,
    Need,
    Observed,
    PackageChange,
)
from orchestrator.model.site import Site
from orchestrator.planning.maintenance_basis import crowding
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


def test_a_silent_host_holds_back_whom_it_stands_in_for_asked_about_or_not() -> None:
    roles = {"ctl-1": CONTROL, "ctl-2": CONTROL}
    site = with_addresses(town(roles))
    told = {"ctl-1": Unknown("ctl-1: does not answer"), "ctl-2": facts()}
    second = [one for one in site.hardware.servers if one.name == "ctl-2"]
    planned = plan(site, Observed(hosts=told), servers=second)
    assert batches(planned) == []
    assert blocked(planned) == {
        "ctl-2": "ctl-1 stands in for it, and is not well: ctl-1: does not answer"
    }


def test_a_host_that_maintenance_left_disabled_is_taken_up_though_it_needs_nothing() -> None:
    left = compute("a", enabled=False, reason=f"{CORDONED_BY}20261122-1")
    idle = Observed(hosts={"a": facts(pending=())}, computes={"a": left})
    planned = plan(town({"a": COMPUTE}), idle, needs=PATCH)
    (operation,) = planned.batches[0].operations
    assert operation.acts == (Act.CHECK, Act.UNCORDON)
    assert any("20261122-1 left it disabled" in note for note in operation.notes)


def test_places_that_are_taken_together_count_together() -> None:
    computes = {name: compute(name) for name in ("a", "b")}
    both = tuple(instance(name, "a", memory_mib=12) for name in ("x", "y"))
    seen_first = Observed(hosts={"a": facts()}, computes=computes, instances=both)
    planned = plan(town({"a": COMPUTE}), seen_first)
    assert crowding(seen_first, planned.batches) == ()
    came = instance("z", "b", memory_mib=10)
    now = replace(seen_first, instances=(*both, came))
    assert len(crowding(now, planned.batches)) == 1


def with_addresses(site: Site) -> Site:
    servers = tuple(
        replace(server, address=IPv4Address(f"10.9.0.{number + 100}"))
        for number, server in enumerate(site.hardware.servers)
    )
    return replace(site, hardware=replace(site.hardware, servers=servers))


NOW = datetime(2026, 11, 22, tzinfo=UTC)
CERTIFICATES = frozenset({Need.CERTIFICATES})


def ending(**days: int) -> dict[str, datetime | Unknown]:
    return {name.replace("_", "-"): NOW + timedelta(days=left) for name, left in days.items()}


def test_certificates_are_renewed_replicas_first_and_nothing_is_handed_over() -> None:
    site = town({"db-1": DATABASE, "db-2": DATABASE})
    services = (service("t/one", "db-1", "db-2"),)
    observed = seen("db-1", "db-2", services=services, certificates=ending(db_1=10, db_2=20))
    planned = plan(site, observed, needs=CERTIFICATES, renew_before=NOW + timedelta(days=30))
    assert batches(planned) == [["db-2"], ["db-1"]]
    acts = {one.acts for batch in planned.batches for one in batch.operations}
    assert acts == {(Act.RENEW, Act.CHECK)}
    assert planned.batches[0].operations[0].certificate_until == "2026-12-12T00:00:00+00:00"


def test_a_certificate_that_ends_late_or_is_not_there_needs_nothing() -> None:
    site = town({"db-1": DATABASE, "db-2": DATABASE})
    observed = seen("db-1", "db-2", certificates=ending(db_1=31))
    planned = plan(site, observed, needs=CERTIFICATES, renew_before=NOW + timedelta(days=30))
    assert (batches(planned), planned.idle) == ([], ["db-1", "db-2"])


def test_a_certificate_whose_end_is_unknown_is_not_taken_for_a_good_one() -> None:
    observed = seen("db-1", certificates={"db-1": Unknown("no answer")})
    planned = plan(town({"db-1": DATABASE}), observed, needs=CERTIFICATES, renew_before=NOW)
    assert blocked(planned) == {"db-1": "when its certificate ends is unknown: no answer"}


def test_a_reboot_that_is_due_is_not_made_for_a_certificate() -> None:
    hosts = {"db-1": facts(reboot_reasons=("kernel",))}
    observed = Observed(hosts=hosts, certificates=ending(db_1=3))
    soon = NOW + timedelta(days=30)
    planned = plan(town({"db-1": DATABASE}), observed, needs=CERTIFICATES, renew_before=soon)
    assert planned.batches[0].operations[0].acts == (Act.RENEW, Act.CHECK)
