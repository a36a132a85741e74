from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, edit


def test_a_site_without_faults_is_summed_up(run: Run, site: Path) -> None:
    result = run("check", site)
    assert result.exit_code == 0
    assert result.stdout == (
        "smallcity (小城 Small City): no errors. "
        "4 regions, 3 racks, 5 servers, 1 tenant, 1 project.\n"
    )


def test_every_fault_of_every_file_is_shown_with_its_line(run: Run, site: Path) -> None:
    edit(site / "tenancy.yaml", "contacts:", "contcats:")
    edit(site / "system.yaml", "vcpus: 2", "vcpus: two")
    result = run("check", site)
    assert result.exit_code == 1
    assert f"{site}/tenancy.yaml:5:5: error SY020 Unknown key" in result.stdout
    assert "  5 |     contcats:\n    |     ^\n" in result.stdout
    assert f"{site}/system.yaml:9:26: error SY023" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("in 2 files.")


def test_a_plain_text_secret_is_refused_and_never_printed(run: Run, site: Path) -> None:
    edit(site / "hardware.yaml", "password: secret://bmc/city", "password: hunter2canary")
    for output in ("text", "json"):
        result = run("check", site, "-o", output)
        assert result.exit_code == 1
        assert "SE001" in result.output
        assert "canary" not in result.output


def test_json_carries_the_findings_and_the_same_exit_code(run: Run, site: Path) -> None:
    good = json.loads(run("check", site, "-o", "json").stdout)
    assert (good["ok"], good["site"], good["diagnostics"]) == (True, "smallcity", [])
    edit(site / "tenancy.yaml", "contacts:", "contcats:")
    result = run("check", site, "-o", "json")
    assert result.exit_code == 1
    bad = json.loads(result.stdout)
    assert bad["ok"] is False
    found = {(one["code"], one["line"]) for one in bad["diagnostics"]}
    assert ("SY020", 5) in found


def test_the_site_may_come_from_the_environment_or_the_current_directory(
    run: Run, site: Path, tmp_path: Path
) -> None:
    assert run("check", env={"ORCHESTRATOR_SITE": str(site)}).exit_code == 0


def test_no_site_at_all_is_a_usage_error_that_says_what_to_do(run: Run) -> None:
    result = run("check", env={"ORCHESTRATOR_SITE": ""})
    assert result.exit_code == 64
    assert "ORCHESTRATOR_SITE" in result.stderr


def test_a_site_that_does_not_exist_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    result = run("check", tmp_path / "nowhere")
    assert result.exit_code == 64
    assert "does not exist" in result.stderr
