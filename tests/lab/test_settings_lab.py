"""Settings of metal from end to end: applied, seen by a plain client, changed, put right."""

import json
import subprocess
import time

import pytest

from orchestrator.spec.load import load_site
from tests.lab.plain_redfish import plain_get, plain_patch
from tests.lab.town import PROGRAM, Town

pytestmark = pytest.mark.lab

BIOS = {"ProcTurboMode": "Disabled", "AcPwrRcvryUserDelay": "90"}
SCOPE = ("--layer", "hardware")


def declare(layer):
    profile = next(one for one in layer["profiles"] if one["name"] == "compute-2u")
    profile |= {"bios": BIOS, "boot_order": ["pxe", "disk"], "asset_tag": True}


@pytest.fixture(scope="module")
def town(tmp_path_factory, town_lab):
    town = Town(tmp_path_factory.mktemp("towns") / "maple", town_lab, prefix="maple", number=10)
    town.edit("hardware.yaml", declare)
    town.bring_up_lab()
    applied = town.run("apply", "--yes", *SCOPE)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    return town


@pytest.fixture
def server(town):
    servers = load_site(town.directory).site.hardware.servers
    return next(one for one in servers if one.profile == "compute-2u")


def planned(town):
    done = town.run("plan", *SCOPE, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def hardware(town, *arguments):
    done = subprocess.run(
        [PROGRAM, "hardware", *arguments, *site_arguments(town)],
        env=town.environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def site_arguments(town):
    return ("--site", str(town.directory))


def test_only_servers_whose_profile_declares_something_have_settings(town):
    assert planned(town)["summary"]["unchanged"] == 5 + 3


def test_a_plain_client_sees_what_is_declared_and_the_second_plan_is_empty(town, server):
    system = plain_get(town, server)
    assert system["AssetTag"] == server.name
    assert system["Boot"]["BootOrder"] == ["Boot0002", "Boot0001", "Boot0003"]
    settings = plain_get(town, server, "/BIOS/Settings")["Attributes"]
    assert {name: str(settings[name]) for name in BIOS} == BIOS
    assert planned(town)["has_changes"] is False


def test_a_bios_waits_for_a_restart_and_the_plan_says_so_until_then(town, server):
    assert plain_get(town, server, "/BIOS")["Attributes"]["ProcTurboMode"] == "Enabled"
    assert plain_get(town, server)["PowerState"] == "Off"
    waiting = {one["name"]: one for one in planned(town)["awaiting_restart"]}
    assert waiting[f"server/{server.name}#settings"] == {
        "name": f"server/{server.name}#settings",
        "paths": ["bios.AcPwrRcvryUserDelay", "bios.ProcTurboMode"],
        "written": True,
    }
    assert "Pending until restart" in town.run("plan", *SCOPE).stdout

    hardware(town, "power", server.name, "on", "--yes")
    assert plain_get(town, server, "/BIOS")["Attributes"]["ProcTurboMode"] == "Disabled"
    assert plain_get(town, server, "/BIOS")["Attributes"]["AcPwrRcvryUserDelay"] == 90
    assert f"server/{server.name}#settings" not in {
        one["name"] for one in planned(town)["awaiting_restart"]
    }


def test_what_a_hand_changed_is_drift_and_is_put_right_without_a_restart(town, server):
    hardware(town, "power", server.name, "on", "--yes")
    plain_patch(town, server, "", {"AssetTag": "somebody's"})
    plain_patch(town, server, "/BIOS/Settings", {"Attributes": {"ProcTurboMode": "Enabled"}})
    hardware(town, "power", server.name, "cycle", "--force", "--yes")
    wait_until(lambda: plain_get(town, server, "/BIOS")["Attributes"]["ProcTurboMode"] == "Enabled")

    drifted = town.run("drift", *SCOPE, "-o", "json")
    (drift,) = json.loads(drifted.stdout)["drifts"]
    assert drift["name"] == f"server/{server.name}#settings"
    assert [one["path"] for one in drift["attributes"]] == ["asset_tag", "bios"]
    assert drift["attributes"][0]["new"] == "somebody's"

    assert town.run("apply", "--yes", *SCOPE).returncode == 0
    assert plain_get(town, server)["AssetTag"] == server.name
    assert plain_get(town, server, "/BIOS/Settings")["Attributes"]["ProcTurboMode"] == "Disabled"
    assert plain_get(town, server)["PowerState"] == "On"
    assert planned(town)["has_changes"] is False


def test_a_silent_bmc_is_unknown_and_the_rest_goes_on(town, server):
    endpoints = town.lab.settings.endpoints
    kept = endpoints.read_text()
    changed = json.loads(kept)
    changed["bmc"][str(server.bmc.address)]["url"] = "http://127.0.0.1:9"
    endpoints.write_text(json.dumps(changed))
    try:
        drifted = json.loads(town.run("drift", *SCOPE, "-o", "json").stdout)
    finally:
        endpoints.write_text(kept)
    settings = [one for one in drifted["drifts"] if one["name"].endswith("#settings")]
    assert [one["name"] for one in settings] == [f"server/{server.name}#settings"]
    (attribute,) = settings[0]["attributes"]
    assert attribute["path"] == "answers"
    assert "refuses the connection" in attribute["new"]


def test_an_image_goes_into_the_virtual_drive_and_out(town, server):
    served = json.loads(town.lab.settings.endpoints.read_text())
    url = served["bmc"][str(server.bmc.address)]["url"] + "/_files/boot.iso"
    hardware(town, "media", server.name, "insert", url, "--yes")
    assert plain_get(town, server, "/VirtualMedia/Cd")["Image"] == url
    assert plain_get(town, server, "/VirtualMedia/Cd")["Inserted"] is True
    hardware(town, "media", server.name, "eject", "--yes")
    assert plain_get(town, server, "/VirtualMedia/Cd")["Inserted"] is False


def wait_until(is_so, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
