from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from orchestrator.ports import LockHolder
from tests.cli.conftest import Run, edit
from tests.fakes.site_world import SiteWorld


def test_a_plan_changes_nothing_and_ends_in_one_summary_line(
    run: Run, site: Path, world: SiteWorld
) -> None:
    result = run("plan", site)
    assert result.exit_code == 0
    assert world.resources() == set()
    assert "  +   project/industry/enterprise  fake:project\n" in result.stdout
    assert (
        "Plan: 18 to add, 0 to change, 0 to replace, 0 to delete, 0 orphans kept; 0 unchanged.\n"
        in result.stdout
    )
    told = "network: 2 devices, compiled only: none has a login."
    assert result.stdout.splitlines()[-1] == told
    assert result.stderr == ""


def test_detailed_exit_code_tells_changes_from_none(run: Run, site: Path) -> None:
    assert run("plan", site, "--detailed-exitcode").exit_code == 2
    assert run("apply", site, "--yes").exit_code == 0
    result = run("plan", site, "--detailed-exitcode")
    assert result.exit_code == 0
    assert "Nothing to do: the cloud is as the site says." in result.stdout


def test_one_changed_quota_is_one_change_from_old_to_new(run: Run, applied: Path) -> None:
    edit(applied / "tenancy.yaml", "cores: 40", "cores: 48")
    result = run("plan", applied)
    assert result.stdout.splitlines()[1:6] == [
        "",
        "tenancy/industry  工信局 Industry Bureau",
        "  ~   project/industry/enterprise  fake:project",
        "        quota.cores: 40 -> 48",
        "",
    ]
    assert "Plan: 0 to add, 1 to change, 0 to replace, 0 to delete," in result.stdout


def test_plan_json_on_stdout_is_nothing_but_json(run: Run, site: Path) -> None:
    result = run("plan", site, "-o", "json")
    shown = json.loads(result.stdout)
    assert shown["summary"]["add"] == 18
    assert [step["stack"] for step in shown["steps"]] == [
        "room/city",
        "hardware/city",
        "system/site",
        "tenancy/industry",
    ]


@pytest.mark.parametrize(
    ("arguments", "stacks"),
    [
        (["--layer", "tenancy"], ["tenancy/industry"]),
        (["--layer", "tenancy", "--layer", "system"], ["system/site", "tenancy/industry"]),
        (["--tenant", "industry"], ["tenancy/industry"]),
        (["--region", "dr"], []),
    ],
)
def test_a_scope_narrows_the_plan(
    run: Run, site: Path, arguments: list[str], stacks: list[str]
) -> None:
    shown = json.loads(run("plan", site, *arguments, "-o", "json").stdout)
    assert [step["stack"] for step in shown["steps"]] == stacks


def test_a_misspelt_tenant_is_not_taken_for_no_changes(run: Run, site: Path) -> None:
    result = run("plan", site, "--tenant", "industrie")
    assert result.exit_code == 64
    assert "no tenant `industrie`. Did you mean `industry`?" in result.stderr


def test_a_tenant_that_is_only_recorded_may_still_be_named(run: Run, applied: Path) -> None:
    (applied / "tenancy.yaml").write_text("tenants: []\n")
    edit(applied / "network.yaml", "  - {name: exchange,", "  # - {name: exchange,")
    result = run("plan", applied, "--tenant", "industry")
    assert result.exit_code == 0, result.output
    assert "2 orphans kept" in result.stdout


def test_apply_without_a_person_and_without_yes_is_refused_before_any_work(
    run: Run, site: Path, world: SiteWorld
) -> None:
    result = run("apply", site)
    assert result.exit_code == 5
    assert "--yes" in result.stderr
    assert world.lock.held_for == []
    assert world.resources() == set()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 5), ("\n", 5)])
def test_a_person_is_shown_the_plan_and_asked(
    run: Run, site: Path, world: SiteWorld, answer: str, code: int
) -> None:
    world.person = True
    result = run("apply", site, input=answer)
    assert result.exit_code == code
    assert "Plan: 18 to add" in result.stdout
    assert "Apply this plan to smallcity?" in result.stderr
    assert bool(world.resources()) == (code == 0)


def test_apply_ends_with_a_table_of_layers_and_tenants_and_the_next_command(
    run: Run, site: Path
) -> None:
    lines = run("apply", site, "--yes").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Layer "))
    rows = [line.rstrip() for line in lines[start:]]
    assert [row.split()[0] for row in rows[1:6]] == [
        "network",
        "room",
        "hardware",
        "system",
        "tenancy",
    ]
    assert rows[5].split("  ")[-2:] == ["2", "2 added"]
    assert "industry  工信局 Industry Bureau  " in rows[5]
    assert rows[-3] == "Done: 18 added, 0 changed, 0 replaced, 0 deleted; 0 unchanged."
    assert rows[-1] == f"Next: orchestrator status {site}"
    # The last column begins at the same cell in every row, Chinese or not.
    assert len({cell_len(row[: row.index(" added") - 2]) for row in rows[3:6]}) == 1


def test_progress_in_a_log_is_one_line_per_stack_on_stderr(run: Run, site: Path) -> None:
    result = run("apply", site, "--yes")
    lines = [line.split(" in ")[0] for line in result.stderr.splitlines()]
    assert [line[:5] for line in lines] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    # Servers are enrolled beside the rest, so hardware may come in any place.
    assert sorted(line[6:] for line in lines) == [
        "hardware/city: 5 done",
        "room/city: 4 done",
        "system/site: 7 done",
        "tenancy/industry: 2 done",
    ]


def test_apply_json_keeps_stdout_for_the_report(run: Run, site: Path) -> None:
    result = run("apply", site, "--yes", "-o", "json")
    report = json.loads(result.stdout)
    assert report["failed"] is False
    assert sum(len(entry["changes"]) for entry in report["results"]) == 18
    assert "Plan: 18 to add" in result.stderr


def test_a_second_apply_has_nothing_to_do(run: Run, applied: Path) -> None:
    result = run("apply", applied, "--yes")
    assert result.exit_code == 0
    assert "Nothing to do: the cloud is as the site says." in result.stdout


def test_a_failed_resource_ends_in_partly_done_with_reason_and_next_command(
    run: Run, site: Path, world: SiteWorld
) -> None:
    world.stacks.broken["flavor/small"] = "the cloud answered 403"
    result = run("apply", site, "--yes")
    assert result.exit_code == 6
    assert "failed: flavor/small (fake:flavor)\n  why: the cloud answered 403" in result.stdout
    assert "tenancy   industry  工信局 Industry Bureau" in result.stdout
    assert "not reached" in result.stdout
    assert result.stdout.splitlines()[-1] == f"Next: orchestrator apply {site}"


def test_many_failures_for_one_reason_are_told_once(run: Run, site: Path, world: SiteWorld) -> None:
    for number in (1, 2, 3):
        world.stacks.broken[f"server/cmp-0{number}"] = "no BMC answers"
    result = run("apply", site, "--yes")
    assert result.stdout.count("why: no BMC answers") == 1
    assert "failed: server/cmp-01 (fake:server), server/cmp-02 (fake:server)," in result.stdout


def test_the_next_command_after_a_failure_names_the_same_scope(
    run: Run, site: Path, world: SiteWorld
) -> None:
    world.stacks.broken["flavor/small"] = "no"
    result = run("apply", site, "--yes", "--layer", "system")
    assert result.stdout.splitlines()[-1] == f"Next: orchestrator apply {site} --layer=system"


def test_nothing_done_at_all_is_failed_not_partly_done(
    run: Run, site: Path, world: SiteWorld
) -> None:
    for name in ("cmp-01", "cmp-02", "cmp-03", "sto-1", "sto-2"):
        world.stacks.broken[f"server/{name}"] = "no BMC answers"
    assert run("apply", site, "--yes", "--layer", "hardware").exit_code == 1


def test_an_interrupted_apply_ends_in_130_and_the_same_command_finishes(
    run: Run, site: Path, world: SiteWorld
) -> None:
    world.stacks.stops_after = 2
    result = run("apply", site, "--yes")
    assert result.exit_code == 130
    assert "interrupted" in result.stdout
    assert result.stdout.splitlines()[-1] == f"Next: orchestrator apply {site}"
    world.stacks.stops_after = None
    world.stacks.resume()
    assert run("apply", site, "--yes").exit_code == 0
    assert run("plan", site, "--detailed-exitcode").exit_code == 0


def test_a_locked_site_says_who_and_exits_with_4(run: Run, site: Path, world: SiteWorld) -> None:
    world.lock.taken_by = LockHolder(who="li", host="ops1", pid=7, since="now", why="apply")
    result = run("apply", site, "--yes")
    assert result.exit_code == 4
    assert "locked by li on ops1" in result.stderr


def test_a_saved_plan_is_applied_without_asking_and_finds_its_site(
    run: Run, site: Path, world: SiteWorld, tmp_path: Path
) -> None:
    saved = tmp_path / "small.plan"
    assert run("plan", site, "--out", saved).exit_code == 0
    result = run("apply", saved)
    assert result.exit_code == 0, result.output
    assert len(world.resources()) == 18


def test_a_saved_plan_is_refused_once_the_site_moved(
    run: Run, site: Path, world: SiteWorld, tmp_path: Path
) -> None:
    saved = tmp_path / "small.plan"
    run("plan", site, "--out", saved)
    edit(site / "tenancy.yaml", "cores: 40", "cores: 48")
    result = run("apply", saved)
    assert result.exit_code == 3
    assert world.resources() == set()


def test_a_part_of_a_saved_plan_is_not_to_be_had(
    run: Run, site: Path, world: SiteWorld, tmp_path: Path
) -> None:
    saved = tmp_path / "small.plan"
    run("plan", site, "--out", saved)
    result = run("apply", saved, "--layer", "system")
    assert result.exit_code == 64
    assert "applied whole" in result.stderr
    assert world.resources() == set()


def test_a_saved_plan_that_was_edited_is_refused(
    run: Run, site: Path, world: SiteWorld, tmp_path: Path
) -> None:
    saved = tmp_path / "small.plan"
    run("plan", site, "--out", saved)
    edit(saved, "debian-12", "debian-13")
    assert run("apply", saved).exit_code == 1
    assert world.resources() == set()


def test_a_site_with_faults_is_not_planned(run: Run, site: Path, world: SiteWorld) -> None:
    edit(site / "tenancy.yaml", "contacts:", "contcats:")
    result = run("plan", site)
    assert result.exit_code == 1
    assert "error SY020 Unknown key" in result.stderr
    assert result.stdout == ""
    assert world.opened_with == []


def test_options_for_engine_cloud_and_state_reach_the_wiring(
    run: Run, site: Path, world: SiteWorld, tmp_path: Path
) -> None:
    run("apply", site, "--yes", "--parallel", 3, "--os-cloud", "other", "--state-dir", tmp_path)
    _, identity, access = world.opened_with[-1]
    assert identity is not None
    assert (access.parallel, access.cloud, access.state_directory) == (3, "other", tmp_path)
    run("plan", site, env={"ORCHESTRATOR_ENGINE": "pulumi", "ORCHESTRATOR_OS_CLOUD": "env-cloud"})
    assert (world.opened_with[-1][2].engine, world.opened_with[-1][2].cloud) == (
        "pulumi",
        "env-cloud",
    )
