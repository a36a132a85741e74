"""What is read of a server, and what is unknown rather than guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.model.inventory import PowerState, Unknown
from tests.fakes.bmc_certificate import certificate
from tests.fakes.bmc_server import Bmc
from tests.fakes.bmc_site import server
from tests.providers.redfish.conftest import Open


@pytest.mark.parametrize("expands", [True, False])
@pytest.mark.parametrize("sessions", [True, False])
def test_everything_that_the_bmc_tells_is_read(reach: Open, expands: bool, sessions: bool) -> None:
    bmc = Bmc(expands=expands, sessions_supported=sessions)
    told = reach(bmc).inventory(server(), whole=True)
    assert (told.manufacturer, told.model, told.serial) == ("Plain", "NF5280M6", "SN-CMP-01")
    assert told.uuid == "6a1d9b4e-0000-4000-8000-000000000001"
    assert (told.bios_version, told.bmc_model, told.bmc_version) == ("5.10", "AST2600", "4.10")
    assert (told.power, told.indicator_lit, told.health) == (PowerState.ON, False, "OK")
    assert (told.processors, told.threads, told.memory_gib) == (2, 64, 512)
    assert told.processor_model == "Xeon 6338"
    assert isinstance(told.disks, tuple) and isinstance(told.nics, tuple)
    assert [(disk.name, disk.capacity_gib) for disk in told.disks] == [
        ("Disk 0", 480),
        ("Disk 1", 480),
    ]
    assert [nic.mac for nic in told.nics] == ["0c:42:a1:00:00:01", "0c:42:a1:00:01:01"]
    assert told.inlet_celsius == 23
    assert isinstance(told.firmware, tuple)
    assert [(one.name, one.version) for one in told.firmware] == [("CPLD", "1.2"), ("PSU1", "1.2")]
    assert told.bios == {"BootMode": "Uefi", "Turbo": "Enabled"}


def test_links_are_followed_wherever_the_vendor_put_its_system(reach: Open) -> None:
    told = reach(Bmc(base="/redfish/v1/oem/Systems/System.Embedded.1")).inventory(server())
    assert told.serial == "SN-CMP-01"


def test_expansion_saves_calls_and_is_used_only_where_it_is_announced(reach: Open) -> None:
    quick, plain = Bmc(expands=True), Bmc(expands=False)
    reach(quick).inventory(server())
    reach(plain).inventory(server())
    assert quick.calls.total() == 9
    assert plain.calls.total() == 15
    assert not any("$expand" in path for path in plain.paths)


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("secure", [True, False])
def test_answers_are_read_however_they_are_framed(
    reach: Open, tmp_path: Path, framing: str, secure: bool
) -> None:
    bmc = Bmc(framing=framing)
    pem = certificate(tmp_path / "bmc.pem") if secure else None
    assert reach(bmc, certificate=pem).inventory(server(), whole=True).serial == "SN-CMP-01"
    assert bmc.sessions == {}


@pytest.mark.parametrize("thermal", ["old", "new", "both"])
def test_the_inlet_is_read_from_either_thermal_tree(reach: Open, thermal: str) -> None:
    assert reach(Bmc(thermal=thermal, inlet=24.5)).inventory(server()).inlet_celsius == 24.5


@pytest.mark.parametrize(
    ("bmc", "reason"),
    [
        (Bmc(inlet=None), "the intake sensor reads null"),
        (Bmc(inlet=None, thermal="new"), "the intake sensor reads null"),
        (Bmc(inlet=0, inlet_state="Absent"), "the intake sensor is Absent"),
        (
            Bmc(inlet=-47, power="Off"),
            "the intake sensor reads -47 °C with the server off, which no room has",
        ),
        (Bmc(inlet="cool"), "the intake sensor reads 'cool'"),
        (Bmc(inlet=True), "the intake sensor reads True"),
        (Bmc(thermal="none"), "the chassis has no intake sensor"),
    ],
    ids=["null", "null in the new tree", "absent", "-47", "text", "bool", "no sensor"],
)
def test_a_temperature_that_is_none_is_unknown_with_its_reason(
    reach: Open, bmc: Bmc, reason: str
) -> None:
    assert reach(bmc).inventory(server()).inlet_celsius == Unknown(reason)


def test_memory_of_null_or_zero_is_unknown_not_zero(reach: Open) -> None:
    assert reach(Bmc(memory_gib=None)).inventory(server()).memory_gib == Unknown("not told")
    told = reach(Bmc(memory_gib=0)).inventory(server()).memory_gib
    assert told == Unknown("the BMC says 0")


def test_a_part_that_cannot_be_read_is_unknown_and_the_rest_is_there(reach: Open) -> None:
    bmc = Bmc(fault="invalid", fault_at="Storage")
    told = reach(bmc).inventory(server())
    assert isinstance(told.disks, Unknown) and "no JSON" in told.disks.reason
    assert told.serial == "SN-CMP-01"
    assert told.inlet_celsius == 23
