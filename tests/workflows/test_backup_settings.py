"""A fresh reading of devices and BMCs: what is kept, and what is said of those that are silent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.settings_records import SettingsFolder
from orchestrator.errors import BmcError, SecretError, StateError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import BmcFault, Inventory, Unknown
from orchestrator.model.physical_slices import NetworkDeviceSlice
from orchestrator.model.site import Site
from orchestrator.planning.backup_settings import SettingsRead
from orchestrator.ports.device import DeviceAnswer
from orchestrator.spec.load import load_site
from orchestrator.workflows.backup_settings import SettingsPorts, read_settings
from tests.fakes.bmc_site import server
from tests.fakes.site_world import FakeClock
from tests.planning.backup_city import NOW

TESTS = Path(__file__).parents[1]


@dataclass
class Devices:
    """The NetworkDevices port: all of them answer but one."""

    silent: str = ""

    def read(
        self,
        devices: Sequence[NetworkDeviceSlice],
        *,
        keep: bool = False,
        told: Callable[[DeviceAnswer], None] | None = None,
    ) -> tuple[DeviceAnswer, ...]:
        assert keep, "the state folder has the whole text"
        return tuple(
            DeviceAnswer(name=one.name, platform="frr", fault="it is silent")
            if one.name == self.silent
            else DeviceAnswer(name=one.name, platform="frr", kept=f"{one.name}/1-taken")
            for one in devices
        )

    def backups(self) -> Any:
        raise AssertionError("an answer names its backup")

    def backup_text(self, name: str) -> str:
        return f"what {name} says\n"


@dataclass
class Bmcs:
    """Of the Bmcs port what readings need: an inventory, or why there is none."""

    answers: dict[str, Any]

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        assert whole, "BIOS attributes come with all the rest alone"
        answer = self.answers[server.name]
        if isinstance(answer, Exception):
            raise answer
        values = {one.name: Unknown("-") for one in fields(Inventory)}
        return Inventory(**{**values, "bios": answer, "quirks": ()})  # type: ignore[arg-type] # as told

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a reading does not {name}")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("town") / "site"
    shutil.copytree(TESTS / "cases" / "_base", directory)
    shutil.copytree(TESTS / "lab" / "two_regions", directory, dirs_exist_ok=True)
    return load_site(directory).site


def of_servers(site: Site, *names: str) -> Site:
    servers = tuple(server(name) for name in names)
    return replace(site, hardware=replace(site.hardware, servers=servers))


def read(
    site: Site, folder: Path, *, silent: str = "", **answers: Any
) -> tuple[SettingsRead, dict[str, Any]]:
    ports = SettingsPorts(
        devices=Devices(silent),
        bmcs=Bmcs(answers),
        records=SettingsFolder(folder=folder),
        clock=FakeClock(NOW),
    )
    found = read_settings(site, ports)
    return found, json.loads((folder / "summary.json").read_text())


def test_each_that_answers_has_its_file_and_no_one_else_may_read_it(
    town: Site, tmp_path: Path
) -> None:
    site = of_servers(town, "s1")
    found, summary = read(site, tmp_path, s1={"Turbo": "On"})
    assert found.note == "" and summary["unknown"] == {} and "BMC of s1" in summary["read"]
    file = tmp_path / "bmc" / "s1.json"
    assert json.loads(file.read_text())["bios"] == {"Turbo": "On"}
    assert file.stat().st_mode & 0o077 == 0
    names = [name.removeprefix("device ") for name in summary["read"] if "device" in name]
    assert names and all((tmp_path / "devices" / f"{name}.txt").is_file() for name in names)


def test_what_is_silent_is_unknown_and_its_last_reading_stays(town: Site, tmp_path: Path) -> None:
    site = of_servers(town, "s1", "s2", "s3")
    _first, summary = read(site, tmp_path, s1={"Turbo": "On"}, s2={}, s3={})
    device = next(name.removeprefix("device ") for name in summary["read"] if "device" in name)
    found, summary = read(
        site,
        tmp_path,
        silent=device,
        s1=BmcError("s1 is silent", fault=BmcFault.UNREACHABLE),
        s2=SecretError("its password is missing"),
        s3=Unknown("its BIOS tells nothing"),
    )
    assert (
        found.unknown
        == summary["unknown"]
        == {
            f"device {device}": "it is silent",
            "BMC of s1": "s1 is silent",
            "BMC of s2": "its password is missing",
            "BMC of s3": "its BIOS tells nothing",
        }
    )
    assert "BMC of s1" not in summary["read"] and found.note.startswith("settings of 4 of ")
    assert json.loads((tmp_path / "bmc" / "s1.json").read_text())["bios"] == {"Turbo": "On"}


def test_a_folder_that_cannot_be_written_is_a_fault_and_no_empty_record(
    town: Site, tmp_path: Path
) -> None:
    (tmp_path / "bmc").write_text("a file where the folder should be")
    with pytest.raises(StateError):
        read(of_servers(town, "s1"), tmp_path, s1={})
