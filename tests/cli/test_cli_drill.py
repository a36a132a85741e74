"""`orchestrator drill` on the test city, with repositories and a spare host in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.backup import BackupFault
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site
from orchestrator.workflows.drill_run import DrillPorts
from tests.cli.test_cli_docs import documented_keys, keys_of
from tests.fakes.drill_world import SUBJECT, DrillWorld, backup_fault
from tests.lab.service_town import ServiceTown


class DrillWiring(MachineWiring):
    """The machine's own wiring, but for drills, which are in memory."""

    def __init__(self, world: DrillWorld) -> None:
        super().__init__({"COLUMNS": "200"})
        self.world = world

    def drills(self, directory: Path, site: Site, *, access: Access) -> DrillPorts:
        return self.world.ports()


@dataclass
class City:
    directory: Path
    world: DrillWorld

    def drill(self, verb: str, *arguments: str) -> Result:
        words = ["drill", verb, "--site", str(self.directory), *arguments]
        return CliRunner().invoke(cli, words, obj=DrillWiring(self.world))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ServiceTown(tmp_path_factory.mktemp("drill")).directory


@pytest.fixture(scope="module")
def site(directory: Path) -> Site:
    return load_site(directory).site


@pytest.fixture
def city(directory: Path, site: Site) -> City:
    return City(directory, DrillWorld(site))


def is_documented(command: str, told: object) -> None:
    known = documented_keys(command)
    assert set(keys_of(told, known=known)) <= known


def test_a_passed_drill_says_what_it_proved(city: City) -> None:
    ended = city.drill("run", SUBJECT)
    assert ended.exit_code == 0
    assert "gongan/population: passed" in ended.stdout
    assert "table data.person" in ended.stdout and "5,000 rows" in ended.stdout
    assert "gongan/population: restore: done (" in ended.stderr
    assert "RPO 5 min" in ended.stdout


def test_a_failed_drill_names_what_is_to_blame_and_ends_with_1(city: City) -> None:
    city.world.faults["restore"] = backup_fault(BackupFault.BROKEN, "restic ended with 1")
    city.world.broken = ("data/ab/abcdef",)
    ended = city.drill("run", SUBJECT)
    assert ended.exit_code == 1
    assert "data/ab/abcdef" in ended.stdout
    assert "restore: broken: restic ended with 1" in ended.stderr


def test_its_json_is_its_record(city: City) -> None:
    ended = city.drill("run", SUBJECT, "-o", "json")
    (told,) = json.loads(ended.stdout)["drills"]
    (kept,) = city.world.records.values()
    assert {name: value for name, value in told.items() if name != "file"} == json.loads(kept)[
        "report"
    ]
    is_documented("drill run", json.loads(ended.stdout))


def test_some_that_fail_end_with_6(city: City) -> None:
    ended = city.drill("run", SUBJECT, "ziran/geography")
    assert ended.exit_code == 6
    assert "ziran/geography: failed" in ended.stdout
    assert "dr-copies has no whole copy of ziran/geography" in ended.stdout


def test_due_drills_what_never_passed_and_then_no_more(city: City) -> None:
    assert city.drill("run", "--due").exit_code == 6
    before = len(city.world.records)
    assert before > 1
    assert city.drill("run", "--due").exit_code == 1
    drilled = [name for name in city.world.records if name.startswith(SUBJECT)]
    assert len(drilled) == 1, "it had passed"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 64, "name the subjects, or give --due"),
        ((SUBJECT, "--due"), 64, "name the subjects, or give --due"),
        (("gongan/populaton",), 64, "Did you mean"),
        (("records/site",), 64, "nothing called"),
        ((SUBJECT, "--on", "db-1"), 5, "db-1 has services"),
        ((SUBJECT, "--from", "nowhere"), 5, "no copies in `nowhere`"),
    ],
)
def test_what_makes_no_sense_is_refused(
    city: City, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = city.drill("run", *words)
    assert ended.exit_code == code
    assert said in ended.output
    assert city.world.acts == []


def test_the_calendar_shows_what_is_due(city: City) -> None:
    assert "never" in city.drill("status").stdout
    city.drill("run", SUBJECT)
    told = json.loads(city.drill("status", "-o", "json").stdout)
    states = {one["subject"]: one["state"] for one in told["subjects"]}
    assert (states[SUBJECT], states["ziran/geography"]) == ("current", "never")
    is_documented("drill status", told)
    city.world.clock.time += timedelta(days=33)
    assert "overdue by 3 days" in city.drill("status").stdout


def test_a_record_is_shown_and_proved_and_a_changed_one_is_not(city: City) -> None:
    city.drill("run", SUBJECT)
    ((name, text),) = city.world.records.items()
    assert "RPO 5 min" in city.drill("show", name).stdout
    assert "is genuine" in city.drill("verify", name).stdout
    proved = json.loads(city.drill("verify", name, "-o", "json").stdout)
    is_documented("drill verify", proved)
    is_documented("drill show", json.loads(city.drill("show", name, "-o", "json").stdout))
    city.world.records[name] = text.replace("dr-spare-1", "dr-spare-x1")
    for verb in ("show", "verify"):
        refused = city.drill(verb, name)
        assert refused.exit_code == 1
        assert "signature does not fit" in refused.stderr
    assert "does not count" in city.drill("status").stderr


def test_the_page_for_the_assessor_tells_all_and_runs_nothing(city: City) -> None:
    city.world.lost_rows = 3
    city.drill("run", SUBJECT)
    (page,) = city.world.pages.values()
    for said in ("8.1.10.13", "data.person", "4,997 rows", "drill verify", "fail"):
        assert said in page
    assert "<script" not in page
