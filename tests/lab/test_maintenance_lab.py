"""Maintenance on real hosts: packages upgraded, hosts rebooted, a run killed and gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.package_archive import PACKAGE, give
from tests.lab.service_town import PROGRAM, ServiceTown

MISSING = ", ".join(missing_for_hosts())
pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}"),
]
NAMES = ("bak-1", "dr-bak-1")
"""Each is alone in its region: nobody stands in for it, and holds it back by being away."""
NEITHER_POSTPONED_NOR_ASKED = ("--yes", "--outside-window")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceTown]:
    town = ServiceTown(tmp_path_factory.mktemp("maintained"))
    try:
        town.up(NAMES)
        for name in NAMES:
            town.await_host(name)
            upgrade_to(town, name, "1.0")
            done = town.hosts().run(
                town.server(name), f"apt-get -q update && apt-get -qy install {PACKAGE}", within=90
            )
            assert done.status == 0, done.err
        yield town
    finally:
        town.down()


def upgrade_to(town: ServiceTown, name: str, version: str, *, postinst: str = "") -> None:
    scratch = town.directory.parent / f"archive-{name}-{version}"
    give(town.server(name), town.hosts(), version, scratch=scratch, postinst=postinst)


def version_on(town: ServiceTown, name: str) -> str:
    command = f"dpkg-query -W -f '${{Version}} ${{db:Status-Status}}' {PACKAGE}"
    return town.hosts().run(town.server(name), command, within=20).out


def maintenance(town: ServiceTown, *arguments: str) -> subprocess.CompletedProcess[str]:
    return town.run("maintenance", *arguments, "--site", str(town.directory))


def planned(town: ServiceTown, file: Path, *arguments: str) -> Path:
    done = maintenance(town, "plan", *arguments, "--hosts", ",".join(NAMES), "--out", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def await_line(process: subprocess.Popen[str], ending: str) -> None:
    """Read what a run says until a line ends so."""
    assert process.stderr is not None
    assert any(said.rstrip().endswith(ending) for said in process.stderr)


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {one["host"]: one["outcome"] for one in json.loads(done.stdout)["operations"]}


def test_a_run_killed_in_its_reboot_resumes_to_the_same_end(
    town: ServiceTown, tmp_path: Path
) -> None:
    boots = {name: town.await_host(name) for name in NAMES}
    for name in NAMES:
        upgrade_to(town, name, "2.0")
    file = planned(town, tmp_path / "a.plan", "--patch", "--reboot")
    line = [PROGRAM, "maintenance", "run", str(file), "--site", str(town.directory)]
    process = subprocess.Popen(
        [*line, *NEITHER_POSTPONED_NOR_ASKED],
        env=town.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_line(process, ": patch")
    second = maintenance(town, "resume", "--yes")
    assert second.returncode == 4, second.stderr
    await_line(process, ": reboot")
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    standing = json.loads(maintenance(town, "status", "-o", "json").stdout)["shown"]
    assert standing["summary"]["unknown"] == 1 and standing["summary"]["not started"] == 1
    resumed = maintenance(town, "resume", *NEITHER_POSTPONED_NOR_ASKED, "-o", "json")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert outcomes(resumed) == dict.fromkeys(NAMES, "done")
    for name in NAMES:
        assert version_on(town, name) == "2.0 installed"
        assert town.await_host(name) != boots[name]
    journal = next((town.directory / ".orchestrator/maintenance").glob("*/journal.jsonl"))
    patches = [
        entry
        for entry in map(json.loads, journal.read_text().splitlines())
        if (entry["event"], entry.get("act")) == ("end", "patch")
    ]
    assert sorted(entry["host"] for entry in patches) == sorted(NAMES)


def test_a_package_that_does_not_set_up_is_named_and_a_mended_one_resumed(
    town: ServiceTown, tmp_path: Path
) -> None:
    name = NAMES[0]
    upgrade_to(town, name, "3.0", postinst="exit 7")
    file = tmp_path / "b.plan"
    made = maintenance(town, "plan", "--patch", "--hosts", name, "--out", str(file))
    assert made.returncode == 0, made.stderr
    failed = maintenance(town, "run", str(file), *NEITHER_POSTPONED_NOR_ASKED, "-o", "json")
    assert failed.returncode == 1, failed.stderr
    (operation,) = json.loads(failed.stdout)["operations"]
    assert f"not set up, after a second try: {PACKAGE}" in operation["state"]
    assert version_on(town, name) == "3.0 half-configured"
    upgrade_to(town, name, "3.1")
    resumed = maintenance(town, "resume", *NEITHER_POSTPONED_NOR_ASKED, "-o", "json")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert version_on(town, name) == "3.1 installed"


def test_a_plan_is_stale_once_the_repositories_have_something_else(
    town: ServiceTown, tmp_path: Path
) -> None:
    name = NAMES[0]
    upgrade_to(town, name, "4.0")
    file = tmp_path / "c.plan"
    made = maintenance(town, "plan", "--patch", "--hosts", name, "--out", str(file))
    assert made.returncode == 0, made.stderr
    upgrade_to(town, name, "5.0")
    refused = maintenance(town, "run", str(file), *NEITHER_POSTPONED_NOR_ASKED)
    assert refused.returncode == 3
    assert f"{PACKAGE} 4.0 when it was planned" in " ".join(refused.stderr.split())
    assert version_on(town, name) == "3.1 installed"
