"""The lab's hosts without an operating system: their disks, their network and their supervisor."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import LabError
from orchestrator.lab.hosts.asking import ask
from orchestrator.lab.hosts.image import RECIPE
from orchestrator.lab.hosts.life import hosts_forget, hosts_stop, hosts_up
from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.lab.hosts.network import bridge_name, socket_path
from orchestrator.lab.hosts.root import put
from orchestrator.lab.hosts.spec import HostSpec
from orchestrator.lab.settings import LabSettings

MISSING = ", ".join(missing_for_hosts())
needs_root = pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}")


def spec(name: str) -> HostSpec:
    return HostSpec(name=name, address="10.9.0.111", user="root", public_key="ssh-x A")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[LabSettings]:
    """Return a lab whose image is empty: its hosts are written, and none can boot."""
    settings = LabSettings(directory=tmp_path / "lab", venv=tmp_path / "venv")
    digest = hashlib.sha256("\0".join(RECIPE).encode()).hexdigest()
    (settings.host_images / digest[:16]).mkdir(parents=True)
    settings.directory.mkdir()
    yield settings
    hosts_stop(settings)
    hosts_forget(settings)


def up(settings: LabSettings, *names: str) -> list[str]:
    said: list[str] = []
    hosts_up(settings, [spec(name) for name in names], lambda step: said.append(step.text))
    return said


def supervisor(settings: LabSettings, **request: object) -> dict:
    return ask(socket_path(settings.directory), request)


@needs_root
@pytest.mark.root
def test_a_host_that_does_not_boot_is_named_and_why(settings: LabSettings) -> None:
    (first, second) = up(settings, "a")
    assert first.startswith(f"hosts: 1 at {bridge_name(settings.directory)}, 198.19.")
    assert second.startswith("hosts: a does not boot: `chroot ")


@needs_root
@pytest.mark.root
def test_a_lab_whose_prefix_was_taken_meanwhile_has_a_bridge_with_another(
    settings: LabSettings,
) -> None:
    up(settings, "a")
    before = json.loads((settings.hosts / "hosts.json").read_text())["prefix"]
    hosts_stop(settings)
    assert not Path("/sys/class/net", bridge_name(settings.directory)).exists()
    taken = before.replace(".0/24", ".128/25")
    subprocess.run(["ip", "route", "add", "blackhole", taken], check=True, timeout=10)
    try:
        up(settings, "a")
    finally:
        subprocess.run(["ip", "route", "del", "blackhole", taken], check=True, timeout=10)
    after = json.loads((settings.hosts / "hosts.json").read_text())["prefix"]
    assert after != before
    assert Path("/sys/class/net", bridge_name(settings.directory)).exists()


@needs_root
@pytest.mark.root
def test_the_disk_of_a_host_that_is_not_named_again_is_gone_even_after_a_restart(
    settings: LabSettings,
) -> None:
    up(settings, "a", "b")
    hosts_stop(settings)
    up(settings, "b")
    assert [one.name for one in settings.hosts.iterdir() if one.is_dir()] == ["b"]


@needs_root
@pytest.mark.root
def test_a_request_of_another_shape_or_a_broken_disk_ends_no_host(settings: LabSettings) -> None:
    up(settings, "a", "b")
    (settings.hosts / "a" / "writing.json").write_text("")
    image = {"name": "i", "distro": "debian", "version": "12", "sha256": "5f", "file": "/etc/fstab"}
    identity = {"hostname": "b", "user": "root", "keys": None, "files": {}}
    with pytest.raises(LabError, match="says"):
        supervisor(settings, do="write", host="b", image=image, identity=identity)
    hosts = supervisor(settings, do="list")["hosts"]
    assert hosts["a"]["image"] == "unknown" and hosts["b"]["image"] == ""


def test_a_disk_is_written_inside_itself_whatever_its_links_say(tmp_path: Path) -> None:
    own, disk = tmp_path / "own", tmp_path / "disk"
    (disk / "etc").mkdir(parents=True)
    own.mkdir()
    (own / "hosts").write_text("this machine's")
    (disk / "etc" / "hosts").symlink_to(own / "hosts")
    (disk / "etc" / "ssh").symlink_to(own)
    assert put(disk, "/etc/hosts", "the host's").read_text() == "the host's"
    for path in ("etc/ssh/hosts", "../own/hosts", "/etc/ssh/sub/hosts"):
        with pytest.raises(LabError, match="leads out"):
            put(disk, path, "the host's")
    assert (own / "hosts").read_text() == "this machine's"
    assert [one.name for one in own.iterdir()] == ["hosts"]
