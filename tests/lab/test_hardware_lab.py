"""Hardware over real Redfish: the lab's BMCs, looked at by our tool and by a plain client."""

import json
import subprocess
import time

import pytest

from orchestrator.spec.load import load_site
from tests.lab.plain_redfish import plain_get
from tests.lab.town import PROGRAM, Town

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def town(tmp_path_factory, town_lab):
    town = Town(tmp_path_factory.mktemp("towns") / "larch", town_lab, prefix="larch", number=9)
    town.bring_up_lab()
    return town


def hardware(town, *arguments):
    return subprocess.run(
        [PROGRAM, "hardware", *arguments, "--site", str(town.directory)],
        env=town.environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_sweep_finds_every_declared_server_with_its_serial_and_macs(town):
    swept = hardware(town, "sweep", "-o", "json")
    assert swept.returncode == 0, swept.stderr + swept.stdout
    found = {one["server"]: one["inventory"] for one in json.loads(swept.stdout)["servers"]}
    declared = load_site(town.directory).site.hardware.servers
    assert {name: one["serial"] for name, one in found.items()} == {
        server.name: server.serial for server in declared
    }
    for server in declared:
        told = {nic["mac"] for nic in found[server.name]["nics"]}
        assert told == {nic.mac for nic in server.nics}
        assert found[server.name]["inlet_celsius"] == 22


def test_another_serial_in_the_site_is_a_difference(town):
    text = (town.directory / "hardware.yaml").read_text()
    (town.directory / "hardware.yaml").write_text(text.replace("LARCH-STO-", "OTHER-STO-"))
    try:
        swept = hardware(town, "sweep", "--role", "storage", "-o", "json")
    finally:
        (town.directory / "hardware.yaml").write_text(text)
    assert swept.returncode == 2, swept.stderr + swept.stdout
    (difference,) = json.loads(swept.stdout)["profiles"]
    assert (difference["fact"], len(difference["servers"])) == ("serial", 2)


def test_power_that_is_switched_here_is_seen_by_a_plain_client(town):
    server = load_site(town.directory).site.hardware.servers[0]
    for act, state in (("on", "On"), ("off", "Off")):
        switched = hardware(town, "power", server.name, act, "--yes")
        assert switched.returncode == 0, switched.stderr
        assert plain_get(town, server)["PowerState"] == state


def test_the_lamp_and_the_next_boot_are_seen_by_a_plain_client(town):
    server = load_site(town.directory).site.hardware.servers[1]
    assert hardware(town, "led", server.name, "off").returncode == 0
    assert plain_get(town, server)["IndicatorLED"] == "Off"
    assert hardware(town, "led", server.name, "on").returncode == 0
    assert plain_get(town, server)["IndicatorLED"] == "Lit"
    assert hardware(town, "boot", server.name, "pxe", "--yes").returncode == 0
    assert plain_get(town, server)["Boot"]["BootSourceOverrideTarget"] == "Pxe"


def test_a_server_switched_off_by_hand_is_shown_as_off(town):
    server = load_site(town.directory).site.hardware.servers[2]
    assert hardware(town, "power", server.name, "on", "--yes").returncode == 0
    assert hardware(town, "power", server.name, "cycle", "--force", "--yes").returncode == 0
    assert hardware(town, "power", server.name, "off", "--force", "--yes").returncode == 0
    deadline = time.monotonic() + 10
    while plain_get(town, server)["PowerState"] != "Off":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert hardware(town, "power", server.name, "status").stdout == f"{server.name} is off.\n"
