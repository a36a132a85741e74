"""Images and volumes of a real Glance and Cinder: copied to real servers, and made anew."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.copied_cloud import IMAGE, NEAR, VOLUME, CopiedCloud
from tests.lab.running import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.root]

LARGE_BYTES = 300 << 20
"""So much takes half a minute on its way back: time to cut the network."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, town_lab: RunningLab) -> Iterator[CopiedCloud]:
    """Bring two backup servers to the cloud, and make the first copies."""
    missing = ", ".join(missing_for_hosts())
    if missing:
        pytest.skip(f"hosts need {missing}")
    made: CopiedCloud | None = None
    try:
        made = CopiedCloud(tmp_path_factory.mktemp("cloud"), town_lab)
        prepared = made.run("backup", "prepare", "--yes")
        assert prepared.returncode == 0, prepared.stderr + prepared.stdout
        first = made.run("backup", "run", IMAGE, VOLUME)
        assert first.returncode == 0, first.stderr + first.stdout
        yield made
        made.forget()
    finally:
        if made is not None:
            made.town.down()


def verdicts(told: Any) -> set[str]:
    return {one["verdict"] for one in told["comparisons"]}


def test_both_servers_have_a_copy_and_the_cloud_nothing_temporary(cloud: CopiedCloud) -> None:
    listed = cloud.told("backup", "list")["subjects"]
    assert {(one["subject"], one["repository"]): one["state"] for one in listed} == {
        (subject, name): "ok"
        for subject in (IMAGE, VOLUME)
        for name in ("city-copies", "dr-copies")
    }
    assert cloud.temporary() == []


def test_an_image_is_made_anew_from_the_far_copy(cloud: CopiedCloud) -> None:
    told = cloud.told(
        "restore", "run", IMAGE, "--from", "dr-copies", "--as", "copied-image-2", "--yes"
    )
    assert told["whole"] and verdicts(told) == {"pass"}
    images = cloud.lab.admin.image
    (made,) = images.images(name="copied-image-2")
    assert images.download_image(made).content == cloud.image_bytes
    assert (made.visibility, made.tags, made.min_disk) == ("public", ["golden"], 2)


def test_a_volume_is_made_anew_byte_for_byte(cloud: CopiedCloud) -> None:
    told = cloud.told("restore", "run", VOLUME, "--from", "city-copies", "--yes")
    assert told["whole"] and verdicts(told) == {"pass"}
    (made,) = cloud.lab.admin.block_storage.volumes(name="copied-disk-restored")
    assert cloud.file_of(made.id).read_bytes() == cloud.disk_bytes
    assert cloud.temporary() == []


def test_what_a_killed_run_left_in_cinder_is_removed_by_the_next(cloud: CopiedCloud) -> None:
    started = cloud.start("backup", "run", VOLUME, "--repository", "city-copies")
    await_temporary(cloud, started)
    os.kill(started.pid, signal.SIGKILL)
    started.wait(timeout=10)
    assert cloud.temporary() != []
    again = cloud.told("backup", "run", VOLUME, "--repository", "city-copies")
    assert again["steps"][0]["copy"]["whole"] and cloud.temporary() == []
    assert cloud.lab.admin.block_storage.get_volume(cloud.disk.id).status == "available"


@pytest.mark.slow
def test_a_copy_of_a_clock_that_is_an_hour_ahead_is_named_and_not_the_newest(
    cloud: CopiedCloud,
) -> None:
    """The hosts share this machine's clock: what is an hour off is the moment given to restic."""
    before = cloud.newest(IMAGE, "dr-copies")
    for run, hours in (("ahead", 1), ("behind", -1)):
        at = SystemClock().now() + timedelta(hours=hours)
        cloud.back_up_as_of(IMAGE, "dr-copies", run=run, at=at)
    listed = cloud.told("backup", "list", IMAGE, "--repository", "dr-copies")["subjects"][0]
    assert listed["newest"]["run"] == before and listed["reason"].startswith("ahead ")
    planned = cloud.told("restore", "plan", IMAGE, "--from", "dr-copies", "--as", "of-which-time")
    assert planned["copy"]["run"] == before


@pytest.mark.slow
def test_a_network_cut_in_the_middle_of_a_restore_leaves_nothing(cloud: CopiedCloud) -> None:
    from_near = ("--from", "city-copies", "--as", "copied-image-3", "--yes")
    cloud.image_of(LARGE_BYTES)
    copied = cloud.told("backup", "run", IMAGE, "--repository", "city-copies")
    assert copied["steps"][0]["copy"]["whole"]
    before = cloud.stored_bytes()
    started = cloud.start("restore", "run", IMAGE, *from_near)
    deadline = time.monotonic() + 60
    while cloud.stored_bytes() < before + LARGE_BYTES // 8:
        assert started.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    cut = ("ip", "route", "add", "blackhole", f"{cloud.address(NEAR)}/32")
    subprocess.run(cut, check=True)
    begun = time.monotonic()
    try:
        assert started.wait(timeout=60) == 1
    finally:
        subprocess.run([word.replace("add", "del") for word in cut], check=True)
    assert time.monotonic() - begun < 45, "a cut shows by what is not taken, and not by silence"
    assert cloud.temporary() == [] and not list(cloud.lab.admin.image.images(name="copied-image-3"))
    told = cloud.told("restore", "run", IMAGE, *from_near)
    assert told["whole"] and verdicts(told) == {"pass"}


def await_temporary(cloud: CopiedCloud, started: subprocess.Popen[bytes]) -> None:
    """Wait until a run has made something in the cloud that it will remove."""
    deadline = time.monotonic() + 60
    while not cloud.temporary():
        assert started.poll() is None, "it ended before anything was seen of it"
        assert time.monotonic() < deadline
        time.sleep(0.05)
