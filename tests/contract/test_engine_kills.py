"""A run that is killed with SIGKILL at any moment of any act is finished by the next run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("kills")
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.killed_runs", str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("phase", "least"), [("creating", 10), ("changing", 18), ("secret", 2)])
def test_every_killed_run_ends_where_an_undisturbed_one_ends(
    report: dict, phase: str, least: int
) -> None:
    undisturbed, runs = report[phase]["undisturbed"], report[phase]["killed"]
    assert len(runs) >= least
    assert len({run["acts"] for run in runs}) > 1
    for run in runs:
        ended = {key: run[key] for key in undisturbed}
        assert ended == undisturbed, f"killed at moment {run['moment']}"


def test_the_undisturbed_runs_are_whole(report: dict) -> None:
    names = [name for name, _ in report["changing"]["undisturbed"]["objects"]]
    assert names == ["cache", "disk", "net", "new", "web"]
    for end in (phase["undisturbed"] for phase in report.values()):
        assert end["ids agree"]
        assert end["digest"]
        assert end["pending"] == []
        assert end["interrupted"] == []
        assert end["count"] == len(end["recorded"])


def test_what_a_killed_run_leaves_on_disk_shows_no_secret(report: dict) -> None:
    assert [run["leaked"] for run in report["secret"]["killed"]] == [[], []]
