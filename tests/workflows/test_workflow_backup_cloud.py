"""Images, volumes and fresh settings in a run of backups, and a restore that overwrites nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from orchestrator.cli.render.backup import step_line, steps_json
from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    BackupFault,
    BackupSet,
    Copy,
    Facts,
    Manifest,
    Restored,
    Subject,
)
from orchestrator.model.backup_cloud import ProjectVolume
from orchestrator.model.site import Site
from orchestrator.model.units import Text
from orchestrator.planning.restore import Destination, Outcome
from orchestrator.ports.backup import Store
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup import run
from orchestrator.workflows.backup_steps import BackupPorts, Result, Step
from orchestrator.workflows.restore import RestoreReport, Wish, carry_out_restore, plan_restore
from tests.fakes.backup_world import RECORDED, BackupWorld

CASES = Path(__file__).parents[1]
NOTE = "it was attached"
DISK = ProjectVolume(name="data-1", tenant="gongan", project="population")
VOLUME = "disks/data-1"


@dataclass
class FakeCloud:
    """The port of images and volumes: names of what is there, and what comes back."""

    names: set[str] = field(default_factory=lambda: {"data-1"})
    comes_back: Facts = RECORDED
    world: BackupWorld | None = None

    def back_up(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        copy = Copy(
            subject=subject.name, repository=store.repository.name, run=run, taken_at=at,
            data_id="d", manifest_id="m", host="this-machine", size_bytes=7, note=NOTE,
        )  # fmt: skip
        assert self.world is not None
        self.world.kept.setdefault(copy.repository, []).append(copy)
        return copy

    def taken(self, subject: Subject, name: str) -> bool:
        return name in self.names

    def restore(
        self, subject: Subject, manifest: Manifest, *, store: Store, name: str
    ) -> tuple[Restored, Facts]:
        self.names.add(name)
        return Restored(seconds=1.0, fetched_bytes=7), self.comes_back


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("city") / "site"
    shutil.copytree(CASES / "cases" / "_base", directory)
    shutil.copytree(CASES / "lab" / "service_city", directory, dirs_exist_ok=True)
    site = load_site(directory).site
    text = Text(zh="云硬盘", en="Volumes")
    disks = BackupSet(name="disks", display=text, policy="core", volumes=(DISK,))
    return replace(site, system=replace(site.system, backup_sets=(disks,)))


@dataclass
class Copied:
    world: BackupWorld
    cloud: FakeCloud

    @property
    def ports(self) -> BackupPorts:
        ports = self.world.ports()
        return replace(ports, engine=replace(ports.engine, cloud=self.cloud))

    def back_up(self, ports: BackupPorts | None = None) -> Step:
        wanted = {VOLUME: ("dr-copies",)}
        (step,) = run(self.world.site, wanted, ports or self.ports, told=lambda step: None)
        return step

    def restore(self, name: str = "") -> RestoreReport:
        wish = Wish(subject=self.world.subject(VOLUME), to=Destination(name=name))
        plan = plan_restore(self.world.site, wish, self.ports)
        return carry_out_restore(plan, self.ports, overwrite=False)


@pytest.fixture
def copied(city: Site) -> Copied:
    world = BackupWorld(city)
    made = Copied(world, FakeCloud(world=world))
    return made


def test_a_volume_is_copied_by_the_cloud_and_what_the_copy_is_not_is_told(copied: Copied) -> None:
    step = copied.back_up()
    assert step.result is Result.DONE and NOTE in step_line(step).plain
    assert NOTE in str(steps_json([step]))


def test_where_no_cloud_is_wired_the_volume_is_a_failure_and_not_left_out(copied: Copied) -> None:
    step = copied.back_up(copied.world.ports())
    assert (step.result, step.fault) == (Result.FAILED, BackupFault.UNPREPARED)


def test_a_volume_is_made_anew_beside_the_one_that_is_there(copied: Copied) -> None:
    copied.back_up()
    report = copied.restore()
    assert copied.cloud.names == {"data-1", "data-1-restored"}
    assert report.plan.where == "volume data-1-restored, new in the cloud"
    assert report.outcome is Outcome.WHOLE
    copied.cloud.comes_back = Facts()
    assert copied.restore("another").outcome is Outcome.DIFFERENT


def test_a_name_that_is_taken_is_refused_before_anything_is_made(copied: Copied) -> None:
    copied.back_up()
    with pytest.raises(RefusedError, match="nothing in the cloud is overwritten"):
        copied.restore("data-1")
    assert copied.cloud.names == {"data-1"}
    assert "restore-begin" not in str(copied.world.audit)


def test_a_name_that_was_taken_since_the_plan_was_made_is_refused(copied: Copied) -> None:
    copied.back_up()
    wish = Wish(subject=copied.world.subject(VOLUME))
    plan = plan_restore(copied.world.site, wish, copied.ports)
    copied.cloud.names.add("data-1-restored")
    with pytest.raises(RefusedError):
        carry_out_restore(plan, copied.ports, overwrite=False)
