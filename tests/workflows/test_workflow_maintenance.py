"""Maintenance on hosts in memory: the order of acts, each fault, and going on after a kill."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from orchestrator.adapters.maintenance_records import (
    read_maintenance_plan,
    write_maintenance_plan,
)
from orchestrator.adapters.sealed_file import write_sealed
from orchestrator.errors import OrchestratorError, RefusedError, StalePlanError
from orchestrator.model.firmware import FirmwareImage
from orchestrator.model.hardware import ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import MaintenancePlan, Need
from orchestrator.model.maintenance_report import MaintenanceReport, OperationOutcome
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.site import Site
from orchestrator.model.system import Freeze
from orchestrator.model.units import Text
from orchestrator.workflows.maintenance import Maintenance
from orchestrator.workflows.maintenance_acts import Limits
from orchestrator.workflows.maintenance_plan import Wish, make_plan, refuse_stale
from orchestrator.workflows.maintenance_standing import standing, still_disabled, unfinished
from tests.fakes.maintenance_world import FakeHost, KilledError, MaintenanceWorld, boot
from tests.planning.maintenance_town import compute, instance, service, town

PATCH = CataloguedPlaybook(
    name="maintenance/patch-host",
    purpose=Text(zh="x", en="x"),
    disruptive=True,
    window=True,
    proof="x",
    minutes=10,
)
ROLES = {
    "bak": ServerRole.BACKUP,
    "c1": ServerRole.COMPUTE,
    "c2": ServerRole.COMPUTE,
    "db-1": ServerRole.DATABASE,
    "db-2": ServerRole.DATABASE,
}
BOTH_KINDS = ("c1", "db-1")
ANY_TIME = Limits(any_time=True)
DONE, FAILED = OperationOutcome.DONE, OperationOutcome.FAILED
NOT_STARTED = OperationOutcome.NOT_STARTED


@pytest.fixture
def site() -> Site:
    made = town(ROLES, parallel=1)
    servers = tuple(
        replace(server, address=IPv4Address(f"10.9.0.{number + 100}"))
        for number, server in enumerate(made.hardware.servers)
    )
    return replace(made, hardware=replace(made.hardware, servers=servers))


@pytest.fixture
def world(tmp_path: Path) -> MaintenanceWorld:
    return whole_world(tmp_path)


def whole_world(folder: Path) -> MaintenanceWorld:
    web = instance("web", "c1")
    return MaintenanceWorld(
        folder=folder,
        hosts={name: FakeHost() for name in ROLES},
        computes={"c1": compute("c1"), "c2": compute("c2")},
        instances={web.id: web},
        services={"t/one": service("t/one", "db-1", "db-2")},
    )


def planned(
    site: Site, world: MaintenanceWorld, *names: str, needs: frozenset[Need] | None = None
) -> MaintenancePlan:
    servers = tuple(server for server in site.hardware.servers if not names or server.name in names)
    wish = Wish(site=site, needs=needs or frozenset({Need.PATCH}), servers=servers)
    return make_plan(wish, world.ports())


def run(
    site: Site, world: MaintenanceWorld, plan: MaintenancePlan, limits: Limits = ANY_TIME
) -> MaintenanceReport:
    return Maintenance(site=site, plan=plan, ports=world.ports(), limits=limits, patch=PATCH).run()


def outcomes(report: MaintenanceReport) -> dict[str, OperationOutcome]:
    return {one.host: one.outcome for one in report.results}


def test_a_stop_before_the_first_host_is_no_closed_window(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world)
    work = Maintenance(site=site, plan=plan, ports=world.ports(), limits=ANY_TIME, patch=PATCH)
    work.stop()
    report = work.run()
    assert report.interrupted and report.stopped == "it was asked to stop"
    assert set(outcomes(report).values()) == {OperationOutcome.NOT_STARTED}
    assert world.acts == []


def test_everything_is_done_in_its_order(site: Site, world: MaintenanceWorld) -> None:
    report = run(site, world, planned(site, world))
    assert set(outcomes(report).values()) == {DONE}
    assert world.acts == [
        *("patch bak", "reboot bak"),
        *("cordon c1", "move web c1 c2", "patch c1", "reboot c1", "uncordon c1"),
        *("cordon c2", "move web c2 c1", "patch c2", "reboot c2", "uncordon c2"),
        *("patch db-2", "reboot db-2"),
        *("hand over t/one db-2", "patch db-1", "reboot db-1"),
    ]
    ends = [one["facts"] for one in world.audit.entries if one["act"] == "maintenance-end"]
    assert [facts["outcome"] for facts in ends] == ["done"] * 5


def test_a_patch_that_needs_no_reboot_reboots_nothing(site: Site, world: MaintenanceWorld) -> None:
    world.hosts["bak"].patch_needs_reboot = False
    report = run(site, world, planned(site, world, "bak"))
    assert (outcomes(report), world.acts) == ({"bak": DONE}, ["patch bak"])


def test_killed_at_any_act_it_resumes_to_the_same_end(site: Site, tmp_path: Path) -> None:
    whole = whole_world(tmp_path / "whole")
    run(site, whole, planned(site, whole, *BOTH_KINDS))
    for kill_at in range(len(whole.acts)):
        world = whole_world(tmp_path / str(kill_at))
        plan = planned(site, world, *BOTH_KINDS)
        world.kill_at = kill_at
        with pytest.raises(KilledError):
            run(site, world, plan)
        world.kill_at = None
        report = run(site, world, unfinished(world.ports().records, None))
        assert set(outcomes(report).values()) == {DONE}, kill_at
        # The act that it died at was not done; all are done once, in the same order.
        assert world.acts == whole.acts, kill_at


def test_killed_at_any_line_of_the_journal_nothing_is_rebooted_twice(
    site: Site, tmp_path: Path
) -> None:
    whole = whole_world(tmp_path / "whole")
    run(site, whole, planned(site, whole, *BOTH_KINDS))
    for kill_at in range(whole.notes):
        world = whole_world(tmp_path / str(kill_at))
        plan = planned(site, world, *BOTH_KINDS)
        world.kill_at_note = kill_at
        with pytest.raises(KilledError):
            run(site, world, plan)
        world.kill_at_note = None
        report = run(site, world, plan)
        assert set(outcomes(report).values()) == {DONE}, kill_at
        assert {world.hosts[name].boot for name in BOTH_KINDS} == {2}, kill_at
        assert world.instances == whole.instances, kill_at
        assert world.services == whole.services, kill_at
        assert world.computes == whole.computes, kill_at


def test_a_reboot_that_was_asked_for_by_a_killed_run_is_not_repeated(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "bak", needs=frozenset({Need.REBOOT}))
    records = world.ports().records
    records.begin(plan)
    records.note(plan.id, {"event": "begin-operation", "operation": 1, "host": "bak"})
    records.note(
        plan.id,
        {"event": "begin", "operation": 1, "host": "bak", "act": "reboot", "boot_id": "boot-1"},
    )
    world.hosts["bak"].boot = 2
    assert outcomes(standing_report(world, plan)) == {"bak": OperationOutcome.UNKNOWN}
    report = run(site, world, plan)
    assert (outcomes(report), world.acts) == ({"bak": DONE}, [])


def standing_report(world: MaintenanceWorld, plan: MaintenancePlan) -> MaintenanceReport:
    return standing(world.ports().records, plan)


def test_a_host_that_does_not_come_back_ends_the_run_at_its_budget(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["c1"].dies_at_reboot = True
    report = run(site, world, planned(site, world))
    assert outcomes(report) == {
        "bak": DONE,
        "c1": FAILED,
        "c2": NOT_STARTED,
        "db-1": NOT_STARTED,
        "db-2": NOT_STARTED,
    }
    failed = report.results[1]
    assert "did not come back" in failed.state and "stays disabled" in failed.state
    assert "--power-cycle" in failed.remedy
    assert not world.computes["c1"].enabled


def test_a_resume_switches_a_host_that_stayed_away_and_boots_none_twice(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["c1"].dies_at_reboot = True
    plan = planned(site, world, "c1")
    run(site, world, plan)
    done = len(world.acts)
    again = run(site, world, plan)
    assert "did not come back" in again.results[0].state, "still away"
    (mended,) = run(site, world, plan, replace(ANY_TIME, power_cycle=True)).results
    assert mended.outcome is DONE
    assert world.acts[done:] == ["power-cycle c1", "uncordon c1"]


def test_a_host_that_came_back_late_is_not_rebooted_again(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["bak"].dies_at_reboot = True
    plan = planned(site, world, "bak", needs=frozenset({Need.REBOOT}))
    run(site, world, plan)
    world.hosts["bak"].silent = False
    boot(world.hosts["bak"])
    assert outcomes(run(site, world, plan)) == {"bak": DONE}
    assert world.acts == ["reboot bak"]


def test_a_silent_host_that_was_left_disabled_is_not_called_untouched(
    site: Site, world: MaintenanceWorld
) -> None:
    world.broken_packages = {"c1"}
    plan = planned(site, world, "c1")
    run(site, world, plan)
    world.hosts["c1"].silent = True
    (failed,) = run(site, world, plan).results
    assert failed.state.endswith("nothing was done; its compute service is still disabled")


def test_a_hand_over_that_was_cut_off_after_its_promotion_is_brought_to_its_end(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "db-1")
    records = world.ports().records
    records.begin(plan)
    records.note(plan.id, {"event": "begin-operation", "operation": 1, "host": "db-1"})
    records.note(plan.id, {"event": "begin", "operation": 1, "host": "db-1", "act": "hand over"})
    world.services["t/one"] = replace(service("t/one", "db-2", "db-1"), standbys=())
    assert outcomes(run(site, world, plan)) == {"db-1": DONE}
    assert world.acts == ["follow t/one db-2", "patch db-1", "reboot db-1"]


def test_a_primary_that_came_since_is_handed_over_before_its_host_goes_down(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "db-2")
    assert plan.operations[0].hand_overs == ()
    world.services["t/one"] = service("t/one", "db-2", "db-1")
    assert outcomes(run(site, world, plan)) == {"db-2": DONE}
    assert world.acts == ["hand over t/one db-1", "patch db-2", "reboot db-2"]


def test_a_host_is_not_taken_down_while_its_database_has_no_known_primary(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "db-2")
    lost = replace(world.services["t/one"], primary=Unknown("db-1 is unknown"))
    world.services["t/one"] = lost
    (failed,) = run(site, world, plan).results
    assert failed.outcome is FAILED and "db-1 is unknown" in failed.state
    assert world.acts == []


def test_a_host_that_stands_in_for_a_failed_one_is_left_whatever_the_budget(tmp_path: Path) -> None:
    roles = {"ctl-1": ServerRole.CONTROL, "ctl-2": ServerRole.CONTROL}
    site = town(roles, parallel=1)
    world = MaintenanceWorld(folder=tmp_path, hosts={name: FakeHost() for name in roles})
    world.broken_packages = {"ctl-1"}
    report = run(site, world, planned(site, world), replace(ANY_TIME, budget=9))
    assert outcomes(report) == {"ctl-1": FAILED, "ctl-2": NOT_STARTED}
    assert "ctl-1 is not well" in report.stopped


def test_hosts_that_are_no_longer_declared_or_known_are_named(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "c1")
    del world.computes["c1"]
    (failed,) = run(site, world, plan).results
    assert failed.outcome is FAILED and "Nova does not know c1" in failed.state
    left = tuple(server for server in site.hardware.servers if server.name != "c1")
    gone = replace(site, hardware=replace(site.hardware, servers=left))
    with pytest.raises(StalePlanError, match="no longer declared: c1"):
        run(gone, world, plan)


def test_its_bmc_brings_it_back_only_where_that_is_asked_for(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["c1"].dies_at_reboot = True
    report = run(site, world, planned(site, world), replace(ANY_TIME, power_cycle=True))
    assert set(outcomes(report).values()) == {DONE}
    assert "power-cycle c1" in world.acts


def test_a_larger_budget_goes_on_with_the_other_hosts(site: Site, world: MaintenanceWorld) -> None:
    world.broken_packages = {"bak"}
    report = run(site, world, planned(site, world), replace(ANY_TIME, budget=2))
    assert outcomes(report)["bak"] is FAILED
    assert [one for host, one in outcomes(report).items() if host != "bak"] == [DONE] * 4


def test_a_package_that_does_not_set_up_is_named_and_mended_by_a_resume(
    site: Site, world: MaintenanceWorld
) -> None:
    world.broken_packages = {"bak"}
    plan = planned(site, world, "bak")
    report = run(site, world, plan)
    assert "not set up: x" in report.results[0].state
    world.broken_packages = set()
    assert outcomes(run(site, world, plan)) == {"bak": DONE}


def test_a_migration_that_never_ends_puts_the_host_back(
    site: Site, world: MaintenanceWorld
) -> None:
    world.stuck = {"id-web"}
    report = run(site, world, planned(site, world, "c1"))
    (failed,) = report.results
    assert failed.outcome is FAILED and "aborted" in failed.state
    assert "enabled again" in failed.state and world.computes["c1"].enabled
    assert world.hosts["c1"].boot == 1
    world.stuck = set()
    again = run(site, world, unfinished(world.ports().records, None))
    assert outcomes(again) == {"c1": DONE} and world.instances["id-web"].host == "c2"


def test_a_cordon_whose_answer_is_lost_leaves_no_host_disabled(
    site: Site, world: MaintenanceWorld
) -> None:
    world.unheard_cordon = True
    (failed,) = run(site, world, planned(site, world, "c1")).results
    assert failed.outcome is FAILED and "enabled again" in failed.state
    assert world.computes["c1"].enabled


def test_an_instance_that_came_since_is_given_a_place_too(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "c1")
    late = instance("late", "c1")
    world.instances[late.id] = late
    assert outcomes(run(site, world, plan)) == {"c1": DONE}
    assert {one.host for one in world.instances.values()} == {"c2"}


def test_a_host_that_is_silent_before_its_turn_is_not_touched(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "c1")
    world.hosts["c1"].silent = True
    (failed,) = run(site, world, plan).results
    assert failed.outcome is FAILED and "nothing was done" in failed.state
    assert world.acts == []


def test_a_unit_that_fails_at_the_boot_fails_the_operation(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["bak"].breaks_unit = "nginx.service"
    (failed,) = run(site, world, planned(site, world, "bak")).results
    assert failed.outcome is FAILED and "nginx.service has failed" in failed.state


def test_a_unit_that_had_failed_before_is_not_held_against_it(
    site: Site, world: MaintenanceWorld
) -> None:
    world.hosts["bak"].failed_units = ["old.service"]
    assert outcomes(run(site, world, planned(site, world, "bak"))) == {"bak": DONE}


def test_a_clock_that_is_off_after_the_boot_fails_the_check(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "bak")
    world.hosts["bak"].clock_ahead = 3600.0
    (failed,) = run(site, world, plan).results
    assert failed.outcome is FAILED and "3600 s ahead" in failed.state


def test_a_replica_that_is_gone_stops_the_hand_over(site: Site, world: MaintenanceWorld) -> None:
    plan = planned(site, world, "db-1")
    world.hosts["db-2"].silent = True
    (failed,) = run(site, world, plan).results
    assert failed.outcome is FAILED and "no replica of t/one may take over" in failed.state
    assert world.acts == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda world: world.instances.update({"id-web": instance("web", "c2")}), "on c2, ACTIVE"),
        (lambda world: world.instances.clear(), "gone now"),
        (lambda world: world.hosts["bak"].__setattr__("silent", True), "does not answer now"),
        (
            lambda world: world.services.update({"t/one": service("t/one", "db-2", "db-1")}),
            "primary on db-2 now",
        ),
        (
            lambda world: world.computes.update({"c1": compute("c1", enabled=False)}),
            "disabled, up now",
        ),
        (
            lambda world: world.hosts["bak"].__setattr__("pending", [["tool", "1", "3"]]),
            "pending: tool 3 now",
        ),
        (
            lambda world: world.instances.update(
                {"big": replace(instance("big", "c2"), id="big", memory_mib=30)}
            ),
            "c2 has no room any more for web",
        ),
    ],
)
def test_a_plan_is_refused_once_something_moved(
    site: Site, world: MaintenanceWorld, change, said: str
) -> None:
    plan = planned(site, world)
    refuse_stale(site, plan, world.ports())
    change(world)
    with pytest.raises(StalePlanError, match=said):
        refuse_stale(site, plan, world.ports())
    assert world.acts == []


def test_outside_of_the_window_nothing_is_begun(site: Site, world: MaintenanceWorld) -> None:
    plan = planned(site, world, "bak")
    with pytest.raises(RefusedError, match="no maintenance window of city is open"):
        run(site, world, plan, Limits())
    assert world.acts == [] and outcomes(standing_report(world, plan)) == {"bak": NOT_STARTED}


def test_a_freeze_beats_a_window(site: Site, world: MaintenanceWorld) -> None:
    # 22 November 2026, 03:00 in UTC, is a Sunday, 11:00 in Shanghai.
    window = replace(site.system.maintenance_windows[0], start="10:00")
    freeze = Freeze(name="f", since="2026-11-20T00:00", until="2026-11-23T00:00", reason="两会保障")
    open_now = replace(site.system, maintenance_windows=(window,))
    opened = replace(site, system=open_now)
    assert outcomes(run(opened, world, planned(opened, world, "bak"), Limits())) == {"bak": DONE}
    frozen = replace(site, system=replace(open_now, freezes=(freeze,)))
    with pytest.raises(RefusedError, match=r"frozen until 2026-11-23T00:00 .两会保障"):
        run(frozen, world, planned(frozen, world, "c1"), Limits())


def test_a_window_that_closes_ends_the_run_between_two_batches(
    site: Site, world: MaintenanceWorld
) -> None:
    window = replace(site.system.maintenance_windows[0], start="10:00", hours=1)
    site = replace(site, system=replace(site.system, maintenance_windows=(window,)))
    world.clock.time = world.clock.time.replace(hour=2, minute=59, second=40)
    report = run(site, world, planned(site, world), Limits())
    assert outcomes(report)["bak"] is DONE and outcomes(report)["c1"] is NOT_STARTED
    assert "no maintenance window" in report.stopped


def test_a_saved_plan_is_read_back_whole_and_an_edited_one_refused(
    site: Site, world: MaintenanceWorld, tmp_path: Path
) -> None:
    plan, file = planned(site, world), tmp_path / "a.plan"
    write_maintenance_plan(file, plan)
    assert read_maintenance_plan(file) == plan
    file.write_text(file.read_text().replace("c2", "c3"))
    with pytest.raises(OrchestratorError, match="changed since"):
        read_maintenance_plan(file)


def test_a_torn_line_of_the_journal_is_passed_over(world: MaintenanceWorld, site: Site) -> None:
    plan = planned(site, world, "bak")
    run(site, world, plan)
    journal = world.folder / plan.id / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert outcomes(standing_report(world, plan)) == {"bak": OperationOutcome.UNKNOWN}
    assert outcomes(run(site, world, plan)) == {"bak": DONE}
    assert world.acts == ["patch bak", "reboot bak"]


def test_a_host_that_was_patched_by_hand_since_is_skipped(
    site: Site, world: MaintenanceWorld
) -> None:
    plan = planned(site, world, "bak", "c1")
    world.hosts["c1"].pending = []
    report = run(site, world, plan)
    assert outcomes(report) == {"bak": DONE, "c1": OperationOutcome.SKIPPED}
    assert world.acts == ["patch bak", "reboot bak"]
    with pytest.raises(RefusedError, match="work left"):
        unfinished(world.ports().records, None)


def test_a_partner_that_went_silent_since_holds_a_host_back(tmp_path: Path) -> None:
    roles = {"ctl-1": ServerRole.CONTROL, "ctl-2": ServerRole.CONTROL}
    pair = town(roles, parallel=1)
    servers = tuple(
        replace(server, address=IPv4Address(f"10.9.0.{number + 100}"))
        for number, server in enumerate(pair.hardware.servers)
    )
    pair = replace(pair, hardware=replace(pair.hardware, servers=servers))
    world = MaintenanceWorld(folder=tmp_path, hosts={name: FakeHost() for name in roles})
    plan = planned(pair, world)
    world.hosts["ctl-2"].silent = True
    report = run(pair, world, plan)
    assert outcomes(report)["ctl-1"] is FAILED and world.acts == []
    assert "stands in for ctl-1" in report.results[0].state


def test_what_a_failed_run_left_disabled_is_said_and_enabled_by_the_next_plan(
    site: Site, world: MaintenanceWorld
) -> None:
    world.broken_packages = {"c1"}
    first = planned(site, world, "c1")
    run(site, world, first)
    records = world.ports().records
    assert still_disabled(records) == {"c1": first.id}
    world.broken_packages = set()
    world.hosts["c1"].pending = []
    second = planned(site, world, "c1", needs=frozenset({Need.KERNEL}))
    assert outcomes(run(site, world, second)) == {"c1": DONE}
    assert world.computes["c1"].enabled and still_disabled(records) == {}


def test_certificates_are_renewed_and_one_that_was_renewed_since_is_skipped(
    site: Site, world: MaintenanceWorld
) -> None:
    soon = world.clock.now() + timedelta(days=3)
    for name in ("db-1", "db-2"):
        world.hosts[name].certificate = soon
    plan = planned(site, world, needs=frozenset({Need.CERTIFICATES}))
    assert [one.host for one in plan.operations] == ["db-2", "db-1"]
    world.hosts["db-1"].certificate = soon + timedelta(days=300)
    report = run(site, world, plan)
    assert outcomes(report) == {"db-2": DONE, "db-1": OperationOutcome.SKIPPED}
    assert world.acts == ["renew db-2"]


BIOS = FirmwareImage(
    component="BIOS", version="1.12", image="http://10.0.0.5/bios.bin", sha256="a" * 64
)


@pytest.fixture
def with_firmware(site: Site, world: MaintenanceWorld) -> Site:
    """Return the site with a BIOS that is agreed upon, and the file where it is."""
    world.images[BIOS.image] = ("BIOS", "1.12", BIOS.sha256)
    profiles = tuple(replace(one, firmware=(BIOS,)) for one in site.hardware.profiles)
    return replace(site, hardware=replace(site.hardware, profiles=profiles))


FIRMWARE = frozenset({Need.FIRMWARE})


def test_firmware_is_updated_on_a_drained_host_and_read_back_after_its_power_cycle(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    plan = planned(with_firmware, world, "c1", needs=FIRMWARE)
    assert outcomes(run(with_firmware, world, plan)) == {"c1": DONE}
    assert world.acts == [
        *("cordon c1", "move web c1 c2", "update c1 BIOS 1.12"),
        *("off c1", "on c1", "uncordon c1"),
    ]
    assert world.hosts["c1"].firmware["BIOS"] == "1.12"
    again = planned(with_firmware, world, "c1", needs=FIRMWARE)
    assert (again.operations, again.idle) == ((), ("c1",))


def test_killed_at_any_act_of_a_firmware_update_it_resumes_to_the_same_end(
    with_firmware: Site, tmp_path: Path
) -> None:
    for kill_at in range(7):
        world = whole_world(tmp_path / str(kill_at))
        world.images[BIOS.image] = ("BIOS", "1.12", BIOS.sha256)
        plan = planned(with_firmware, world, "c1", needs=FIRMWARE)
        world.kill_at = kill_at if kill_at < 6 else None
        if world.kill_at is not None:
            with pytest.raises(KilledError):
                run(with_firmware, world, plan)
        world.kill_at = None
        assert outcomes(run(with_firmware, world, plan)) == {"c1": DONE}, kill_at
        assert world.hosts["c1"].firmware["BIOS"] == "1.12"
        assert world.hosts["c1"].boot == 2, kill_at


def test_an_image_that_is_another_file_stops_all_before_any_host_is_touched(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    plan = planned(with_firmware, world, "c1", needs=FIRMWARE)
    world.images[BIOS.image] = ("BIOS", "1.12", "b" * 64)
    with pytest.raises(RefusedError, match="is another file: its SHA-256 is bbb"):
        run(with_firmware, world, plan)
    assert world.acts == []


def test_firmware_that_did_not_take_is_a_failure_and_the_host_stays_out(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    world.images[BIOS.image] = ("BIOS", "1.11", BIOS.sha256)
    (failed,) = run(
        with_firmware, world, planned(with_firmware, world, "c1", needs=FIRMWARE)
    ).results
    assert failed.outcome is FAILED and "its BIOS is 1.11, not 1.12" in failed.state
    assert not world.computes["c1"].enabled


def test_profiles_without_declared_firmware_are_said(site: Site, world: MaintenanceWorld) -> None:
    plan = planned(site, world, "c1", needs=FIRMWARE)
    assert plan.operations == ()
    assert any("declares no firmware" in remark for remark in plan.remarks)


def test_a_component_that_the_bmc_does_not_tell_of_is_unknown(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    del world.hosts["c1"].firmware["BIOS"]
    plan = planned(with_firmware, world, "c1", needs=FIRMWARE)
    assert "tells no version of BIOS" in plan.blocked[0].reasons[0]


def test_a_plan_of_an_earlier_version_is_still_read(
    site: Site, world: MaintenanceWorld, tmp_path: Path
) -> None:
    plan = planned(site, world, "bak")
    facts = asdict(plan)
    del facts["remarks"]
    for batch in facts["batches"]:
        for operation in batch["operations"]:
            del operation["firmware"], operation["certificate_until"]
    write_sealed(tmp_path / "old.plan", "maintenance", json.dumps(facts))
    assert read_maintenance_plan(tmp_path / "old.plan") == plan


def test_a_plan_that_was_refused_was_not_begun(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    plan = planned(with_firmware, world, "c1", needs=FIRMWARE)
    with pytest.raises(RefusedError):
        run(with_firmware, world, plan, Limits())
    world.images[BIOS.image] = ("BIOS", "1.12", "b" * 64)
    with pytest.raises(RefusedError):
        run(with_firmware, world, plan)
    assert world.ports().records.plans() == ()


def test_a_bmcs_own_firmware_takes_no_host_down(
    with_firmware: Site, world: MaintenanceWorld
) -> None:
    own = replace(BIOS, component="BMC", version="7.2", image="http://10.0.0.5/bmc.bin")
    world.images[own.image] = ("BMC", "7.2", own.sha256)
    profiles = tuple(replace(one, firmware=(own,)) for one in with_firmware.hardware.profiles)
    site = replace(with_firmware, hardware=replace(with_firmware.hardware, profiles=profiles))
    plan = planned(site, world, "c1", needs=FIRMWARE)
    world.applies_at_once = True
    assert outcomes(run(site, world, plan)) == {"c1": DONE}
    assert world.hosts["c1"].boot == 1 and not any("off" in act for act in world.acts)
