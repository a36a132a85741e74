"""The lab's parts that need no OpenStack."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.render.lab import export_lines
from orchestrator.errors import LabError
from orchestrator.lab.clouds import write_clouds, write_endpoints
from orchestrator.lab.configs.bmc import render_bmcs
from orchestrator.lab.configs.ini import render
from orchestrator.lab.configs.shared import Lab
from orchestrator.lab.contents import (
    DEFAULT_COMPUTES,
    DEFAULT_CONTENTS,
    compute_hosts,
    system_id,
)
from orchestrator.lab.health import Health, lab_status
from orchestrator.lab.install import MARKER, is_installed
from orchestrator.lab.logs import last_lines
from orchestrator.lab.processes import ServiceProcess, running_processes, stop_processes
from orchestrator.lab.record import free_ports, make_record, read_record
from orchestrator.lab.service_files import config_file, write_service_files
from orchestrator.lab.settings import SERVICES, LabSettings
from orchestrator.lab.up import down, reset
from orchestrator.model.hardware import Bmc, HardwareLayer, Server, ServerRole
from orchestrator.model.room import MachineRoom, Rack, RoomGrade, RoomLayer
from orchestrator.model.site import Region, RegionKind, Site, SiteIdentity
from orchestrator.model.units import SecretRef, Text


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    return LabSettings(directory=tmp_path / "it's a lab", venv=tmp_path / "venv")


@pytest.fixture
def sleeper() -> Iterator[ServiceProcess]:
    shell = subprocess.run(
        ["sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"],
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
    )
    pid = int(shell.stdout)
    process = ServiceProcess(service="nova", pid=pid, start_ticks=_ticks(pid), digest="")
    yield process
    if process.is_alive:
        os.kill(pid, 9)


def _ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_every_service_gets_a_port_of_its_own() -> None:
    ports = free_ports(SERVICES)
    assert set(ports) == set(SERVICES)
    assert len(set(ports.values())) == len(SERVICES)


def test_ports_and_password_are_chosen_once_and_kept_private(settings: LabSettings) -> None:
    made = make_record(settings)
    found = read_record(settings)
    assert found is not None
    assert (found.ports, found.password.reveal()) == (made.ports, made.password.reveal())
    assert settings.record.stat().st_mode & 0o077 == 0


def test_a_broken_record_says_what_to_do(settings: LabSettings) -> None:
    settings.directory.mkdir()
    settings.record.write_text("{")
    with pytest.raises(LabError) as caught:
        read_record(settings)
    assert "lab reset" in caught.value.remedy


def test_the_clouds_file_is_private_and_names_the_cloud(settings: LabSettings) -> None:
    record = make_record(settings)
    write_clouds(settings, record)
    cloud = json.loads(settings.clouds.read_text())["clouds"]["orchestrator-lab"]
    assert cloud["auth"]["auth_url"] == f"http://127.0.0.1:{record.ports['keystone']}/v3"
    assert settings.clouds.stat().st_mode & 0o077 == 0


def test_endpoints_lead_each_declared_address_to_its_system(settings: LabSettings) -> None:
    record = make_record(settings)
    write_endpoints(settings, record, DEFAULT_CONTENTS.bmcs)
    reached = json.loads(settings.endpoints.read_text())["bmc"]
    bmc = DEFAULT_CONTENTS.bmcs[2]
    assert reached[bmc.address] == {
        "url": f"http://127.0.0.1:{record.ports['bmc']}",
        "system_id": f"/redfish/v1/Systems/{bmc.system_id}",
    }


def test_the_emulator_gets_hashes_of_the_logins() -> None:
    bmc = DEFAULT_CONTENTS.bmcs[0]
    told = json.loads(render_bmcs([bmc], salt="s"))
    login = f"s{bmc.user}:{bmc.password.reveal()}"
    assert told["logins"] == {bmc.system_id: hashlib.sha256(login.encode()).hexdigest()}
    assert told["systems"][0]["nics"] == [{"mac": bmc.macs[0]}]


def test_a_dollar_in_an_option_is_not_a_reference() -> None:
    assert render({"a": {"x": "p$ss", "on": True}}) == "[a]\nx = p$$ss\non = true\n"


def test_only_what_changed_has_a_new_digest(settings: LabSettings) -> None:
    lab = Lab(settings=settings, record=make_record(settings))
    bmcs, computes = DEFAULT_CONTENTS.bmcs, DEFAULT_COMPUTES
    first = write_service_files(lab, bmcs, computes)
    again = write_service_files(lab, bmcs, computes)
    fewer = write_service_files(lab, bmcs[:3], computes)
    hosts = write_service_files(lab, bmcs[:3], ("other", *computes))
    assert again == first
    assert {name for name in SERVICES if fewer[name] != first[name]} == {"bmc"}
    assert {name for name in SERVICES if hosts[name] != fewer[name]} == {"nova"}


def test_configurations_are_private_and_listen_on_loopback_only(settings: LabSettings) -> None:
    lab = Lab(settings=settings, record=make_record(settings))
    write_service_files(lab, DEFAULT_CONTENTS.bmcs, DEFAULT_COMPUTES)
    for service in SERVICES:
        file = config_file(settings, service)
        assert file.stat().st_mode & 0o077 == 0
        assert "0.0.0.0" not in file.read_text()


def test_a_system_keeps_its_id() -> None:
    # Pinned: another id would make every emulated server a new one.
    assert system_id("YZ-0001") == "c0902200-8993-56e0-9c4d-7789989b3d1f"


def test_the_first_two_compute_servers_of_each_region_are_hosts() -> None:
    site = _site(city=("compute", "control", "compute", "compute"), county=("compute",))
    assert compute_hosts(site) == ["city-0", "city-2", "county-0"]


def test_a_site_with_few_compute_servers_is_filled_up() -> None:
    assert compute_hosts(_site(city=("compute", "control"))) == [
        "city-0",
        "compute-1",
        "compute-2",
    ]


def test_shell_lines_survive_a_quote_in_the_path(settings: LabSettings) -> None:
    lines = "\n".join(line.plain for line in export_lines(settings, (Path("/a b"), Path("/c"))))
    script = f'PATH=/usr/bin:/bin\n{lines}\nprintf "%s\\n" "$OS_CLIENT_CONFIG_FILE" "$PATH"'
    said = subprocess.run(
        ["/bin/sh", "-ec", script], env={}, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == [str(settings.clouds), "/usr/bin:/bin:/a b:/c"]
    assert shlex.split(lines)


def test_a_process_with_a_reused_number_is_a_stranger(sleeper: ServiceProcess) -> None:
    stranger = replace(sleeper, start_ticks=sleeper.start_ticks - 1)
    assert sleeper.is_alive
    assert not stranger.is_alive


def test_strangers_are_never_killed(settings: LabSettings, sleeper: ServiceProcess) -> None:
    stop_processes(settings, [replace(sleeper, start_ticks=1)])
    assert sleeper.is_alive


def test_a_process_is_stopped_at_once(settings: LabSettings, sleeper: ServiceProcess) -> None:
    begin = time.monotonic()
    stop_processes(settings, [sleeper])
    assert not sleeper.is_alive
    assert time.monotonic() - begin < 2


def test_a_half_written_note_of_a_process_counts_as_none(settings: LabSettings) -> None:
    settings.run.mkdir(parents=True)
    (settings.run / "nova.json").write_text('{"service": "no')
    assert running_processes(settings) == []


def test_no_lab_has_no_services(settings: LabSettings) -> None:
    assert lab_status(settings).services == ()
    assert not lab_status(settings).is_up


def test_a_lab_that_never_ran_is_stopped(settings: LabSettings) -> None:
    make_record(settings)
    assert {one.health for one in lab_status(settings).services} == {Health.STOPPED}


def test_down_and_reset_of_no_lab_do_nothing(settings: LabSettings) -> None:
    assert down(settings) == 0
    reset(settings)
    assert not settings.directory.exists()


def test_reset_keeps_the_environment(settings: LabSettings) -> None:
    inside = replace(settings, venv=settings.directory / "venv")
    make_record(inside)
    inside.venv.mkdir()
    inside.databases.mkdir()
    reset(inside)
    left = {file.name for file in inside.directory.iterdir()}
    assert left == {"venv", ".lock"}


def test_last_lines_reads_the_end_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert last_lines(log, 2) == "line 49998\nline 49999"


def _site(**roles_by_region: tuple[str, ...]) -> Site:
    servers, rooms, racks, regions = [], [], [], []
    for region, roles in roles_by_region.items():
        text = Text(zh=region, en=region)
        regions.append(Region(name=region, kind=RegionKind.COUNTY, display=text))
        rooms.append(_room(region))
        racks.append(_rack(region))
        servers += [
            Server(
                name=f"{region}-{number}",
                profile="p",
                role=ServerRole(role),
                rack=f"{region}-rack",
                unit=number + 1,
                serial=f"{region}{number}",
                bmc=Bmc(address="192.0.2.1", user="u", password=SecretRef("secret://p")),
                nics=(),
            )
            for number, role in enumerate(roles)
        ]
    identity = SiteIdentity(name="s", display=Text(zh="s", en="s"), cloud="c")
    return Site(
        identity=identity,
        regions=tuple(regions),
        room=RoomLayer(rooms=tuple(rooms), racks=tuple(racks)),
        hardware=HardwareLayer(servers=tuple(servers)),
    )


def _rack(region: str) -> Rack:
    return Rack(
        name=f"{region}-rack",
        room=f"{region}-room",
        row="A",
        position=1,
        max_watts=8000,
        max_weight_kg=1000,
        feeds=(),
    )


def _room(region: str) -> MachineRoom:
    return MachineRoom(
        name=f"{region}-room",
        region=region,
        display=Text(zh="r", en="r"),
        grade=RoomGrade.C,
        area_m2=10.0,
        clear_height_m=3.0,
        floor_load_kn_m2=8.0,
    )


def test_a_half_made_environment_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert not is_installed(tmp_path)


def test_an_environment_of_other_pins_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("0" * 64 + " python 3.11.0\n")
    assert not is_installed(tmp_path)
