"""What the standard SNMP tools see of the room layer, and change: Debian's snmpget and snmpset."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from orchestrator.spec.load import load_site
from tests.contract.test_room_apply import CITY, PDU, Town, town

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        shutil.which("snmpget") is None,
        reason="there is no snmpget here: run host-packages.sh as root (Debian package snmp)",
    ),
]
__all__ = ["town"]

ADDRESS = "10.80.32.11"
UPS_ADDRESS = "10.80.35.11"
SYS_NAME, SYS_LOCATION = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"
NEAR_OVERLOAD = "1.3.6.1.4.1.318.1.1.12.2.2.1.1.3.1"
"""rPDULoadPhaseConfigNearOverloadThreshold of phase 1."""
OUTLET_1 = "1.3.6.1.4.1.318.1.1.12.3.4.1.1.2.1"
LOW_BATTERY = "1.3.6.1.2.1.33.1.9.7.0"


def tool(town: Town, program: str, *arguments: str, address: str = ADDRESS) -> str:
    """Run one of the tools against a device of the town; return the values, one a line."""
    reached = town.endpoints["snmp"][address]
    place = f"udp:{reached['host']}:{reached['port']}"
    options = ["-v2c", "-c", str(reached["community"]), "-On", "-Oqv", "-t", "2", "-r", "1"]
    done = subprocess.run(
        [program, *options, place, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seen(town: Town, *oids: str, address: str = ADDRESS) -> list[str]:
    told = tool(town, "snmpget", *oids, address=address)
    return [line.strip('"') for line in told.splitlines()]


def test_snmpget_shows_what_is_declared(town: Town) -> None:
    site = load_site(CITY).site
    rack = next(each for each in site.room.racks if each.name == "gaoyou-r1")
    lowest = min(
        (each for each in site.hardware.servers if each.rack == rack.name),
        key=lambda each: each.unit,
    )
    usable = str(int(rack.feeds[0].amperes * 0.8))
    assert seen(town, SYS_NAME, SYS_LOCATION, OUTLET_1, NEAR_OVERLOAD) == [
        PDU, "gaoyou-r1", lowest.name, usable,
    ]  # fmt: skip
    ups = next(each for each in site.room.ups if str(each.address) == UPS_ADDRESS)
    assert seen(town, SYS_NAME, LOW_BATTERY, address=UPS_ADDRESS) == [
        ups.name, str(ups.low_battery_minutes),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("oid", "kind", "value", "path", "address"),
    [
        (NEAR_OVERLOAD, "i", "31", "near_overload_amperes", ADDRESS),
        (SYS_LOCATION, "s", "the cellar", "place", ADDRESS),
        (LOW_BATTERY, "i", "9", "low_battery_minutes", UPS_ADDRESS),
    ],
)
def test_what_snmpset_changes_is_drift_and_is_put_right(
    town: Town, oid: str, kind: str, value: str, path: str, address: str
) -> None:
    declared = seen(town, oid, address=address)
    tool(town, "snmpset", oid, kind, value, address=address)
    assert seen(town, oid, address=address) == [value]

    (drift,) = json.loads(town.run("drift", "-o", "json").stdout)["drifts"]
    assert [each["path"] for each in drift["attributes"]] == [path]
    assert town.run("plan", "--detailed-exitcode").exit_code == 2

    mended = town.run("apply", "--yes")
    assert mended.exit_code == 0, mended.output
    assert seen(town, oid, address=address) == declared
    assert town.run("plan", "--detailed-exitcode").exit_code == 0


def test_measured_power_takes_the_place_of_nameplates_and_a_silent_pdu_keeps_them(
    town: Town,
) -> None:
    arguments = (
        "room",
        "show",
        "gaoyou-room",
        "--measured",
        "-o",
        "json",
        "--site",
        str(town.site),
    )
    [room] = json.loads(town.run_words(*arguments).stdout)
    racks = {each["rack"]: each for each in room["racks"]}
    assert room["measured"]["racks"] == sorted(racks)
    assert 0 < racks["gaoyou-r1"]["watts"]

    known = town.endpoints["snmp"][ADDRESS]
    town.endpoints["snmp"][ADDRESS] = {"host": "127.0.0.1", "port": 9, "community": "x"}
    try:
        [room] = json.loads(town.run_words(*arguments).stdout)
        failed = town.run_words(
            "room", "fail", "gaoyou-ups-a", "--measured", "--site", str(town.site)
        )
    finally:
        town.endpoints["snmp"][ADDRESS] = known
    [kept] = room["measured"]["nameplate_kept"]
    assert kept["rack"] == "gaoyou-r1" and "did not answer" in kept["reason"]
    assert next(each for each in room["racks"] if each["rack"] == "gaoyou-r1")["watts"] > 1000
    assert f"Nameplate kept: gaoyou-r1: {PDU}" in failed.stdout
