"""The lab's own promises: it mends what dies, changes nothing twice, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.lab.contents import DEFAULT_CONTENTS
from orchestrator.lab.health import Health, lab_status
from orchestrator.lab.processes import running_processes
from orchestrator.lab.settings import SERVICES, LabSettings
from orchestrator.lab.up import down, up
from orchestrator.model.units import Secret
from tests.lab.running import RunningLab, wait_for

pytestmark = pytest.mark.lab


def bring_up(settings: LabSettings, **changes: object) -> list[str]:
    contents = replace(DEFAULT_CONTENTS, **changes)
    steps: list[str] = []
    up(
        settings,
        contents.bmcs,
        computes=contents.computes,
        watch=lambda step: steps.append(step.text),
    )
    return steps


def pids(settings: LabSettings) -> dict[str, int]:
    return {process.service: process.pid for process in running_processes(settings)}


def test_a_second_up_changes_nothing(lab: RunningLab) -> None:
    before = pids(lab.settings), lab.settings.record.read_text()
    bring_up(lab.settings)
    assert (pids(lab.settings), lab.settings.record.read_text()) == before
    assert set(before[0]) == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_is_named_and_mended_alone(lab: RunningLab, service: str) -> None:
    before = pids(lab.settings)
    os.kill(before[service], signal.SIGKILL)
    # A killed process is silent for a moment before it is gone.
    found = wait_for(
        lambda: lab_status(lab.settings),
        lambda status: Health.DEAD in {one.health for one in status.services},
    )
    assert [(one.service, one.health) for one in found.broken] == [(service, Health.DEAD)]
    said = lab.orchestrator("status")
    assert said.returncode == 1
    assert f"Not running: {service}." in said.stdout
    bring_up(lab.settings)
    after = pids(lab.settings)
    assert {name for name in SERVICES if before[name] != after[name]} == {service}
    assert lab_status(lab.settings).is_up


def test_the_first_answers_after_a_start_are_whole(lab: RunningLab) -> None:
    """An administrator's first lists, asked for all at once, are not those of a stranger.

    Neutron publishes its judges before they know the rules: who asks at that moment is no
    administrator, and gets an empty list with status 200.
    """
    owner = lab.admin.identity.create_project(name="life-owner", domain_id="default")
    scope = lab.admin.network.create_address_scope(
        name="life-scope", project_id=owner.id, ip_version=4
    )
    token = lab.admin.session.get_token()
    request = urllib.request.Request(
        f"{lab.record.url('neutron')}/v2.0/address-scopes", headers={"X-Auth-Token": token}
    )
    at_once = threading.Barrier(8)

    def names(_: int) -> list[str]:
        at_once.wait(timeout=30)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [each["name"] for each in json.load(answer)["address_scopes"]]

    try:
        os.kill(pids(lab.settings)["neutron"], signal.SIGKILL)
        bring_up(lab.settings)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(names, range(8))) == [["life-scope"]] * 8
    finally:
        lab.admin.network.delete_address_scope(scope)
        lab.admin.identity.delete_project(owner)


def test_a_site_with_other_bmcs_restarts_only_the_emulator(lab: RunningLab) -> None:
    before = pids(lab.settings)
    bring_up(lab.settings, bmcs=DEFAULT_CONTENTS.bmcs[:2])
    during = pids(lab.settings)
    reached = json.loads(lab.settings.endpoints.read_text())["bmc"]
    bring_up(lab.settings)
    assert {name for name in SERVICES if before[name] != during[name]} == {"bmc"}
    assert set(reached) == {bmc.address for bmc in DEFAULT_CONTENTS.bmcs[:2]}


def test_a_bmc_refuses_another_bmcs_login(lab: RunningLab) -> None:
    first, second = DEFAULT_CONTENTS.bmcs[:2]
    own = replace(second, user="other", password=Secret("another"))
    bring_up(lab.settings, bmcs=(first, own))
    login = f"{first.user}:{first.password.reveal()}"
    systems = f"{lab.record.url('bmc')}/redfish/v1/Systems"
    codes = [_status(f"{systems}/{bmc.system_id}", login) for bmc in (first, own)]
    bring_up(lab.settings)
    assert codes == ["200", "401"]


def _status(url: str, login: str) -> str:
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-u", login, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_passwords_are_not_in_the_emulators_files(lab: RunningLab) -> None:
    secret = replace(DEFAULT_CONTENTS.bmcs[0], password=Secret("do-not-find-me"))
    bring_up(lab.settings, bmcs=(secret,))
    folders = (lab.settings.config / "bmc", lab.settings.data / "bmc", lab.settings.logs)
    texts = [file.read_bytes() for folder in folders for file in folder.glob("*bmc*")]
    bring_up(lab.settings)
    assert texts
    assert not [text for text in texts if b"do-not-find-me" in text]


def test_the_shell_lines_make_the_standard_client_work(lab: RunningLab) -> None:
    lines = lab.orchestrator("env").stdout
    script = f"{lines}\nopenstack project list -f json -c Name"
    clean = {"HOME": str(lab.settings.directory), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-ec", script], env=clean, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"admin", "service"} <= {project["Name"] for project in json.loads(done.stdout)}


def test_every_request_is_in_the_access_log(lab: RunningLab) -> None:
    log = lab.settings.logs / "keystone.access.log"
    before = len(log.read_text().splitlines())
    list(lab.admin.identity.projects())
    fresh = log.read_text().splitlines()[before:]
    mine = [line.split(" ")[1:4] for line in fresh if "/v3/projects" in line]
    assert mine == [["GET", "/v3/projects", "200"]]


def test_status_for_machines_lists_every_service(lab: RunningLab) -> None:
    said = json.loads(lab.orchestrator("status", "-o", "json").stdout)
    assert said["up"] is True
    assert [one["service"] for one in said["services"]] == list(SERVICES)


def test_logs_shows_where_they_are(lab: RunningLab) -> None:
    said = lab.orchestrator("logs", "nova").stdout
    assert str(lab.settings.logs / "nova.log") in said
    assert lab.orchestrator("logs", "nowhere").returncode == 64


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def test_down_leaves_no_process_and_up_finds_everything_again(lab: RunningLab) -> None:
    lab.admin.identity.create_domain(name="life-domain")
    assert down(lab.settings) == len(SERVICES)
    # A zombie that nobody collects has no command line any more.
    lines = (_command_line(entry) for entry in Path("/proc").glob("[0-9]*"))
    # With its slash: another lab of these tests may lie beside it as `<directory>-towns`.
    assert not [line for line in lines if f"{lab.settings.directory}/" in line]
    assert {one.health for one in lab_status(lab.settings).services} == {Health.STOPPED}
    bring_up(lab.settings)
    assert list(lab.admin.identity.domains(name="life-domain"))
