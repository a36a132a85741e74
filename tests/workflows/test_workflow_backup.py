"""A run of backups: what fails stops nothing else, and what is found is told step by step."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from orchestrator.errors import BackupError, RefusedError
from orchestrator.model.backup import (
    PARTS,
    BackupFault,
    Copy,
    Facts,
    FileFacts,
    Holding,
    Place,
    Restored,
    Subject,
    TableFacts,
)
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.planning.backup_keep import pruning
from orchestrator.planning.restore import Destination, Outcome, outcome_of
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup import listed, run
from orchestrator.workflows.backup_keep import prune, verify
from orchestrator.workflows.backup_steps import Result, Step
from orchestrator.workflows.restore import Wish, carry_out_restore, plan_restore
from tests.fakes.backup_world import NAME, NOW, RECORDED, BackupWorld

CASES = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("city") / "site"
    shutil.copytree(CASES / "cases" / "_base", directory)
    shutil.copytree(CASES / "lab" / "service_city", directory, dirs_exist_ok=True)
    return load_site(directory).site


@pytest.fixture
def world(city: Site) -> BackupWorld:
    return BackupWorld(city)


def silent(name: str) -> BackupError:
    return BackupError(f"{name} does not answer", fault=BackupFault.SILENT)


def back_up(world: BackupWorld) -> tuple[Step, ...]:
    wanted = {NAME: world.subject().repositories}
    return run(world.site, wanted, world.ports(), told=lambda step: None)


def test_a_repository_that_fails_does_not_stop_the_other(world: BackupWorld) -> None:
    world.faults = {"city-copies": silent("bak-1")}
    near, far = back_up(world)
    assert (near.result, near.fault, near.reason) == (
        Result.FAILED, BackupFault.SILENT, "bak-1 does not answer",
    )  # fmt: skip
    assert far.result is Result.DONE and world.kept.keys() == {"dr-copies"}


def test_a_run_is_in_the_audit_log_before_and_after(world: BackupWorld) -> None:
    back_up(world)
    assert [one["act"] for one in world.audit.entries] == ["backup-begin", "backup-end"]


def test_what_cannot_be_asked_says_why_and_the_rest_is_listed(world: BackupWorld) -> None:
    back_up(world)
    world.faults = {"dr-copies": silent("dr-bak-1")}
    found = listed([world.subject()], world.ports())
    assert found["dr-copies"] == "dr-bak-1 does not answer"
    near = found["city-copies"]
    assert not isinstance(near, str) and len(near.copies) == 1


def test_broken_files_fail_a_verification_by_their_name(world: BackupWorld) -> None:
    world.broken = ("/srv/backup/x",)
    steps = verify(world.site, [world.subject()], world.ports(), whole=True, told=lambda step: None)
    assert [(one.result, one.broken) for one in steps if one.verified] == [
        (Result.FAILED, ("/srv/backup/x",))
    ] * 2


def test_a_repository_that_its_host_can_delete_in_is_a_fault(world: BackupWorld) -> None:
    world.deletable = True
    steps = verify(world.site, [world.subject()], world.ports(), whole=True, told=lambda step: None)
    tried = [one for one in steps if one.verified is None]
    assert {one.result for one in tried} == {Result.FAILED}
    assert "could delete what it wrote" in tried[0].reason


def old_and_new(world: BackupWorld) -> None:
    """Make a copy that its policy lets go, and one that it keeps."""
    world.clock.time = NOW - timedelta(days=400)
    back_up(world)
    world.clock.time = NOW
    back_up(world)


def pruned(world: BackupWorld) -> dict[str, Step]:
    """Prune what may go; return how it ended in each repository."""
    found = listed([world.subject()], world.ports())
    wanted = pruning([world.subject()], found, now=NOW)
    return {one.repository: one for one in prune(wanted, world.ports(), told=lambda step: None)}


def test_pruning_names_a_repository_that_could_not_be_asked_and_leaves_it_alone(
    world: BackupWorld,
) -> None:
    old_and_new(world)
    world.faults = {"dr-copies": silent("dr-bak-1")}
    steps = pruned(world)
    assert (steps["city-copies"].result, steps["city-copies"].deleted) == (Result.DONE, 1)
    assert steps["dr-copies"].result is Result.FAILED
    assert "dr-bak-1 does not answer" in steps["dr-copies"].reason
    assert (len(world.kept["city-copies"]), len(world.kept["dr-copies"])) == (1, 2)
    assert world.pruned_by == [NOW], "the server compares it with its own clock"


def test_nothing_is_pruned_of_what_cannot_be_read_as_a_whole(world: BackupWorld) -> None:
    old_and_new(world)
    world.damaged = {"dr-copies": ("/srv/backup/x/snapshots/ab",)}
    steps = pruned(world)
    assert steps["city-copies"].deleted == 1
    assert "/srv/backup/x/snapshots/ab" in steps["dr-copies"].reason
    assert len(world.kept["dr-copies"]) == 2


def test_a_verification_reads_the_parts_that_were_not_read_for_longest(world: BackupWorld) -> None:
    yesterday = NOW - timedelta(days=1)
    read = [yesterday] * PARTS
    read[3] = NOW - timedelta(days=9)
    world.read = {"city-copies": tuple(read)}
    verify(world.site, [world.subject()], world.ports(), whole=False, told=lambda step: None)
    near, far = world.asked_parts
    assert 3 in near and len(near) < PARTS // 2
    assert far == tuple(range(PARTS)), "it was never read"


def wish(world: BackupWorld, **to: str) -> Wish:
    return Wish(subject=world.subject(), to=Destination(**to))


def test_data_in_use_is_not_overwritten_without_leave(world: BackupWorld) -> None:
    back_up(world)
    world.there = Facts(tables={"data.person": TableFacts(rows=4, checksum="16")})
    plan = plan_restore(world.site, wish(world), world.ports())
    with pytest.raises(RefusedError, match="holds 4 rows"):
        carry_out_restore(plan, world.ports(), overwrite=False)
    assert world.there != RECORDED
    assert carry_out_restore(plan, world.ports(), overwrite=True).whole
    assert world.there == RECORDED


def test_rows_that_do_not_come_back_are_told_by_table(world: BackupWorld) -> None:
    back_up(world)
    world.comes_back = Facts(tables={"data.person": TableFacts(rows=8, checksum="64")})
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())
    report = carry_out_restore(plan, world.ports(), overwrite=False)
    assert not report.whole
    assert [one.what for one in report.comparisons] == ["table data.person"]


def test_what_nobody_could_compare_is_not_called_whole(world: BackupWorld) -> None:
    back_up(world)
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())
    changing = {"/etc/mtab": FileFacts(size_bytes=3, sha256="")}
    recorded = replace(plan.manifest, facts=replace(RECORDED, files=changing))
    world.comes_back = replace(RECORDED, files={"/etc/mtab": FileFacts(size_bytes=3, sha256="ab")})
    plan = replace(plan, manifest=recorded)
    report = carry_out_restore(plan, world.ports(), overwrite=False)
    assert (report.outcome, report.whole) == (Outcome.UNPROVED, False)
    assert outcome_of(()) is Outcome.UNPROVED


def test_the_far_copy_is_taken_where_the_near_one_is_silent(world: BackupWorld) -> None:
    back_up(world)
    world.faults = {"city-copies": silent("bak-1")}
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())
    assert plan.copy.repository == "dr-copies"


def test_where_nobody_answers_the_restore_says_who(world: BackupWorld) -> None:
    world.faults = {name: silent(name) for name in ("city-copies", "dr-copies")}
    with pytest.raises(RefusedError, match="city-copies: city-copies does not answer"):
        plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())


def test_damage_that_nobody_named_is_looked_for(world: BackupWorld) -> None:
    back_up(world)
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())
    failed = BackupError("it does not decrypt", fault=BackupFault.BROKEN)
    world.broken = ("/srv/backup/pack",)

    def restore(*_: object, **__: object) -> Restored:
        raise failed

    world.restore = restore  # type: ignore[method-assign] # this engine cannot restore
    with pytest.raises(BackupError, match="broken in dr-copies: /srv/backup/pack") as told:
        carry_out_restore(plan, world.ports(), overwrite=False)
    assert told.value.broken == ("/srv/backup/pack",)


def test_a_repository_that_falls_silent_in_the_middle_is_named(world: BackupWorld) -> None:
    back_up(world)
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())

    def restore(*_: object, **__: object) -> Restored:
        raise silent("dr-spare-1")

    world.restore = restore  # type: ignore[method-assign] # this engine cannot restore
    with pytest.raises(BackupError, match="reading dr-copies on dr-bak-1") as told:
        carry_out_restore(plan, world.ports(), overwrite=False)
    assert told.value.fault is BackupFault.SILENT and told.value.remedy


def test_rows_that_came_since_the_plan_was_made_are_not_lost(world: BackupWorld) -> None:
    back_up(world)
    world.there = Facts()
    plan = plan_restore(world.site, wish(world), world.ports())
    world.there = Facts(tables={"data.person": TableFacts(rows=4, checksum="16")})
    with pytest.raises(RefusedError, match="holds 4 rows"):
        carry_out_restore(plan, world.ports(), overwrite=False)
    assert world.there != RECORDED


def test_a_cluster_that_is_down_is_not_taken_for_an_empty_one(world: BackupWorld) -> None:
    back_up(world)

    def holding(place: Place, *, server: Server) -> Holding:
        return Holding(cluster=True, running=False, in_recovery=False, rows=0)

    world.holding = holding  # type: ignore[method-assign] # what was restored there before is down
    plan = plan_restore(world.site, wish(world, host="dr-spare-1"), world.ports())
    assert plan.overwrites
    with pytest.raises(RefusedError, match="nobody knows its rows"):
        carry_out_restore(plan, world.ports(), overwrite=False)


def test_an_interrupted_run_begins_no_further_copy(world: BackupWorld) -> None:
    begun, interrupted = Event(), Event()

    def back_up_slowly(subject: Subject, server: Server, **about: Any) -> Copy:
        begun.set()
        interrupted.wait(timeout=10)
        # The other thread was interrupted: give it the time to say so.
        time.sleep(0.3)
        return BackupWorld.back_up(world, subject, server, **about)

    def source(subject: Subject, servers: Sequence[Server]) -> Server:
        if subject.name == NAME:
            begun.wait(timeout=10)
            interrupted.set()
            raise KeyboardInterrupt
        return servers[0]

    world.back_up = back_up_slowly  # type: ignore[method-assign] # a copy takes its time here
    world.source = source  # type: ignore[method-assign] # and somebody stops the run meanwhile
    # The first of the site's services is the one that the run waits for.
    wanted = {name: world.subject(name).repositories for name in (NAME, "fagai/credit")}
    with pytest.raises(KeyboardInterrupt):
        run(world.site, wanted, world.ports(), told=lambda step: None)
    assert sum(map(len, world.kept.values())) == 1


def test_an_interrupted_run_waits_so_long_for_what_is_under_way_and_writes_it_down(
    world: BackupWorld,
) -> None:
    begun, let_go = Event(), Event()

    def source(subject: Subject, servers: Sequence[Server]) -> Server:
        if subject.name == NAME:
            begun.wait(timeout=10)
            raise KeyboardInterrupt
        begun.set()
        let_go.wait(timeout=30)
        return servers[0]

    world.source = source  # type: ignore[method-assign] # one host never answers, one run is stopped
    wanted = {name: world.subject(name).repositories for name in (NAME, "fagai/credit")}
    try:
        at = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run(world.site, wanted, world.ports(), told=lambda step: None, grace=0.05)
        assert time.monotonic() - at < 5
    finally:
        let_go.set()
    facts = world.audit.entries[-1]["facts"]
    assert world.audit.entries[-1]["act"] == "backup-end"
    assert isinstance(facts, dict) and facts["steps"] == []
    assert facts["not ended"] == [
        f"{subject} in {name}" for subject, names in wanted.items() for name in names
    ]
