"""What the part that runs on a database host does with a voter's memory, without any host."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.providers.postgresql import databases

ROLES = Path(__file__).parents[2] / "playbooks" / "roles"
VOTER = ROLES / "service_leaders" / "files" / "site_may_lead.py"
NAMED = {"cluster": "gongan__population", "version": "15"}


def loaded(file: Path, folder: Path, **places: Path) -> ModuleType:
    """Return a program of hosts of its own, whose places are in a folder."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    boot = folder / "boot_id"
    if not boot.exists():
        boot.write_text("first\n")
    vars(module).update(TERMS=folder / "terms", BOOT=boot, **places)
    return module


@pytest.fixture
def voter(tmp_path: Path) -> ModuleType:
    return loaded(VOTER, tmp_path)


@pytest.fixture
def on_host(tmp_path: Path) -> ModuleType:
    standby = tmp_path / "data/15/gongan__population/standby.signal"
    standby.parent.mkdir(parents=True)
    standby.touch()
    return loaded(
        databases.ON_HOST,
        tmp_path,
        DATA=tmp_path / "data",
        LEADING=tmp_path / "run",
        WAITS=tmp_path / "site-lead-wait@.service",
    )


def claim(on_host: ModuleType) -> None:
    on_host.claim(**NAMED, host="db-3", term=2, leader="db-2")


def test_a_voter_that_let_a_host_start_refuses_another_one(
    voter: ModuleType, on_host: ModuleType
) -> None:
    voter._note_start("gongan__population", "db-1")
    with pytest.raises(on_host.RefusedError, match="db-1 was let start as the primary: ask"):
        claim(on_host)


def test_a_voter_that_boots_remembers_whom_it_let_start(
    voter: ModuleType, on_host: ModuleType, tmp_path: Path
) -> None:
    voter._note_start("gongan__population", "db-1")
    (tmp_path / "boot_id").write_text("second\n")
    with pytest.raises(on_host.RefusedError, match="db-1 was let start"):
        claim(on_host)
    note = tmp_path / "terms/gongan__population.starts"
    known = json.loads(note.read_text())
    note.write_text(json.dumps({**known, "clock": time.time() - 121}))
    claim(on_host)
    assert json.loads((tmp_path / "terms/gongan__population.json").read_text())["leader"] == "db-2"


def test_leave_to_start_without_voters_does_not_outlive_the_start(
    on_host: ModuleType, tmp_path: Path
) -> None:
    seen = []

    def run(*words: str, seconds: float = 0) -> str:
        seen.append((words[1], (tmp_path / "run/gongan__population.told-to").exists()))
        return ""

    vars(on_host).update(_run=run)
    on_host.start(**NAMED)
    assert seen == [("start", True)], "no unit that waits is stopped where there is none"
    assert not any((tmp_path / "run").iterdir()), "a later start must hear its voters"
    (tmp_path / "site-lead-wait@.service").touch()
    on_host.start(**NAMED)
    assert [verb for verb, _ in seen[1:]] == ["stop", "start"]
