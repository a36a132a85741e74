"""Images and volumes on their way into a repository and back, and what stays where they stop."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pytest

from orchestrator.errors import BackupError, CloudError
from orchestrator.model.backup import (
    BackupFault,
    BackupRepository,
    Facts,
    Manifest,
    Subject,
    SubjectKind,
)
from orchestrator.model.backup_cloud import ProjectVolume
from orchestrator.model.hardware import Bmc, Server, ServerRole
from orchestrator.model.units import Secret, SecretRef
from orchestrator.model.verdict import Verdict
from orchestrator.planning.restore import compare
from orchestrator.ports.backup import Store
from orchestrator.providers.backup.cloud import CloudThings as CopiedThings
from orchestrator.providers.backup.requests import Keys
from orchestrator.providers.backup.sending import Agents
from orchestrator.providers.backup.streaming import StreamingAgents
from orchestrator.providers.openstack.image_copy import GlanceImages
from orchestrator.providers.openstack.volume_copy import CRASH_CONSISTENT, CinderVolumes
from tests.fakes.backup_host import FakeBackupHosts
from tests.fakes.cloud_things import CloudThings
from tests.fakes.streaming_hosts import StreamingHosts
from tests.planning.backup_city import NOW, subject

DATA = bytes(range(256)) * 3
KEY = "canary-key-2718"
IMAGE: Subject = subject("images/debian", kind=SubjectKind.IMAGE, image="debian", cluster=None)
VOLUME: Subject = subject(
    "disks/data-1",
    kind=SubjectKind.VOLUME,
    volume=ProjectVolume(name="data-1", tenant="gongan", project="population"),
    cluster=None,
)
WORK = "orchestrator-backup town disks/data-1"


class OneKey:
    def get(self, ref: SecretRef) -> Secret:
        return Secret(KEY)

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Any) -> None:
        raise AssertionError("nothing is stored")


def store() -> Store:
    secret = SecretRef("secret://backup/far")
    server = Server(
        name="bak-1", profile="any", role=ServerRole.BACKUP, rack="r1", unit=1, serial="S",
        bmc=Bmc(address=IPv4Address("198.18.0.8"), user="admin", password=secret), nics=(),
        address=IPv4Address("198.18.0.9"),
    )  # fmt: skip
    repository = BackupRepository(name="far", region="dr", server="bak-1", key=secret)
    return Store(repository=repository, server=server)


class World:
    def __init__(self) -> None:
        self.cloud = CloudThings()
        self.cloud.image("debian", DATA, visibility="public", tags=["b", "a"], min_disk=1)
        self.disk = self.cloud.volume("data-1", DATA, metadata={"a": "b"}, bootable="true")
        self.hosts = StreamingHosts()
        images = GlanceImages(self.cloud.as_cloud())
        self.things = CopiedThings(
            site="town",
            keys=Keys(agents=Agents(hosts=FakeBackupHosts()), secrets=OneKey()),
            agents=StreamingAgents(streams=self.hosts),
            images=images,
            volumes=CinderVolumes(self.cloud.as_cloud(), images),
        )
        self.at_first = self.cloud.names()

    def back_up(self, one: Subject) -> Any:
        return self.things.back_up(one, store=store(), run="r1", at=NOW)

    def recorded(self, one: Subject) -> Manifest:
        """Return what the server keeps beside the last copy."""
        content = self.hosts.kept[one.name]
        asked = next(each for each in self.hosts.asked if each["act"] == "keep-stream")
        return Manifest(
            run="r1", subject=one.name, taken_at=datetime(2026, 11, 22, tzinfo=UTC), host="h",
            facts=Facts(properties=asked["facts"]["properties"]), data_id="d",
            data_bytes=len(content), data_sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip

    def restore(self, one: Subject, name: str) -> Facts:
        return self.things.restore(one, self.recorded(one), store=store(), name=name)[1]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("one", "name"), [(IMAGE, "debian-back"), (VOLUME, "data-1-restored")])
def test_what_comes_back_is_what_was_copied(world: World, one: Subject, name: str) -> None:
    copy = world.back_up(one)
    assert copy.whole and copy.size_bytes == len(DATA) and world.hosts.kept[one.name] == DATA
    assert world.cloud.names() == world.at_first, "nothing temporary stays"
    facts = world.restore(one, name)
    assert {each.verdict for each in compare(world.recorded(one).facts, facts)} == {Verdict.PASS}
    assert world.cloud.names() == sorted([*world.at_first, name])
    rows = world.cloud.images if one is IMAGE else world.cloud.volumes
    (made,) = [row for row in rows.values() if row["name"] == name]
    assert world.cloud.contents[made["id"]] == DATA
    assert one is VOLUME or (made["visibility"], made["tags"]) == ("public", ["a", "b"])
    assert one is IMAGE or (made["bootable"], made["metadata"]) == ("true", {"a": "b"})


def test_the_key_goes_into_the_request_and_not_into_the_copy(world: World) -> None:
    world.back_up(IMAGE)
    assert world.hosts.asked[-1]["repository"]["key"] == KEY
    assert KEY.encode() not in world.hosts.kept[IMAGE.name]


@pytest.mark.parametrize("one", [IMAGE, VOLUME])
def test_a_network_that_is_cut_while_a_copy_is_made_leaves_none(world: World, one: Subject) -> None:
    world.hosts.cut_after = 900
    with pytest.raises(BackupError) as told:
        world.back_up(one)
    assert told.value.fault is BackupFault.SILENT
    assert world.hosts.kept == {} and world.cloud.names() == world.at_first
    world.hosts.cut_after = None
    assert world.back_up(one).whole


@pytest.mark.parametrize(("one", "name"), [(IMAGE, "debian-back"), (VOLUME, "data-1-restored")])
def test_a_network_that_is_cut_while_it_is_restored_leaves_nothing_of_that_name(
    world: World, one: Subject, name: str
) -> None:
    world.back_up(one)
    world.hosts.cut_after = 400
    with pytest.raises(BackupError):
        world.restore(one, name)
    assert not world.things.taken(one, name)
    assert world.cloud.names() == world.at_first, "what was uploaded so far is removed"
    world.hosts.cut_after = None
    world.restore(one, name)
    assert world.things.taken(one, name)


def test_an_image_that_is_damaged_in_its_store_becomes_no_copy(world: World) -> None:
    (image_id,) = world.cloud.images
    world.cloud.contents[image_id] = DATA[:-1] + b"x"
    with pytest.raises(BackupError) as told:
        world.back_up(IMAGE)
    assert told.value.fault is BackupFault.BROKEN and told.value.broken == (image_id,)
    assert world.hosts.kept == {}


def test_a_repository_that_breaks_off_at_the_end_makes_no_image(world: World) -> None:
    world.back_up(IMAGE)
    world.hosts.fault = {"kind": "broken", "message": "a pack is damaged", "broken": ["pack"]}
    with pytest.raises(BackupError) as told:
        world.restore(IMAGE, "debian-back")
    assert told.value.broken == ("pack",) and world.cloud.names() == world.at_first


def test_a_copy_that_is_other_bytes_than_were_recorded_makes_no_image(world: World) -> None:
    world.back_up(IMAGE)
    recorded = world.recorded(IMAGE)
    world.hosts.kept[IMAGE.name] = DATA[:-1] + b"x"
    with pytest.raises(BackupError) as told:
        world.things.restore(IMAGE, recorded, store=store(), name="debian-back")
    assert told.value.fault is BackupFault.MISMATCH and world.cloud.names() == world.at_first


def test_glance_that_keeps_other_bytes_is_found_out(world: World) -> None:
    world.back_up(IMAGE)
    world.cloud.loses = True
    with pytest.raises(CloudError, match="not that of what was sent"):
        world.restore(IMAGE, "debian-back")
    assert world.cloud.names() == world.at_first


def test_a_volume_that_has_other_bytes_than_the_copy_never_gets_its_name(world: World) -> None:
    world.back_up(VOLUME)
    world.cloud.damage = DATA[:-1] + b"x"
    with pytest.raises(BackupError) as told:
        world.restore(VOLUME, "data-1-restored")
    assert told.value.fault is BackupFault.MISMATCH
    assert world.cloud.names() == world.at_first
    world.cloud.damage = b""
    world.restore(VOLUME, "data-1-restored")
    assert world.cloud.names() == sorted([*world.at_first, "data-1-restored"])


def test_what_a_killed_run_left_is_removed_by_the_next_one(world: World) -> None:
    left = world.cloud.volume(WORK, b"half")
    world.cloud.image(WORK, b"half")
    world.cloud.post("/snapshots", {"snapshot": {"name": WORK, "volume_id": left}})
    world.back_up(VOLUME)
    assert world.cloud.names() == world.at_first


def test_a_volume_in_use_is_copied_and_what_that_means_is_said(world: World) -> None:
    world.cloud.volumes[world.disk]["attachments"] = [{"server_id": "vm"}]
    assert world.back_up(VOLUME).note == CRASH_CONSISTENT
    assert world.hosts.asked[-1]["facts"]["notes"] == [CRASH_CONSISTENT]


def test_an_encrypted_volume_is_refused_before_anything_is_made(world: World) -> None:
    world.cloud.volumes[world.disk]["encrypted"] = True
    with pytest.raises(BackupError) as told:
        world.back_up(VOLUME)
    assert told.value.fault is BackupFault.REFUSED and world.cloud.names() == world.at_first


@pytest.mark.parametrize("one", [IMAGE, VOLUME])
def test_of_two_with_one_name_none_is_guessed(world: World, one: Subject) -> None:
    if one is IMAGE:
        world.cloud.image("debian", b"another")
    else:
        world.cloud.volume("data-1", b"another")
    with pytest.raises(BackupError, match="2 "):
        world.back_up(one)
    assert world.hosts.kept == {}


def test_an_image_that_a_department_calls_as_ours_is_called_is_not_ours(world: World) -> None:
    """An administrator sees it; it would have kept ours from being copied."""
    theirs = world.cloud.image("debian", b"another", visibility="private", owner="a-department")
    world.back_up(IMAGE)
    assert world.hosts.kept[IMAGE.name] == DATA
    assert theirs in world.cloud.images


def test_one_of_two_volumes_is_named_by_its_id(world: World) -> None:
    world.cloud.volume("data-1", b"another")
    disk = ProjectVolume(name="data-1", tenant="gongan", project="population", id=world.disk)
    world.back_up(subject(VOLUME.name, kind=SubjectKind.VOLUME, volume=disk, cluster=None))
    assert world.hosts.kept[VOLUME.name] == DATA
