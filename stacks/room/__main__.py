"""The devices of one region's machine rooms: named, placed, and with their thresholds."""

from orchestrator.model.physical_slices import PduSlice, RoomSlice, SensorSlice, UpsSlice
from orchestrator.resources.room import Pdu, PduArgs, Sensor, SensorArgs, Ups, UpsArgs
from orchestrator.resources.slice import read_slice


def declare_pdu(pdu: PduSlice) -> None:
    """Declare one PDU."""
    Pdu(
        f"pdu/{pdu.name}",
        PduArgs(
            name=pdu.name,
            place=pdu.place,
            address=pdu.address,
            login=pdu.login,
            outlets=pdu.outlets,
            near_overload_amperes=pdu.near_overload_amperes,
            overload_amperes=pdu.overload_amperes,
        ),
    )


def declare_ups(ups: UpsSlice) -> None:
    """Declare one UPS."""
    Ups(
        f"ups/{ups.name}",
        UpsArgs(
            name=ups.name,
            place=ups.place,
            address=ups.address,
            login=ups.login,
            low_battery_minutes=ups.low_battery_minutes,
            audible_alarm=ups.audible_alarm,
        ),
    )


def declare_sensor(sensor: SensorSlice) -> None:
    """Declare one sensor."""
    Sensor(
        f"sensor/{sensor.name}",
        SensorArgs(
            name=sensor.name, place=sensor.place, address=sensor.address, login=sensor.login
        ),
    )


here = read_slice(RoomSlice)
for each_pdu in here.pdus:
    declare_pdu(each_pdu)
for each_ups in here.ups:
    declare_ups(each_ups)
for each_sensor in here.sensors:
    declare_sensor(each_sensor)
