"""`backup list`, `backup prune` and `restore run`: what is doubtful has a code of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault, FileFacts
from orchestrator.model.site import Site
from orchestrator.ports import Clock
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup import run
from orchestrator.workflows.backup_steps import BackupPorts
from tests.fakes.backup_world import NAME, NOW, RECORDED, BackupWorld
from tests.lab.service_town import ServiceTown


class BackupWiring(MachineWiring):
    """The machine's own wiring, but for backups and the clock, which are in memory."""

    def __init__(self, world: BackupWorld) -> None:
        super().__init__({"COLUMNS": "200"})
        self.world = world

    @property
    def clock(self) -> Clock:
        return self.world.clock

    def backups(self, directory: Path, site: Site, *, access: Access) -> BackupPorts:
        return self.world.ports()


@dataclass
class City:
    directory: Path
    world: BackupWorld

    def told(self, group: str, verb: str, *arguments: str) -> Result:
        words = [group, verb, "--site", str(self.directory), *arguments]
        return CliRunner().invoke(cli, words, obj=BackupWiring(self.world))

    def copy_at(self, age: timedelta) -> None:
        self.world.clock.time = NOW - age
        wanted = {NAME: self.world.subject().repositories}
        run(self.world.site, wanted, self.world.ports(), told=lambda step: None)
        self.world.clock.time = NOW


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ServiceTown(tmp_path_factory.mktemp("kept")).directory


@pytest.fixture
def city(directory: Path) -> City:
    return City(directory, BackupWorld(load_site(directory).site))


def test_a_repository_that_cannot_be_asked_is_named_by_prune_and_is_no_success(city: City) -> None:
    for age in (timedelta(days=400), timedelta(hours=1)):
        city.copy_at(age)
    silent = BackupError("dr-bak-1 does not answer", fault=BackupFault.SILENT)
    city.world.faults = {"dr-copies": silent}
    ended = city.told("backup", "prune", NAME, "--yes")
    assert ended.exit_code == 6
    assert "gongan/population in dr-copies: all of it is kept" in ended.stdout
    assert "dr-bak-1 does not answer" in ended.stdout
    city.world.faults["city-copies"] = silent
    assert city.told("backup", "prune", NAME, "--yes").exit_code == 1


def test_where_no_new_copy_was_made_prune_asks_to_be_told_so(city: City) -> None:
    for age in (timedelta(days=400), timedelta(days=30, hours=5)):
        city.copy_at(age)
    refused = city.told("backup", "prune", NAME, "--yes")
    assert refused.exit_code == 1 and "30 days old" in refused.stdout
    assert len(city.world.kept["city-copies"]) == 2
    assert city.told("backup", "prune", NAME, "--yes", "--stale").exit_code == 0
    assert len(city.world.kept["city-copies"]) == 1


def test_what_cannot_be_read_is_listed_by_its_file_beside_what_can(city: City) -> None:
    city.copy_at(timedelta(minutes=1))
    city.world.damaged = {"dr-copies": ("/srv/backup/gongan/population/snapshots/ab",)}
    ended = city.told("backup", "list", NAME)
    assert ended.exit_code == 6
    assert "damaged" in ended.stdout and "/population/snapshots/ab" in ended.stdout
    told = json.loads(city.told("backup", "list", NAME, "-o", "json").stdout)["subjects"]
    assert [(one["state"], one["copies"], len(one["damaged"])) for one in told] == [
        ("ok", 1, 0),
        ("damaged", 1, 1),
    ]


def test_a_restore_of_which_nobody_knows_has_a_word_and_an_exit_code_of_its_own(
    city: City,
) -> None:
    city.copy_at(timedelta(minutes=1))
    city.world.recorded = replace(RECORDED, files={"/etc/mtab": FileFacts(size_bytes=3, sha256="")})
    city.world.comes_back = replace(
        RECORDED, files={"/etc/mtab": FileFacts(size_bytes=3, sha256="ab")}
    )
    wanted = ("restore", "run", NAME, "--to", "dr-spare-1", "--yes")
    ended = city.told(*wanted, "-o", "json")
    assert ended.exit_code == 7
    told = json.loads(ended.stdout)
    assert (told["outcome"], told["whole"]) == ("unproved", False)
    city.world.recorded = RECORDED
    assert city.told(*wanted).exit_code == 0
