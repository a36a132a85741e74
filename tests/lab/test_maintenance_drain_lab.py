"""Compute hosts emptied by real Nova and rebooted; put back where one cannot be emptied."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.running import wait_for
from tests.lab.town import PROGRAM, Town

MISSING = ", ".join(missing_for_hosts())
pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}"),
]
HOSTS = ("linden-cmp-01", "linden-cmp-02")
FIRST, SECOND = HOSTS
BMCS = 'bmc: {address: "10.9.0.{11..13}", user: orchestrator, password: secret://bmc/city}'


@pytest.fixture(scope="module")
def town(tmp_path_factory, town_lab) -> Iterator[Town]:
    """Return a town whose first two compute hosts are real hosts, and Nova's."""
    town = Town(tmp_path_factory.mktemp("drained") / "linden", town_lab, prefix="linden", number=14)
    file = town.directory / "hardware.yaml"
    assert BMCS in file.read_text()
    address = f'{BMCS}\n    address: "10.9.0.{{111..113}}"'
    file.write_text(file.read_text().replace(BMCS, address))
    done = town_lab.orchestrator("up", str(town.directory), f"--hosts={','.join(HOSTS)}")
    assert done.returncode == 0, done.stderr
    yield town
    gone = town_lab.orchestrator("up", str(town.directory), "--hosts=none")
    assert gone.returncode == 0, gone.stderr


@pytest.fixture(scope="module")
def server(town: Town) -> Iterator[Any]:
    """Return an instance that runs on the first host."""
    cloud = town.lab.admin
    image = cloud.image.create_image(
        name="linden-web", disk_format="raw", container_format="bare", data=b"0"
    )
    flavor = cloud.compute.create_flavor(name="linden-web", ram=512, vcpus=1, disk=1)
    made = cloud.compute.create_server(
        name="linden-web", flavor_id=flavor.id, image_id=image.id, networks="none", host=FIRST
    )
    yield wait_for(lambda: cloud.compute.get_server(made.id), lambda one: one.status == "ACTIVE")
    cloud.compute.delete_server(made.id)
    cloud.compute.wait_for_delete(made)
    cloud.compute.delete_flavor(flavor.id)
    cloud.image.delete_image(image.id)


def maintenance(town: Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "maintenance", *arguments, "--site", str(town.directory)],
        env=town.environment({}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def operations(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {one["host"]: one for one in json.loads(done.stdout)["operations"]}


def status_of(town: Town, host: str) -> tuple[str, str]:
    services = town.lab.admin.compute.services(binary="nova-compute")
    return next((one.status, one.disabled_reason or "") for one in services if one.host == host)


def lab_switch(town: Town, host: str, act: str) -> None:
    url = f"{town.lab.record.url('nova')}/_lab/{host}/{act}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30) as answer:
        assert answer.status == 200


def planned(town: Town, file: Path, *hosts: str, need: str = "--reboot") -> Path:
    deadline = time.monotonic() + 60
    while True:
        named = f"--hosts={','.join(hosts)}"
        done = maintenance(town, "plan", need, named, "--out", str(file), "-o", "json")
        if done.returncode == 0:
            return file
        # The hosts may still boot, and Nova's services still report for the first time.
        assert time.monotonic() < deadline, done.stdout + done.stderr


def test_a_migration_that_never_ends_is_aborted_and_the_host_put_back(
    town: Town, server: Any, tmp_path: Path
) -> None:
    file = planned(town, tmp_path / "a.plan", FIRST)
    lab_switch(town, FIRST, "stuck")
    try:
        done = maintenance(
            town,
            "run",
            str(file),
            "--yes",
            "--outside-window",
            "--move-minutes",
            "0.1",
            "-o",
            "json",
        )
    finally:
        lab_switch(town, FIRST, "free")
    assert done.returncode == 1, done.stdout + done.stderr
    failed = operations(done)[FIRST]
    assert failed["act"] == "drain" and "aborted" in failed["state"]
    assert status_of(town, FIRST) == ("enabled", "")
    found = town.lab.admin.compute.get_server(server.id)
    assert (found.compute_host, found.status) == (FIRST, "ACTIVE")


def test_hosts_are_emptied_rebooted_and_put_back_one_after_the_other(
    town: Town, server: Any, tmp_path: Path
) -> None:
    file = planned(town, tmp_path / "b.plan", *HOSTS)
    done = maintenance(town, "run", str(file), "--yes", "--outside-window", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = operations(done)
    assert [one["outcome"] for one in told.values()] == ["done", "done"]
    acts = ["cordon", "drain", "reboot", "check", "uncordon"]
    assert [one["done"] for one in told.values()] == [acts, acts]
    assert {status_of(town, host) for host in HOSTS} == {("enabled", "")}
    found = town.lab.admin.compute.get_server(server.id)
    assert found.compute_host != FIRST and found.status == "ACTIVE"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files over HTTP, as a site's own server of images does."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def declare_firmware(town: Town, address: str, images: dict[str, Path]) -> None:
    def change(layer: dict[str, Any]) -> None:
        profile = next(one for one in layer["profiles"] if one["name"] == "compute-2u")
        profile["firmware"] = [
            {
                "component": component,
                "version": json.loads(file.read_text())["version"],
                "image": f"{address}/{file.name}",
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for component, file in images.items()
        ]

    town.edit("hardware.yaml", change)


def test_firmware_is_brought_by_the_bmc_of_an_emptied_host_and_read_back(
    town: Town, server: Any, tmp_path: Path
) -> None:
    images = {}
    for component, version in (("BIOS", "1.12"), ("BMC", "7.20.10")):
        images[component] = tmp_path / f"{component}.bin"
        images[component].write_text(json.dumps({"component": component, "version": version}))
    with served(tmp_path) as address:
        declare_firmware(town, address, images)
        file = planned(town, tmp_path / "c.plan", SECOND, need="--firmware")
        done = maintenance(town, "run", str(file), "--yes", "--outside-window", "-o", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        one = operations(done)[SECOND]
        acts = ["cordon", "drain", "update firmware", "power cycle", "check", "uncordon"]
        assert (one["outcome"], one["done"]) == ("done", acts)
        again = maintenance(town, "plan", "--firmware", f"--hosts={SECOND}", "-o", "json")
        assert json.loads(again.stdout)["idle"] == [SECOND]
    assert status_of(town, SECOND) == ("enabled", "")
