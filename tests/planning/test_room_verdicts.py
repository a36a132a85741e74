"""A room's rules, judged by readings that are made up here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.model.readings import (
    DeviceFault,
    DeviceKind,
    DeviceReadings,
    FaultKind,
    Quantity,
    Reading,
    dew_point_celsius,
)
from orchestrator.model.site import Site
from orchestrator.model.verdict import Verdict
from orchestrator.planning.room_devices import SPARE, outlet_names, room_devices
from orchestrator.planning.room_slice import room_slice
from orchestrator.planning.room_verdicts import MANUAL, RULES, judge_rooms
from orchestrator.spec.load import load_site

CITY = Path(__file__).parents[2] / "inventory" / "yangzhou"
ROOM = "city-hall-1"

USUAL = {
    DeviceKind.PDU: {Quantity.CURRENT: 6.5},
    DeviceKind.UPS: {
        Quantity.RUNTIME: 30,
        Quantity.CHARGE: 100,
        Quantity.BATTERY_TEMPERATURE: 24,
        Quantity.POWER: 50_000,
    },
}
SENSORS = {
    Quantity.TEMPERATURE: {Quantity.TEMPERATURE: 22.0},
    Quantity.HUMIDITY: {Quantity.TEMPERATURE: 22.0, Quantity.HUMIDITY: 45},
    Quantity.LEAK: {Quantity.LEAK: 0},
    Quantity.SMOKE: {Quantity.SMOKE: 0},
    Quantity.DOOR: {Quantity.DOOR: 0},
}


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(CITY).site


@pytest.fixture
def readings(site: Site) -> dict[str, DeviceReadings]:
    found = {}
    for device in room_devices(site, [ROOM]):
        values = SENSORS[device.sensor] if device.sensor else USUAL[device.kind]
        found[device.name] = DeviceReadings(
            device=device,
            family="x",
            readings=tuple(Reading(quantity=q, value=v) for q, v in values.items()),
        )
    return found


def changed(
    readings: dict[str, DeviceReadings], name: str, **values: float
) -> dict[str, DeviceReadings]:
    """The same world, with one device's readings replaced; none of them: it is silent."""
    fault = DeviceFault(kind=FaultKind.SILENT, detail="no answer")
    given = tuple(
        Reading(quantity=Quantity(key.replace("_", " ")), value=v) for key, v in values.items()
    )
    found = replace(readings[name], readings=given, faults=() if given else (fault,))
    return {**readings, name: found}


def verdicts(site: Site, readings: dict[str, DeviceReadings]) -> dict[str, Verdict]:
    return {each.rule: each.verdict for each in judge_rooms(site, [*readings.values()])}


def test_a_quiet_room_passes_what_can_be_read_and_leaves_the_rest_to_people(
    site: Site, readings: dict[str, DeviceReadings]
) -> None:
    found = verdicts(site, readings)
    assert found == {rule.id: Verdict.PASS for rule in RULES} | dict.fromkeys(
        MANUAL, Verdict.MANUAL
    )


@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("city-temp-a1", {"temperature": 27.1}, "ENV-01"),
        ("city-temp-a1", {"temperature": 17.9}, "ENV-01"),
        ("city-humidity-a", {"temperature": 22, "humidity": 61}, "ENV-02"),
        # 22 degrees and 33 percent: a dew point of 5.1
        ("city-humidity-a", {"temperature": 22, "humidity": 33}, "ENV-02"),
        ("city-ups-1-a", {"battery_temperature": 31, "runtime": 30, "power": 1}, "ENV-06"),
        ("city-ups-1-a", {"battery_temperature": 24, "runtime": 14, "power": 1}, "PWR-06"),
        ("city-ups-1-a", {"battery_temperature": 24, "runtime": 15, "power": 163_637}, "PWR-07"),
        ("city-a01-pdu-a", {"current": 25.7}, "LOAD-01"),
        ("city-leak-1-1", {"leak": 1}, "WTR-01"),
        ("city-smoke-1-1", {"smoke": 1}, "FIR-01"),
        ("city-door-1", {"door": 1}, "8.1.1.2"),
    ],
)
def test_one_reading_beyond_its_limit_fails_its_rule_alone_and_is_named(
    site: Site, readings: dict[str, DeviceReadings], *, name: str, values: dict[str, float],
    rule: str,
) -> None:  # fmt: skip
    judged = judge_rooms(site, [*changed(readings, name, **values).values()])
    failed = {each.rule: each.devices for each in judged if each.verdict is Verdict.FAIL}
    assert failed == {rule: (name,)}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("city-temp-a1", {"ENV-01"}),
        ("city-humidity-a", {"ENV-02"}),
        ("city-ups-1-a", {"ENV-06", "PWR-06", "PWR-07"}),
        ("city-a01-pdu-a", {"LOAD-01"}),
        ("city-leak-1-1", {"WTR-01"}),
    ],
)
def test_a_silent_device_makes_its_rules_unknown_never_pass(
    site: Site, readings: dict[str, DeviceReadings], *, name: str, rules: set[str]
) -> None:
    found = verdicts(site, changed(readings, name))
    assert {r for r, v in found.items() if v is Verdict.UNKNOWN} == {*rules, "MON-01"}
    assert Verdict.FAIL not in found.values()


def test_a_failure_is_a_failure_even_where_another_device_is_silent(
    site: Site, readings: dict[str, DeviceReadings]
) -> None:
    hot = changed(changed(readings, "city-temp-a1"), "city-temp-a2", temperature=30)
    assert verdicts(site, hot)["ENV-01"] is Verdict.FAIL


def test_a_room_without_sensors_knows_nothing(
    site: Site, readings: dict[str, DeviceReadings]
) -> None:
    only = {name: each for name, each in readings.items() if each.device.sensor is None}
    found = verdicts(site, only)
    assert {found[rule] for rule in ("ENV-01", "ENV-02", "WTR-01", "FIR-01")} == {Verdict.UNKNOWN}


def test_another_model_than_declared_fails_the_monitoring(
    site: Site, readings: dict[str, DeviceReadings]
) -> None:
    name = "city-ups-1-a"
    fault = DeviceFault(kind=FaultKind.OTHER_MODEL, detail="")
    other = {**readings, name: replace(readings[name], faults=(fault,))}
    assert verdicts(site, other)["MON-01"] is Verdict.FAIL


@pytest.mark.parametrize(
    ("celsius", "humidity", "dew_point"),
    # Psychrometric tables over water (WMO), to a tenth.
    [(20, 50, 9.3), (25, 60, 16.7), (22, 45, 9.5), (30, 100, 30.0), (5, 80, 1.8)],
)
def test_dew_points_are_those_of_the_tables(
    celsius: float, humidity: float, dew_point: float
) -> None:
    assert dew_point_celsius(celsius, humidity) == pytest.approx(dew_point, abs=0.1)


@pytest.mark.parametrize("humidity", [0, -1, 101])
def test_no_dew_point_without_humidity(humidity: float) -> None:
    with pytest.raises(ValueError, match="humidity"):
        dew_point_celsius(20, humidity)


def test_outlets_are_named_from_the_bottom_up_on_both_sides(site: Site) -> None:
    rack = site.racks_by_name["city-a01"]
    servers = sorted(
        (server for server in site.hardware.servers if server.rack == rack.name),
        key=lambda server: server.unit,
    )
    names = outlet_names(site, rack)
    assert names["city-a01-pdu-a"] == names["city-a01-pdu-b"]
    assert list(names["city-a01-pdu-a"].values())[: len(servers)] == [s.name for s in servers]
    assert names["city-a01-pdu-a"][rack.pdus[0].outlets] == SPARE


def test_the_order_of_the_yaml_does_not_move_an_outlet(site: Site) -> None:
    backwards = replace(
        site,
        hardware=replace(site.hardware, servers=site.hardware.servers[::-1]),
        room=replace(site.room, racks=site.room.racks[::-1], sensors=site.room.sensors[::-1]),
    )
    assert room_slice(backwards, "city") == room_slice(site, "city")


def test_a_slice_holds_references_and_derated_thresholds(site: Site) -> None:
    pdu = next(pdu for pdu in room_slice(site, "gaoyou").pdus if pdu.name == "gaoyou-r1-pdu-a")
    assert (pdu.near_overload_amperes, pdu.overload_amperes) == (25, 32)
    assert pdu.login == {"version": "v2c", "community": "secret://room/snmp-community"}
