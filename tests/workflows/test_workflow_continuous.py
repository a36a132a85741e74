"""A run of archives, and restores to a moment: step by step, and nothing lost on the way."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from orchestrator.cli.render.continuous import backlog_parts
from orchestrator.errors import BackupError, RefusedError
from orchestrator.model.backup import BackupFault, Copy, Subject
from orchestrator.model.continuous import Archive, Backlog, BaseCopy, BaseKind
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.planning.restore import Destination, Outcome
from orchestrator.planning.restore_point import steps_of_point
from orchestrator.ports.backup import Store
from orchestrator.spec.load import load_site
from orchestrator.workflows.archive_backlog import backlogs
from orchestrator.workflows.backup_continuous import (
    archives,
    expire_archives,
    run_archives,
    verify_archives,
)
from orchestrator.workflows.backup_steps import Result, Step
from orchestrator.workflows.drill_archive import with_archives
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


def test_what_waits_on_a_primary_for_a_silent_place_is_told_by_its_size(
    world: ContinuousWorld,
) -> None:
    """Nothing bounds it: once the disk is full the database stops."""
    subjects = [world.backups.subject()]
    assert backlog_parts(backlogs(world.backups.site, subjects, world.ports())) == []
    world.waiting_bytes = 3 << 30
    (line,) = backlog_parts(backlogs(world.backups.site, subjects, world.ports()))
    assert f"{NAME}: 3.0 GiB of its log wait" in str(line) and "9.0 GiB left" in str(line)


def test_of_a_primary_that_cannot_be_asked_nobody_knows_what_waits_there(
    world: ContinuousWorld,
) -> None:
    world.backups.source = nobody_leads  # type: ignore[method-assign] # it is down
    told = backlogs(world.backups.site, [world.backups.subject()], world.ports())
    (line,) = backlog_parts(told)
    assert "nobody knows" in str(line) and "0 primaries" in str(line)


@pytest.mark.parametrize(
    ("waiting", "free", "grows"),
    [(16 << 20, 9 << 30, False), (256 << 20, 9 << 30, True), (32 << 20, 16 << 20, True)],
)
def test_a_backlog_is_named_when_it_is_large_or_the_room_is_small(
    waiting: int, free: int, grows: bool
) -> None:
    assert Backlog(server="db-1", waiting_bytes=waiting, free_bytes=free).grows is grows


def test_what_is_broken_is_in_the_step_by_its_name(world: ContinuousWorld) -> None:
    world.broken = ("/srv/backup/.archive/x/1259.lz4",)
    subjects = [world.backups.subject()]
    steps: list[Step] = []
    verify_archives(subjects, world.ports(), whole=True, told=steps.append)
    assert [(one.result, one.broken) for one in steps] == [(Result.FAILED, world.broken)] * 2


def expired(
    world: ContinuousWorld, *, after: timedelta = HOUR, stale: bool = False
) -> tuple[Step, ...]:
    subjects = [world.backups.subject()]
    return expire_archives(
        subjects, world.ports(), now=NOW + after, told=lambda step: None, stale=stale
    )


def test_letting_go_is_told_with_what_was_freed(world: ContinuousWorld) -> None:
    filled(world, *PLACES)
    steps = expired(world)
    assert [(one.repository, one.freed_bytes) for one in steps] == [(name, 5) for name in PLACES]


@pytest.mark.parametrize(
    ("after", "why"),
    [(timedelta(days=30), "30 days old"), (-timedelta(days=30), "from the future")],
)
def test_nothing_goes_of_an_archive_that_looks_old_or_of_the_future(
    world: ContinuousWorld, after: timedelta, why: str
) -> None:
    """A clock that is wrong everywhere makes the newest piece look old, too."""
    filled(world, *PLACES)
    steps = expired(world, after=after)
    assert all(one.result is Result.FAILED and why in one.reason for one in steps)
    assert world.acts == []


def test_an_archive_that_is_empty_has_nothing_to_let_go(world: ContinuousWorld) -> None:
    steps = expired(world)
    assert [one.result for one in steps] == [Result.SKIPPED] * 2 and world.acts == []


def test_an_archive_that_stands_still_is_thinned_out_when_that_was_named(
    world: ContinuousWorld,
) -> None:
    filled(world, *PLACES)
    steps = expired(world, after=timedelta(days=30), stale=True)
    assert [one.result for one in steps] == [Result.DONE] * 2


def test_an_interrupted_run_leaves_a_copy_behind_and_writes_down_what_did_not_end(
    world: ContinuousWorld,
) -> None:
    """A copy of a cluster takes hours: whoever interrupts the run does not wait for it."""
    copying, let_go = Event(), Event()

    def copy_slowly(subject: Subject, server: Server, **about: Any) -> None:
        if subject.name != NAME:
            copying.wait(timeout=10)
            raise KeyboardInterrupt
        copying.set()
        let_go.wait(timeout=30)

    world.copy = copy_slowly  # type: ignore[method-assign] # one copy is long, one run is stopped
    wanted = {NAME: ("city-copies",), "fagai/credit": ("dr-copies",)}
    try:
        at = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_archives(
                world.backups.site, wanted, world.ports(), told=lambda step: None, grace=0.05
            )
        assert time.monotonic() - at < 5
    finally:
        let_go.set()
    assert world.backups.audit.entries[-1]["act"] == "archive-end"


def test_a_place_that_was_silent_for_a_moment_gets_no_full_copy_for_that(
    world: ContinuousWorld,
) -> None:
    filled(world, *PLACES)
    silent_once = iter([BackupError("a moment's silence", fault=BackupFault.SILENT)])
    asked = world.archives

    def archives_told(subjects: Sequence[Subject], *, store: Store) -> Any:
        for silence in silent_once:
            raise silence
        return asked(subjects, store=store)

    world.archives = archives_told  # type: ignore[method-assign] # the first question is lost
    ran(world)
    assert world.acts == ["advance"]


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


def nobody_leads(subject: Subject, servers: Sequence[Server]) -> Server:
    raise BackupError(f"{subject.name} has 0 primaries", fault=BackupFault.SILENT)


def test_a_restore_in_the_place_of_a_service_that_was_cut_off_is_taken_up(
    world: ContinuousWorld,
) -> None:
    filled(world, *PLACES)
    world.backups.source = nobody_leads  # type: ignore[method-assign] # it is down since then
    world.cut_off = (world.backups.subject().hosts[1],)
    plan = plan_point(world.backups.site, wish(world, Destination()), world.ports())
    assert plan.in_place and plan.server.name == world.cut_off[0]
    assert any("the half that a restore left" in step for step in steps_of_point(plan))
    with pytest.raises(RefusedError, match="a restore was cut off there"):
        carry_out_point(plan, world.ports(), overwrite=False)
    assert carry_out_point(plan, world.ports(), overwrite=True).restored.kept == "/kept"


def test_a_service_that_is_down_and_that_no_restore_left_so_is_not_guessed_at(
    world: ContinuousWorld,
) -> None:
    filled(world, *PLACES)
    world.backups.source = nobody_leads  # type: ignore[method-assign] # it is down
    with pytest.raises(BackupError, match="0 primaries"):
        plan_point(world.backups.site, wish(world, Destination()), world.ports())


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


def dumped(world: ContinuousWorld, *ages: timedelta) -> None:
    world.backups.kept["dr-copies"] = [
        Copy(
            subject=NAME, repository="dr-copies", run=str(age), taken_at=NOW - age, data_id="d",
            manifest_id="m", host="h", size_bytes=7,
        )
        for age in ages
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ages", "chosen"),
    [
        pytest.param((2 * HOUR, HOUR, timedelta(seconds=5)), HOUR, id="newest that must be in it"),
        pytest.param((timedelta(seconds=9), timedelta(seconds=5)), timedelta(seconds=9), id="new"),
        pytest.param((-HOUR, HOUR), HOUR, id="a dump after the archive's end"),
    ],
)
def test_an_archive_is_compared_with_a_dump_whose_log_came(
    world: ContinuousWorld, ages: tuple[timedelta, ...], chosen: timedelta
) -> None:
    filled(world, "dr-copies")
    dumped(world, *ages)
    subject = world.backups.subject()
    ports = world.ports()
    engine = with_archives(ports.backups.engine, ports.engine, [subject])
    store = engine.stores["dr-copies"]
    (end,) = engine.archive.copies([NAME], store=store).copies
    assert engine.archive.manifest(end, store=store).taken_at == NOW - chosen
