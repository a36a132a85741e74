"""Images, volumes and settings: what is declared of them, and what a restore makes."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    BackupRepository,
    BackupSet,
    Copy,
    Facts,
    Manifest,
    Subject,
    SubjectKind,
)
from orchestrator.model.backup_cloud import ProjectVolume
from orchestrator.model.inventory import Inventory, Unknown
from orchestrator.model.units import SecretRef, Text
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup import Age, Standing, standings, subjects_of
from orchestrator.planning.backup_cloud import steps_of_cloud
from orchestrator.planning.backup_leave import preparation
from orchestrator.planning.backup_settings import HIDDEN, SettingsRead, as_text, settings_of
from orchestrator.planning.restore import Destination, compare, place_of
from tests.planning.backup_city import NOW, copy_of, held, policy, subject
from tests.planning.measured_town import town

HOUR = timedelta(hours=1)
DISK = ProjectVolume(name="data-1", tenant="industry", project="enterprise")
IMAGE: Subject = subject("golden/debian-12", kind=SubjectKind.IMAGE, image="debian-12")
VOLUME: Subject = subject("disks/data-1", kind=SubjectKind.VOLUME, volume=DISK)


def test_an_image_and_a_volume_are_subjects_that_no_host_may_touch() -> None:
    text = Text(zh="云", en="Cloud")
    site = town()
    sets = (
        BackupSet(name="golden", display=text, policy="core", images=("debian-12",)),
        BackupSet(name="disks", display=text, policy="core", volumes=(DISK,)),
    )
    repository = BackupRepository(
        name="near", region="city", server="cmp-01", key=SecretRef("secret://backup/city"),
        restore_hosts=("cmp-02",),
    )  # fmt: skip
    system = replace(
        site.system,
        backup_sets=sets,
        backup_policies=(policy(),),
        backup_repositories=(repository,),
    )
    site = replace(site, system=system)
    found = subjects_of(site)
    assert [(one.name, one.kind) for one in found] == [
        ("golden/debian-12", SubjectKind.IMAGE),
        ("disks/data-1", SubjectKind.VOLUME),
    ]
    assert all(one.of_cloud and one.repositories == ("near",) for one in found)
    told = preparation(site, found, readers={}).variables
    assert set(told) == {"cmp-01"}, "a host that restores services reads no volume of a tenant"


def test_an_image_gets_its_own_name_and_a_volume_another_one() -> None:
    def name(one: Subject, wanted: str = "") -> str:
        return place_of(one, Destination(name=wanted), home=None, run="r").name

    assert name(IMAGE) == "debian-12" and name(VOLUME) == "data-1-restored"
    assert name(IMAGE, "debian-back") == "debian-back", "hyphens stay: it is no cluster"


@pytest.mark.parametrize("wanted", [Destination(host="db-1"), Destination(folder="/srv")])
def test_a_volume_goes_to_no_host_and_no_folder(wanted: Destination) -> None:
    with pytest.raises(RefusedError, match="cannot be restored with"):
        place_of(VOLUME, wanted, home=None, run="r")


def test_a_property_that_is_another_now_is_told_by_its_name() -> None:
    wanted = Facts(properties={"visibility": "private", "min_disk": "1"}, notes=("attached",))
    found = Facts(properties={"visibility": "public"})
    assert {one.what: one.verdict for one in compare(wanted, found)} == {
        "visibility": Verdict.FAIL,
        "min_disk": Verdict.FAIL,
    }


def test_what_a_copy_is_not_is_said_before_it_is_restored() -> None:
    manifest = Manifest(
        run="r", subject=VOLUME.name, taken_at=NOW, host="h", data_id="d", data_bytes=7,
        facts=Facts(properties={"size": "20"}, notes=("it was attached",)),
    )  # fmt: skip
    steps = list(steps_of_cloud(VOLUME, manifest, "data-1-restored"))
    assert steps[-1] == "NOTE: it was attached" and "20 GiB" in steps[1]


def told(bios: object) -> Inventory:
    values = {one.name: Unknown("it does not say") for one in fields(Inventory)}
    return Inventory(**{**values, "bios": bios, "quirks": ()})  # type: ignore[arg-type] # as told


def test_a_password_among_bios_attributes_is_hidden_and_an_empty_one_is_shown_so() -> None:
    bios = {"AdminPassword": "canary", "SysPwd": "", "ProcTurboMode": "Enabled"}
    record = settings_of(told(bios))
    assert record["bios"] == {"AdminPassword": HIDDEN, "SysPwd": "", "ProcTurboMode": "Enabled"}
    assert "canary" not in as_text(record)
    assert record["serial"] == {"unknown": "it does not say"}, "never an empty text"


def test_what_did_not_answer_is_counted_and_named_up_to_three() -> None:
    silent = {f"BMC of s-{n}": "silent" for n in range(5)}
    note = SettingsRead(read=("BMC of a",), unknown=silent).note
    assert note.startswith("settings of 5 of 6 are unknown: BMC of s-0 (silent), ")
    assert note.endswith("BMC of s-2 (silent) and 2 more")
    assert SettingsRead(read=("BMC of a",), unknown={}).note == ""


def test_a_copy_that_is_an_hour_ahead_is_named_and_is_nobodys_newest() -> None:
    ahead = copy_of(-HOUR, run="ahead", subject=IMAGE.name)
    behind = copy_of(HOUR, run="behind", subject=IMAGE.name)

    def standing(*copies: Copy) -> Standing:
        return standings([replace(IMAGE, repositories=("near",))], {"near": held(copies)}, now=NOW)[
            0
        ]

    alone = standing(ahead)
    assert (alone.age, alone.newest) == (Age.UNKNOWN, None) and alone.reason.startswith("ahead ")
    both = standing(ahead, behind)
    assert (both.age, both.newest) == (Age.OK, behind) and "ahead" in both.reason
    assert standing(behind).reason == ""
