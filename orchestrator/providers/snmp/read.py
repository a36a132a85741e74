"""Read what devices measure: recognised by what they are, judged value by value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from orchestrator.model.readings import (
    DeviceFault,
    DeviceKind,
    DeviceReadings,
    FaultKind,
    Quantity,
    Reading,
    RoomDevice,
)
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.mibs import (
    ENTITY_SENSOR,
    ENTITY_SENSORS,
    ENTITY_TRUE,
    ENTITY_TRUTH,
    ENTITY_TYPES,
    ENTITY_UNITS_EXPONENT,
    FAMILIES,
    PHASES,
    PROBES,
    SYS_OBJECT_ID,
    Family,
    Metric,
    family_of,
    same_model,
)
from orchestrator.providers.snmp.values import Value
from orchestrator.providers.snmp.wire import Session, SnmpError, SnmpWire

EXPECTED = {
    DeviceKind.PDU: (Quantity.CURRENT,),
    DeviceKind.UPS: (Quantity.CHARGE, Quantity.RUNTIME),
}
"""What a device of a kind must give, or something is missing; a sensor, what it was declared as."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a device says that it is."""

    family: Family
    model: str


@dataclass(slots=True)
class Found:
    """What is collected of one device."""

    readings: list[Reading] = field(default_factory=list)
    faults: list[DeviceFault] = field(default_factory=list)

    def fault(self, kind: FaultKind, detail: str) -> None:
        """Note a fault."""
        self.faults.append(DeviceFault(kind=kind, detail=detail))


class SnmpRoomDevices:
    """The port `RoomDevices` over SNMP."""

    def __init__(self, access: SnmpAccess, wire: SnmpWire) -> None:
        """Speak with nobody yet."""
        self._access = access
        self._wire = wire

    def read(self, devices: Sequence[RoomDevice]) -> tuple[DeviceReadings, ...]:
        """Return what each device says, in order; a device that fails carries its own fault."""
        endpoints = [
            self._access.endpoint(device.name, address=str(device.address), login=device.login)
            for device in devices
        ]
        of_endpoint = dict(zip(map(id, endpoints), devices, strict=True))

        async def talk(session: Session) -> DeviceReadings:
            return await read_device(session, of_endpoint[id(session.endpoint)])

        return tuple(self._wire.each(endpoints, talk))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


async def identify(session: Session, kind: DeviceKind) -> Identity:
    """Return the driver that fits and the model that the device names.

    Raises:
        SnmpError: it does not answer, or is no device of the kind.
    """
    candidates = [family for family in FAMILIES if family.kind is kind]
    answers = await session.get([SYS_OBJECT_ID, *(family.model for family in candidates)])
    system_id = answers[SYS_OBJECT_ID]
    family = family_of(str(system_id), kind)
    if family is None:
        raise SnmpError(
            FaultKind.UNKNOWN_DEVICE,
            f"{session.endpoint.name} is no {kind.value} that we know: sysObjectID {system_id}",
        )
    return Identity(family=family, model=str(answers[family.model] or ""))


async def read_device(session: Session, device: RoomDevice) -> DeviceReadings:
    """Return what one device says; whatever fails is a fault in it."""
    found, identity = Found(), None
    try:
        identity = await identify(session, device.kind)
        if not same_model(device.model, identity.model):
            found.fault(
                FaultKind.OTHER_MODEL,
                f"declared as {device.model}, it says {identity.model or 'nothing'}",
            )
        if identity.family is ENTITY_SENSORS:
            await _read_entity_sensors(session, device, found)
        else:
            await _read_metrics(session, identity.family, device=device, found=found)
        _note_missing(device, found)
    except SnmpError as error:
        found.fault(error.kind, error.message)
    return DeviceReadings(
        device=device,
        family=identity.family.name if identity else "",
        found_model=identity.model if identity else "",
        readings=tuple(found.readings),
        faults=tuple(found.faults),
    )


async def _read_metrics(
    session: Session, family: Family, *, device: RoomDevice, found: Found
) -> None:
    singles = [metric for metric in family.metrics if not metric.rows]
    phases = [family.phases] if family.phases else []
    values = (
        await session.get([*(metric.oid for metric in singles), *phases])
        if singles or phases
        else {}
    )
    for metric in singles:
        _take(metric, values[metric.oid], index="", found=found)
    present = values.get(family.phases) if family.phases else None
    tables = sorted((metric for metric in family.metrics if metric.rows), key=lambda m: m.rows)
    for rows, together in groupby(tables, key=lambda metric: metric.rows):
        metrics = list(together)
        most = min(rows, device.outlets) if rows > PHASES and device.outlets else rows
        if rows == PHASES and isinstance(present, int) and 0 < present <= PHASES:
            # Behind its phases the table goes on with banks.
            most = present
        table = await session.columns([metric.oid for metric in metrics], most)
        for metric in metrics:
            for index, value in table[metric.oid].items():
                _take(metric, value, index=index, found=found)


def _take(metric: Metric, value: Value, *, index: str, found: Found) -> None:
    """Turn one answer into a reading, or into the fault that it is."""
    what = f"{metric.quantity.value} {index}".rstrip()
    if value is None or value in metric.absent:
        return
    if not isinstance(value, int):
        found.fault(FaultKind.WRONG_TYPE, f"{what} is no number: {value!r} ({metric.oid})")
        return
    number = float(value == metric.on) if metric.on is not None else round(value * metric.scale, 3)
    _judge(
        Reading(quantity=metric.quantity, value=number, index=index),
        metric.low,
        metric.high,
        found=found,
    )


def _judge(reading: Reading, low: float, high: float, *, found: Found) -> None:
    if low <= reading.value <= high:
        found.readings.append(reading)
        return
    what = f"{reading.quantity.value} {reading.index}".rstrip()
    found.fault(
        FaultKind.IMPLAUSIBLE, f"{what} {reading.value:g} is not between {low:g} and {high:g}"
    )


async def _read_entity_sensors(session: Session, device: RoomDevice, found: Found) -> None:
    """Read entPhySensorTable: type(1), scale(2), precision(3), value(4), status(5)."""
    columns = [f"{ENTITY_SENSOR}.{column}" for column in range(1, 6)]
    table = await session.columns(columns, PROBES)
    for index in table[columns[0]]:
        row = [table[column].get(index) for column in columns]
        numbers = [cell for cell in row if isinstance(cell, int)]
        if len(numbers) < len(row):
            found.fault(FaultKind.WRONG_TYPE, f"sensor {index} is not whole: {row}")
        elif numbers[4] != 1:
            found.fault(FaultKind.MISSING, f"sensor {index} is out of order (status {numbers[4]})")
        else:
            _take_entity(numbers, index, device=device, found=found)


def _take_entity(row: Sequence[int], index: str, *, device: RoomDevice, found: Found) -> None:
    kind, scale, precision, value, _ = row
    if kind == ENTITY_TRUTH and device.sensor is not None:
        state = float(value == ENTITY_TRUE)
        found.readings.append(Reading(quantity=device.sensor, value=state, index=index))
    elif kind in ENTITY_TYPES:
        quantity, low, high = ENTITY_TYPES[kind]
        number = value * 10.0 ** (3 * (scale - ENTITY_UNITS_EXPONENT) - precision)
        _judge(
            Reading(quantity=quantity, value=round(number, 3), index=index), low, high, found=found
        )


def _note_missing(device: RoomDevice, found: Found) -> None:
    expected: Iterable[Quantity] = EXPECTED.get(device.kind, ())
    if device.sensor is not None:
        expected = (device.sensor,)
    given = {reading.quantity for reading in found.readings}
    # A value that is wrong was said already.
    if found.faults and any(
        fault.kind in {FaultKind.WRONG_TYPE, FaultKind.IMPLAUSIBLE} for fault in found.faults
    ):
        return
    for quantity in expected:
        if quantity not in given:
            found.fault(FaultKind.MISSING, f"it gives no {quantity.value}")
