"""`orchestrator maintenance` as it is typed: what it asks for, shows, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.outside import Access
from orchestrator.model.site import Site
from orchestrator.ports import LockHolder
from orchestrator.workflows.maintenance_acts import MaintenancePorts
from tests.cli.conftest import Run, edit
from tests.fakes.maintenance_world import FakeHost, MaintenanceWorld
from tests.fakes.site_world import SiteWorld

BMC = 'bmc: {address: "10.9.0.{21..22}", user: orchestrator, password: secret://bmc/city}'
HOSTS = ("sto-1", "sto-2")
GO = ("--yes", "--outside-window")


class MaintainedWorld(SiteWorld):
    """The wiring that hands the hosts in memory to the commands."""

    maintained: MaintenanceWorld

    def maintenance(self, directory: Path, site: Site, *, access: Access) -> MaintenancePorts:
        return self.maintained.ports()


@pytest.fixture
def world() -> MaintainedWorld:
    return MaintainedWorld()


@pytest.fixture
def hosts(site: Path, world: MaintainedWorld, tmp_path: Path) -> MaintenanceWorld:
    """Return two storage hosts with an address, wired for the commands."""
    edit(site / "hardware.yaml", BMC, f'{BMC}\n    address: "10.9.0.{{121..122}}"')
    made = MaintenanceWorld(
        folder=tmp_path / "records",
        hosts={name: FakeHost() for name in (*HOSTS, "cmp-01", "cmp-02", "cmp-03")},
        clock=world.clock,
    )
    world.maintained = made
    return made


def planned(run: Run, site: Path, file: Path, *more: str) -> Path:
    done = run(
        "maintenance", "plan", "--patch", "--role", "storage", "--site", site, "--out", file, *more
    )
    assert done.exit_code == 0, done.output
    return file


def test_a_plan_says_what_is_done_to_each_host_and_when(
    run: Run, site: Path, hosts: MaintenanceWorld
) -> None:
    done = run("maintenance", "plan", "--patch", "--role", "storage", "--site", site)
    assert done.exit_code == 0
    assert "patch, reboot if needed, check" in done.stdout
    assert "packages: tool 2" in done.stdout
    assert "city may be disturbed next: Sun 2026-11-22 22:00" in done.stdout
    assert "2 operations in 2 batches" in done.stdout
    assert hosts.acts == []


def test_json_has_the_same_facts(run: Run, site: Path, hosts: MaintenanceWorld) -> None:
    done = run("maintenance", "plan", "--patch", "--hosts", "sto-1", "--site", site, "-o", "json")
    told = json.loads(done.stdout)
    (batch,) = told["batches"]
    (operation,) = batch["operations"]
    assert (batch["region"], operation["host"]) == ("city", "sto-1")
    assert operation["packages"] == [{"package": "tool", "from": "1", "to": "2"}]
    assert (told["needs"], told["blocked"], told["idle"]) == (["patch"], [], [])


def test_hosts_that_are_left_as_they_are_show_in_the_exit_code(
    run: Run, site: Path, hosts: MaintenanceWorld
) -> None:
    hosts.hosts["sto-2"].clock_ahead = 3600
    some = run("maintenance", "plan", "--reboot", "--role", "storage", "--site", site)
    assert some.exit_code == 6 and "its clock is 3600 s ahead" in some.stdout
    hosts.hosts["sto-2"].silent = True
    none = run("maintenance", "plan", "--reboot", "--role", "storage", "--site", site)
    assert none.exit_code == 1 and "sto-2: does not answer" in none.stdout


def test_what_is_to_be_done_has_to_be_said(run: Run, site: Path, hosts: MaintenanceWorld) -> None:
    done = run("maintenance", "plan", "--site", site)
    assert done.exit_code == 64 and "--patch, --kernel, --reboot" in done.output


def test_a_misspelt_host_gets_a_guess(run: Run, site: Path, hosts: MaintenanceWorld) -> None:
    done = run("maintenance", "plan", "--reboot", "--hosts", "sto-11", "--site", site)
    assert done.exit_code == 64 and "sto-1" in done.output


def test_a_saved_plan_is_run_shown_and_remembered(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    done = run("maintenance", "run", file, "--site", site, *GO)
    assert done.exit_code == 0, done.output
    assert "2 done" in done.stdout and "2/2 sto-2: done" in done.stderr
    assert hosts.acts == ["patch sto-1", "reboot sto-1", "patch sto-2", "reboot sto-2"]
    standing = json.loads(run("maintenance", "status", "--site", site, "-o", "json").stdout)
    assert standing["shown"]["summary"]["done"] == 2
    again = run("maintenance", "run", file, "--site", site, *GO)
    assert again.exit_code == 5 and "was begun already" in again.stderr


def test_without_a_person_and_without_yes_nothing_is_done(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    done = run("maintenance", "run", file, "--site", site, "--outside-window")
    assert done.exit_code == 5 and "nothing was done" in done.stderr and hosts.acts == []


def test_outside_of_the_window_a_run_is_refused(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    done = run("maintenance", "run", file, "--site", site, "--yes")
    assert done.exit_code == 5 and "no maintenance window of city" in done.stderr


def test_a_stale_plan_exits_with_its_own_code(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    hosts.hosts["sto-2"].silent = True
    done = run("maintenance", "run", file, "--site", site, *GO)
    assert done.exit_code == 3 and "host sto-2" in done.stderr and hosts.acts == []


def test_a_failure_is_partly_done_and_resume_finishes_it(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    hosts.broken_packages = {"sto-2"}
    failed = run("maintenance", "run", file, "--site", site, *GO)
    assert failed.exit_code == 6 and "not set up: x" in failed.stdout
    hosts.broken_packages = set()
    done = run("maintenance", "resume", "--site", site, *GO)
    assert done.exit_code == 0, done.output
    nothing = run("maintenance", "resume", "--site", site, *GO)
    assert nothing.exit_code == 5 and "work left" in nothing.stderr


def test_a_second_run_meets_the_lock(
    run: Run, site: Path, hosts: MaintenanceWorld, tmp_path: Path
) -> None:
    file = planned(run, site, tmp_path / "a.plan")
    hosts.lock.taken_by = LockHolder(who="a", host="b", pid=1, since="now", why="maintenance")
    done = run("maintenance", "run", file, "--site", site, *GO)
    assert done.exit_code == 4 and hosts.acts == []


def test_status_without_any_maintenance_says_so(
    run: Run, site: Path, hosts: MaintenanceWorld
) -> None:
    assert "No maintenance was begun" in run("maintenance", "status", "--site", site).stdout
