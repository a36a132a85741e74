from __future__ import annotations

import json
from pathlib import Path

from orchestrator.ports import LockHolder
from tests.cli.conftest import Run, edit
from tests.fakes.site_world import SiteWorld, stack


def test_drift_names_what_is_gone_and_what_changed_and_apply_mends_it(
    run: Run, applied: Path, world: SiteWorld
) -> None:
    world.change_outside("flavor/small", vcpus=64)
    del world.cloud["project/industry/enterprise"]
    result = run("drift", applied, "--detailed-exitcode")
    assert result.exit_code == 2
    assert (
        "  ~   flavor/small  fake:flavor  changed outside\n        vcpus: 2 -> 64" in result.stdout
    )
    assert "  -   project/industry/enterprise  fake:project  gone from the cloud" in result.stdout
    assert "Drift: 1 gone, 1 changed outside" in result.stdout
    planned = run("plan", applied).stdout
    assert "  ~   flavor/small  fake:flavor  changed outside\n        vcpus: 64 -> 2" in planned
    assert run("apply", applied, "--yes").exit_code == 0
    clean = run("drift", applied, "--detailed-exitcode")
    assert clean.exit_code == 0
    assert clean.stdout.startswith("No drift: the cloud is as it was left")


def test_drift_json_names_the_attributes(run: Run, applied: Path, world: SiteWorld) -> None:
    world.change_outside("flavor/small", vcpus=64)
    shown = json.loads(run("drift", applied, "-o", "json").stdout)
    assert shown["has_drift"] is True
    assert shown["drifts"][0]["stack"] == "system/site"
    assert shown["drifts"][0]["attributes"] == [
        {
            "path": "vcpus",
            "old": 2,
            "new": 64,
            "secret": False,
            "lines_gone": None,
            "lines_come": None,
        }
    ]


def test_status_shows_what_is_current_and_what_is_not(
    run: Run, applied: Path, world: SiteWorld
) -> None:
    edit(applied / "tenancy.yaml", "cores: 40", "cores: 48")
    world.stacks.records[stack("system/site")].interrupted = ("urn:x",)
    result = run("status", applied)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    states = {
        row[0]: row[-1] for row in rows if row and row[0] in {"hardware", "system", "tenancy"}
    }
    assert states == {"hardware": "current", "system": "interrupted", "tenancy": "changed"}
    assert "system/site: a run ended while it worked on 1 resource" in result.stdout
    assert "Last act: applied by tester" in result.stdout
    assert "smallcity: 2 of 4 stacks current, 18 resources recorded." in result.stdout


def test_status_json_says_who_holds_the_lock(run: Run, applied: Path, world: SiteWorld) -> None:
    world.lock.taken_by = LockHolder(who="li", host="ops1", pid=7, since="now", why="apply")
    shown = json.loads(run("status", applied, "-o", "json").stdout)
    assert shown["current"] is True
    assert shown["lock"] == {"who": "li", "host": "ops1", "pid": 7, "since": "now", "why": "apply"}


def test_destroy_needs_the_sites_name_typed(run: Run, applied: Path, world: SiteWorld) -> None:
    world.person = True
    refused = run("destroy", applied, input="y\n")
    assert refused.exit_code == 5
    assert "TO BE DELETED (18 resources)" in refused.stdout
    assert len(world.resources()) == 18
    assert run("destroy", applied, input="smallcity\n").exit_code == 0
    assert world.cloud == {}


def test_destroy_in_ci_needs_confirm_and_has_no_yes(
    run: Run, applied: Path, world: SiteWorld
) -> None:
    assert run("destroy", applied).exit_code == 5
    assert run("destroy", applied, "--yes").exit_code == 64
    assert run("destroy", applied, "--confirm", "bigcity").exit_code == 5
    assert len(world.resources()) == 18
    assert run("destroy", applied, "--tenant", "industry", "--confirm", "smallcity").exit_code == 0
    assert len(world.resources()) == 16
