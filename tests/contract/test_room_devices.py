"""Room devices over SNMP, against the lab's agents: read, set up, broken in every declared way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lab.configs.snmp import SnmpContents
from orchestrator.lab.install import install_environment
from orchestrator.lab.settings import LabSettings, SnmpSpec, SnmpUser
from orchestrator.model.readings import DeviceKind, FaultKind, Quantity, RoomDevice
from orchestrator.model.room import SnmpLogin, SnmpVersion
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.kinds import PduKind, SensorKind, UpsKind, device_id
from orchestrator.providers.snmp.read import SnmpRoomDevices
from orchestrator.providers.snmp.wire import SnmpError, SnmpWire
from tests.contract.snmp_agents import Agents, running_agents

pytestmark = pytest.mark.lab

UPS = "1.3.6.1.2.1.33.1"
GEIST = "1.3.6.1.4.1.21239.5.1.2.1"
V3 = SnmpLogin(version=SnmpVersion.V3)
AP8641, AP7902B = "UPS/apc-8641.snmprec", "UPS/apc-7902b.snmprec"
GENERIC = ("1.3.6.1.2.1.1.2.0", "6", "1.3.6.1.4.1.8072.3.2.10")
SYSTEM = (GENERIC, ("1.3.6.1.2.1.1.5.0", "4", "x"), ("1.3.6.1.2.1.1.6.0", "4", ""))


class Secrets:
    def get(self, ref: SecretRef) -> Secret:
        return Secret(f"open-{ref.rpartition('/')[2]}")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("nothing is stored")


def ups(name: str, **values: tuple[str, str]) -> SnmpSpec:
    """A UPS that answers these columns of UPS-MIB, written `c2_4_0`."""
    own = tuple(
        (f"{UPS}.{column.removeprefix('c').replace('_', '.')}", *value)
        for column, value in values.items()
    )
    model = (f"{UPS}.1.2.0", "4", "Eaton 93E-20")
    named = (f"{UPS}.1.5.0", "4", "UPS")
    return SnmpSpec(name=name, address=ADDRESSES[name], values=(*SYSTEM, model, named, *own))


def entity(row: int, *columns: int) -> tuple[tuple[str, str, str], ...]:
    """A row of entPhySensorTable: type, scale, precision, value, status."""
    base = "1.3.6.1.2.1.99.1.1.1"
    return tuple((f"{base}.{c}.{row}", "2", str(v)) for c, v in enumerate(columns, 1))


NAMES = ("pdu2", "pdu1", "sensor", "ups", "wrong", "silly", "poor", "stranger", "leak", "gone")
ADDRESSES = {name: f"192.0.2.{number}" for number, name in enumerate(NAMES, 1)}
RECORDED = {"pdu2": AP8641, "pdu1": AP7902B, "sensor": "iot/geist-temperature-sensor.snmprec"}

DEVICES = (
    *(SnmpSpec(name=n, address=ADDRESSES[n], recording=file) for n, file in RECORDED.items()),
    ups(
        "ups", c2_3_0=("2", "31"), c2_4_0=("2", "97"), c2_7_0=("2", "24"), c9_7_0=("2", "2"),
        c9_8_0=("2", "2"),
    ),
    ups("wrong", c2_3_0=("4", "thirty"), c2_4_0=("2", "97")),
    ups("silly", c2_3_0=("2", "31"), c2_4_0=("2", "6553"), c2_7_0=("2", "-47")),
    ups("poor", c2_4_0=("2", "97"), c2_3_0=("2", "-1")),
    SnmpSpec(
        name="stranger",
        address=ADDRESSES["stranger"],
        values=(("1.3.6.1.2.1.1.2.0", "6", "1.3.6.1.4.1.21239.42.1.31"),),
    ),
    SnmpSpec(
        name="leak",
        address=ADDRESSES["leak"],
        values=(
            *SYSTEM,
            *entity(1, 12, 9, 0, 1, 1),
            # 23.46 degrees, in milli; and one that is out of order
            *entity(2, 8, 8, 0, 23460, 1),
            *entity(3, 8, 9, 0, 9, 3),
        ),
    ),
)  # fmt: skip
USER = SnmpUser(
    name="orchestrator",
    authentication=Secret("open-snmp-authentication"),
    privacy=Secret("open-snmp-privacy"),
)
CONTENTS = SnmpContents(devices=DEVICES, users=(USER,))


def device(name: str, kind: DeviceKind, **more: Any) -> RoomDevice:
    return RoomDevice(name=name, kind=kind, address=IPv4Address(ADDRESSES[name]), **more)


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory, lab_settings: LabSettings) -> Iterator[Agents]:
    install_environment(lab_settings.venv, watch=lambda step: None)
    folder = tmp_path_factory.mktemp("agents")
    with running_agents(folder, lab_settings.venv, CONTENTS) as running:
        yield running


@pytest.fixture
def wire() -> Iterator[SnmpWire]:
    opened = SnmpWire()
    yield opened
    opened.close()


@pytest.fixture
def access(agents: Agents) -> SnmpAccess:
    reached = dict(agents.endpoints["snmp"])
    # Nobody listens there.
    reached[ADDRESSES["gone"]] = {"host": "127.0.0.1", "port": 9, "community": "gone"}
    return SnmpAccess(endpoints={"snmp": reached}, secrets=Secrets())


def test_a_recorded_pdu_gives_amperes_power_and_outlets(access: SnmpAccess, wire: SnmpWire) -> None:
    (found,) = SnmpRoomDevices(access, wire).read(
        [device("pdu2", DeviceKind.PDU, model="APC AP8641", outlets=24)]
    )
    assert (found.family, found.found_model, found.faults) == ("apc-rpdu2", "AP8641", ())
    assert found.values(Quantity.CURRENT) == (6.5,)
    assert len(found.values(Quantity.OUTLET)) == 24


def test_the_older_mib_keeps_its_banks_out_of_the_phases(
    access: SnmpAccess, wire: SnmpWire
) -> None:
    (found,) = SnmpRoomDevices(access, wire).read(
        [device("pdu1", DeviceKind.PDU, model="APC AP7902B", outlets=16)]
    )
    assert found.family == "apc-rpdu"
    assert found.values(Quantity.CURRENT) == (1.6,)
    assert len(found.values(Quantity.OUTLET)) == 16


def test_a_geist_gives_degrees_and_humidity(access: SnmpAccess, wire: SnmpWire) -> None:
    (found,) = SnmpRoomDevices(access, wire).read(
        [device("sensor", DeviceKind.SENSOR, sensor=Quantity.TEMPERATURE)]
    )
    assert found.family == "geist"
    assert found.values(Quantity.TEMPERATURE) == (15.4,)
    assert found.values(Quantity.HUMIDITY) == (39,)


def test_entity_sensors_carry_their_own_scale_and_say_what_is_out_of_order(
    access: SnmpAccess, wire: SnmpWire
) -> None:
    (found,) = SnmpRoomDevices(access, wire).read(
        [device("leak", DeviceKind.SENSOR, sensor=Quantity.LEAK)]
    )
    assert found.values(Quantity.LEAK) == (1,)
    assert found.values(Quantity.TEMPERATURE) == (23.46,)
    assert [fault.kind for fault in found.faults] == [FaultKind.MISSING]


def test_version_three_reads_the_same_device(access: SnmpAccess, wire: SnmpWire) -> None:
    found = SnmpRoomDevices(access, wire).read(
        [device("ups", DeviceKind.UPS, login=login) for login in (SnmpLogin(), V3)]
    )
    assert [each.faults for each in found] == [(), ()]
    assert found[0].readings == found[1].readings
    assert found[0].values(Quantity.RUNTIME) == (31,)


def test_a_wrong_password_of_version_three_is_refused(agents: Agents, wire: SnmpWire) -> None:
    class Wrong(Secrets):
        def get(self, ref: SecretRef) -> Secret:
            return Secret("something-else")

    access = SnmpAccess(endpoints=agents.endpoints, secrets=Wrong())
    (found,) = SnmpRoomDevices(access, wire).read([device("ups", DeviceKind.UPS, login=V3)])
    assert [fault.kind for fault in found.faults] == [FaultKind.REFUSED]
    assert "something-else" not in str(found)


@pytest.mark.parametrize(
    ("name", "kind", "model", "faults"),
    [
        ("wrong", DeviceKind.UPS, "", [FaultKind.WRONG_TYPE]),
        ("silly", DeviceKind.UPS, "", [FaultKind.IMPLAUSIBLE, FaultKind.IMPLAUSIBLE]),
        ("poor", DeviceKind.UPS, "", [FaultKind.MISSING]),
        ("ups", DeviceKind.UPS, "Huawei UPS5000", [FaultKind.OTHER_MODEL]),
        ("stranger", DeviceKind.UPS, "", [FaultKind.UNKNOWN_DEVICE]),
        ("gone", DeviceKind.UPS, "", [FaultKind.SILENT]),
    ],
)
def test_each_broken_device_is_named_and_its_neighbour_is_read(
    access: SnmpAccess, wire: SnmpWire, *, name: str, kind: DeviceKind, model: str,
    faults: list[FaultKind],
) -> None:  # fmt: skip
    broken, neighbour = SnmpRoomDevices(access, wire).read(
        [device(name, kind, model=model), device("ups", DeviceKind.UPS)]
    )
    assert [fault.kind for fault in broken.faults] == faults
    assert neighbour.faults == ()
    assert neighbour.values(Quantity.CHARGE) == (97,)


def test_a_wrong_community_is_silence_and_says_so(agents: Agents, wire: SnmpWire) -> None:
    reached = {ADDRESSES["ups"]: {**agents.endpoints["snmp"][ADDRESSES["ups"]], "community": "x"}}
    access = SnmpAccess(endpoints={"snmp": reached}, secrets=Secrets())
    (found,) = SnmpRoomDevices(access, wire).read([device("ups", DeviceKind.UPS)])
    assert [fault.kind for fault in found.faults] == [FaultKind.SILENT]
    assert "community" in found.faults[0].detail


def inputs(name: str, **more: Json) -> dict[str, Json]:
    login: Json = {"version": "v2c", "community": "secret://room/snmp-community"}
    return {
        "name": name, "place": "r1", "address": ADDRESSES[name], "login": login, "answers": True,
        **more,
    }  # fmt: skip


def test_a_pdu_is_set_up_seen_as_declared_and_put_right(access: SnmpAccess, wire: SnmpWire) -> None:
    kind = PduKind(access, wire)
    names: Json = {str(number): f"server-{number}" for number in range(1, 25)}
    declared = inputs("pdu2", outlets=names, near_overload_amperes=19, overload_amperes=24)
    made = kind.create(declared)

    assert device_id(declared) == made.id and "secret" in made.id
    seen = kind.observe({made.id: declared})[made.id].properties
    assert {key: seen[key] for key in seen} == {k: v for k, v in declared.items() if k in seen}
    assert seen.keys() == declared.keys() - {"address", "login"}

    by_hand = {**declared, "overload_amperes": 30, "outlets": {**names, "3": "moved"}}
    kind.update(made, declared, by_hand)
    drifted = kind.observe({made.id: declared})[made.id].properties
    assert drifted["overload_amperes"] == 30
    assert drifted["outlets"] == {**names, "3": "moved"}

    kind.update(made, by_hand, declared)
    assert kind.observe({made.id: declared})[made.id].properties == seen


def test_more_outlets_in_the_site_are_read_and_named_though_fewer_were_recorded(
    access: SnmpAccess, wire: SnmpWire
) -> None:
    kind = PduKind(access, wire)
    few, more = ({str(n): f"s{n}" for n in range(1, last)} for last in (5, 9))
    old, new = inputs("pdu2", outlets=few), inputs("pdu2", outlets=more)
    made = kind.create(old)
    assert kind.observe({made.id: old})[made.id].properties["outlets"] == few
    kind.update(made, old, new)
    assert kind.observe({made.id: new})[made.id].properties["outlets"] == more


def test_an_alarm_that_a_hand_muted_is_told_in_words_and_put_right(
    access: SnmpAccess, wire: SnmpWire
) -> None:
    kind = UpsKind(access, wire)
    declared = inputs("ups", audible_alarm="enabled")
    made = kind.create(declared)
    assert kind.observe({made.id: declared})[made.id].properties["audible_alarm"] == "enabled"
    kind.update(made, declared, {**declared, "audible_alarm": "muted"})
    assert kind.observe({made.id: declared})[made.id].properties["audible_alarm"] == "muted"
    kind.update(made, declared, declared)
    assert kind.observe({made.id: declared})[made.id].properties["audible_alarm"] == "enabled"


def test_two_devices_keep_two_names(access: SnmpAccess, wire: SnmpWire) -> None:
    # snmpsim's own writecache shows one device's name on all others.
    made = {name: SensorKind(access, wire).create(inputs(name)).id for name in ("sensor", "leak")}
    seen = SensorKind(access, wire).observe({made[name]: inputs(name) for name in made})
    assert {name: seen[made[name]].properties["name"] for name in made} == {
        "sensor": "sensor", "leak": "leak",
    }  # fmt: skip


def test_a_ups_without_the_object_is_refused_by_name(access: SnmpAccess, wire: SnmpWire) -> None:
    kind = UpsKind(access, wire)
    kind.create(inputs("ups", low_battery_minutes=5))
    with pytest.raises(SnmpError, match="no object for low_battery_minutes"):
        kind.create(inputs("poor", low_battery_minutes=5))


def test_more_outlets_than_the_device_has_are_refused(access: SnmpAccess, wire: SnmpWire) -> None:
    names: Json = {str(number): "x" for number in range(1, 25)}
    with pytest.raises(SnmpError, match="16 outlets; declared are 24"):
        PduKind(access, wire).create(inputs("pdu1", outlets=names))


def test_a_silent_device_is_not_gone_and_does_not_hide_the_others(
    access: SnmpAccess, wire: SnmpWire
) -> None:
    kind = UpsKind(access, wire)
    ids = {name: device_id(inputs(name)) for name in ("ups", "gone")}
    kind.create(inputs("ups"))
    seen = kind.observe({ids[name]: inputs(name) for name in ids})
    assert seen[ids["gone"]].properties == {"answers": False}
    assert seen[ids["ups"]].properties["name"] == "ups"
    with pytest.raises(SnmpError, match=r"gone at .* did not answer"):
        kind.update(kind_made(ids["gone"]), inputs("gone"), inputs("gone"))


def kind_made(resource_id: str) -> Any:
    from orchestrator.ports.provider import Made

    return Made(id=resource_id, outputs={})


def test_what_is_written_outlives_a_restart_of_the_agents(
    tmp_path: Path, lab_settings: LabSettings
) -> None:
    contents = SnmpContents(devices=(ups("ups", c9_7_0=("2", "2")),))
    login: dict[str, Json] = inputs("ups", low_battery_minutes=7)
    for act in ("set", "look"):
        with running_agents(tmp_path, lab_settings.venv, contents) as agents:
            wire = SnmpWire()
            kind = UpsKind(SnmpAccess(endpoints=agents.endpoints, secrets=Secrets()), wire)
            if act == "set":
                kind.create(login)
            seen = kind.observe({device_id(login): login})[device_id(login)].properties
            wire.close()
    assert seen["answers"] is True, (tmp_path / "out.log").read_text()
    assert (seen["name"], seen["low_battery_minutes"]) == ("ups", 7)


def test_the_agents_stay_small(agents: Agents) -> None:
    assert agents.memory_mib < 150
