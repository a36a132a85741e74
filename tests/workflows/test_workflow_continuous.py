"""A run of archives, and restores to a moment: step by step, and nothing lost on the way."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from orchestrator.errors import BackupError, RefusedError
from orchestrator.model.continuous import Archive, BaseCopy, BaseKind
from orchestrator.model.site import Site
from orchestrator.planning.restore import Destination, Outcome
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup import Result, Step
from orchestrator.workflows.backup_continuous import (
    archives,
    expire_archives,
    run_archives,
    verify_archives,
)
from orchestrator.workflows.restore_point import PointWish, carry_out_point, plan_point
from tests.fakes.backup_world import NAME, NOW, BackupWorld
from tests.fakes.continuous_world import ContinuousWorld

CASES = Path(__file__).parents[1]
PLACES = ("city-copies", "dr-copies")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("city") / "site"
    shutil.copytree(CASES / "cases" / "_base", directory)
    shutil.copytree(CASES / "lab" / "service_city", directory, dirs_exist_ok=True)
    file = directory / "system" / "lab.yaml"
    system = yaml.safe_load(file.read_text())
    (core,) = system["backup_policies"]
    core |= {"method": "continuous", "rpo_minutes": 10}
    file.write_text(yaml.safe_dump(system, allow_unicode=True))
    return load_site(directory).site


@pytest.fixture
def world(city: Site) -> ContinuousWorld:
    return ContinuousWorld(BackupWorld(city))


def filled(world: ContinuousWorld, *names: str) -> None:
    copy = BaseCopy(
        label="F", kind=BaseKind.FULL, begun_at=NOW - HOUR, ended_at=NOW - HOUR, size_bytes=1
    )
    for name in names:
        world.archives_in[name] = Archive(
            subject=NAME, repository=name, copies=(copy,), newest_segment="", archived_at=NOW
        )


def ran(world: ContinuousWorld, *names: str) -> list[tuple[str, str, str]]:
    wanted = {NAME: names or PLACES}
    steps = run_archives(world.backups.site, wanted, world.ports(), told=lambda step: None)
    return [(one.act.value, one.repository, one.result.value) for one in steps]


def test_the_first_run_makes_archives_moves_the_log_once_and_copies_in_full(
    world: ContinuousWorld,
) -> None:
    assert {result for _, _, result in ran(world)} == {"done"}
    assert world.acts == [
        "make city-copies",
        "make dr-copies",
        "advance",
        "full into city-copies",
        "full into dr-copies",
    ]


def test_a_run_soon_after_moves_the_log_alone(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    ran(world)
    assert world.acts == ["advance"]


def test_a_place_that_gets_nothing_fails_and_the_other_goes_on(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    world.deaf = ("dr-copies",)
    assert ran(world) == [("archive", "city-copies", "done"), ("archive", "dr-copies", "failed")]


def test_a_silent_place_is_named_and_gets_no_copy(world: ContinuousWorld) -> None:
    world.silent = ("dr-copies",)
    told = ran(world)
    assert ("archive", "dr-copies", "failed") in told
    assert world.acts == ["make city-copies", "advance", "full into city-copies"]
    found = archives([world.backups.subject()], world.ports())
    assert found["dr-copies"] == "dr-copies does not answer"


def test_a_run_is_in_the_audit_log_before_and_after(world: ContinuousWorld) -> None:
    ran(world)
    acts = [one["act"] for one in world.backups.audit.entries]
    assert acts == ["archive-begin", "archive-end"]


def test_what_is_broken_is_in_the_step_by_its_name(world: ContinuousWorld) -> None:
    world.broken = ("/srv/backup/.archive/x/1259.lz4",)
    subjects = [world.backups.subject()]
    steps: list[Step] = []
    verify_archives(subjects, world.ports(), whole=True, told=steps.append)
    assert [(one.result, one.broken) for one in steps] == [(Result.FAILED, world.broken)] * 2


def test_letting_go_is_told_with_what_was_freed(world: ContinuousWorld) -> None:
    steps = expire_archives([world.backups.subject()], world.ports(), told=lambda step: None)
    assert [(one.repository, one.freed_bytes) for one in steps] == [(name, 5) for name in PLACES]


def wish(world: ContinuousWorld, to: Destination) -> PointWish:
    return PointWish(subject=world.backups.subject(), at=NOW - HOUR / 2, to=to)


def test_elsewhere_a_service_comes_back_as_of_the_moment(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    plan = plan_point(
        world.backups.site, wish(world, Destination(host="dr-spare-1")), world.ports()
    )
    assert plan.place.make and plan.store.repository.name == "city-copies"
    report = carry_out_point(plan, world.ports(), overwrite=False)
    assert report.outcome is Outcome.WHOLE
    assert [one.at for one in world.brought_back] == [NOW - HOUR / 2]


def test_a_service_in_use_goes_back_only_when_it_was_named(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    plan = plan_point(world.backups.site, wish(world, Destination()), world.ports())
    with pytest.raises(RefusedError, match="would go back"):
        carry_out_point(plan, world.ports(), overwrite=False)
    assert world.brought_back == []
    assert carry_out_point(plan, world.ports(), overwrite=True).restored.kept == "/kept"


def test_a_restore_that_fails_reads_the_archive_for_the_file(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    world.restore_fails, world.broken = True, ("backup/1259.lz4",)
    plan = plan_point(
        world.backups.site, wish(world, Destination(host="dr-spare-1")), world.ports()
    )
    with pytest.raises(BackupError, match="1259") as failed:
        carry_out_point(plan, world.ports(), overwrite=False)
    assert failed.value.broken == world.broken


def test_a_moment_before_the_archive_is_refused_before_anything_is_done(
    world: ContinuousWorld,
) -> None:
    filled(world, *PLACES)
    too_early = PointWish(subject=world.backups.subject(), at=NOW - 2 * HOUR)
    with pytest.raises(RefusedError, match="leads from"):
        plan_point(world.backups.site, too_early, world.ports())
