"""What the vendors' MIBs say, as tables: which object holds what, in which unit, and who says so.

A device is recognised by its sysObjectID, never by the model that the site declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model.readings import DeviceKind, Quantity

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
SYS_LOCATION = "1.3.6.1.2.1.1.6.0"
"""SNMPv2-MIB (RFC 3418): the name and the place are read-write on every agent."""

PHASES = 3
PROBES = 8
"""Rows of a table of sensors that are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """An object that holds a reading."""

    quantity: Quantity
    oid: str
    """Of a single object with its `.0`, or of a table's column."""
    scale: float = 1.0
    """What one of the device's units is in ours."""
    low: float
    high: float
    """Beyond these the value is not one that the thing can have."""
    rows: int = 0
    """0: a single object; else a column, and how many rows it has at most."""
    absent: frozenset[int] = frozenset({-1})
    """What the device answers where it does not measure this."""
    on: int | None = None
    """For states and contacts: the value that means 1; every other means 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """An object that holds a limit; a column has one for each phase or bank."""

    name: str
    oid: str
    rows: int = 0
    words: tuple[str, ...] = ()
    """What the numbers from 1 on mean, where they are no quantity."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Devices that speak one MIB."""

    name: str
    kind: DeviceKind
    source: str
    system_ids: tuple[str, ...]
    """Subtrees of sysObjectID; empty: what answers with a generic agent's, of this kind."""
    model: str
    """The object that holds the model."""
    name_oids: tuple[str, ...] = (SYS_NAME,)
    """Where the device's own name is kept."""
    phases: str = ""
    """How many phases it has, where a table goes on behind them."""
    outlet_names: str = ""
    """Column of the outlets' names, read-write."""
    metrics: tuple[Metric, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


POWERNET = "PowerNet-MIB 4.4.1 (APC by Schneider Electric)"
RPDU = "1.3.6.1.4.1.318.1.1.12"
RPDU2 = "1.3.6.1.4.1.318.1.1.26"
UPS = "1.3.6.1.2.1.33.1"
ENTITY_SENSOR = "1.3.6.1.2.1.99.1.1.1"
GEIST = "1.3.6.1.4.1.21239.5.1"

APC_RPDU = Family(
    name="apc-rpdu",
    kind=DeviceKind.PDU,
    source=f"{POWERNET}, rPDU",
    # AP79xxB (.3.4.8 in the recording of an AP7902B) fills rPDU2 as well, but answers -1 there
    # for its power; rPDU is what all of the series have.
    system_ids=("1.3.6.1.4.1.318.1.3.4.4", "1.3.6.1.4.1.318.1.3.4.5", "1.3.6.1.4.1.318.1.3.4.8"),
    model=f"{RPDU}.1.5.0",  # rPDUIdentModelNumber
    name_oids=(f"{RPDU}.1.1.0", SYS_NAME),  # rPDUIdentName
    phases=f"{RPDU}.1.9.0",  # rPDUIdentDeviceNumPhases
    outlet_names=f"{RPDU}.3.4.1.1.2",  # rPDUOutletConfigOutletName
    metrics=(
        # rPDULoadStatusLoad: tenths of amperes. Its rows are phases first, then banks.
        Metric(
            quantity=Quantity.CURRENT, oid=f"{RPDU}.2.3.1.1.2", scale=0.1, low=0, high=200,
            rows=PHASES,
        ),
        # rPDUOutletStatusOutletState: on(1), off(2)
        Metric(quantity=Quantity.OUTLET, oid=f"{RPDU}.3.5.1.1.4", low=0, high=1, rows=48, on=1),
    ),
    thresholds=(
        Threshold(name="near_overload_amperes", oid=f"{RPDU}.2.2.1.1.3", rows=PHASES),
        Threshold(name="overload_amperes", oid=f"{RPDU}.2.2.1.1.4", rows=PHASES),
    ),
)  # fmt: skip

APC_RPDU2 = Family(
    name="apc-rpdu2",
    kind=DeviceKind.PDU,
    source=f"{POWERNET}, rPDU2",
    system_ids=("1.3.6.1.4.1.318.1.3.4.6",),
    model=f"{RPDU2}.2.1.8.1",  # rPDU2IdentModelNumber
    name_oids=(f"{RPDU2}.4.1.1.3.1", SYS_NAME),  # rPDU2DeviceConfigName
    outlet_names=f"{RPDU2}.9.2.1.1.3",  # rPDU2OutletSwitchedConfigName
    metrics=(
        # rPDU2PhaseStatusCurrent: tenths of amperes
        Metric(
            quantity=Quantity.CURRENT, oid=f"{RPDU2}.6.3.1.5", scale=0.1, low=0, high=200,
            rows=PHASES,
        ),
        # rPDU2DeviceStatusPower: hundredths of kilowatts
        Metric(
            quantity=Quantity.POWER, oid=f"{RPDU2}.4.3.1.5.1", scale=10, low=0, high=100_000
        ),
        # rPDU2OutletSwitchedStatusState: off(1), on(2)
        Metric(quantity=Quantity.OUTLET, oid=f"{RPDU2}.9.2.3.1.5", low=0, high=1, rows=48, on=2),
    ),
    thresholds=(
        # rPDU2PhaseConfigNearOverloadCurrentThreshold, ...OverloadCurrentThreshold: amperes
        Threshold(name="near_overload_amperes", oid=f"{RPDU2}.6.1.1.6", rows=PHASES),
        Threshold(name="overload_amperes", oid=f"{RPDU2}.6.1.1.7", rows=PHASES),
    ),
)  # fmt: skip

UPS_MIB = Family(
    name="ups-mib",
    kind=DeviceKind.UPS,
    source="UPS-MIB (RFC 1628)",
    # Standard: whatever is declared as a UPS and answers it.
    system_ids=(),
    model=f"{UPS}.1.2.0",  # upsIdentModel
    name_oids=(f"{UPS}.1.5.0", SYS_NAME),  # upsIdentName
    metrics=(
        # upsEstimatedChargeRemaining, upsEstimatedMinutesRemaining
        Metric(quantity=Quantity.CHARGE, oid=f"{UPS}.2.4.0", low=0, high=100),
        Metric(quantity=Quantity.RUNTIME, oid=f"{UPS}.2.3.0", low=0, high=10_000),
        # upsBatteryTemperature; 0 where a UPS has no such sensor is a real value, and stays one
        Metric(quantity=Quantity.BATTERY_TEMPERATURE, oid=f"{UPS}.2.7.0", low=-20, high=80),
        # upsOutputPercentLoad and upsOutputPower of each output line
        Metric(quantity=Quantity.LOAD, oid=f"{UPS}.4.4.1.5", low=0, high=200, rows=PHASES),
        Metric(quantity=Quantity.POWER, oid=f"{UPS}.4.4.1.4", low=0, high=2_000_000, rows=PHASES),
    ),
    thresholds=(
        # upsConfigLowBattTime: minutes
        Threshold(name="low_battery_minutes", oid=f"{UPS}.9.7.0"),
        # upsConfigAudibleStatus: disabled(1), enabled(2), muted(3)
        Threshold(name="audible_alarm", oid=f"{UPS}.9.8.0", words=("disabled", "enabled", "muted")),
    ),
)

GEIST_WATCHDOG = Family(
    name="geist",
    kind=DeviceKind.SENSOR,
    source="GEIST-V4-MIB (Geist, a Vertiv company)",
    system_ids=("1.3.6.1.4.1.21239",),
    model=f"{GEIST}.1.1.0",  # productTitle
    metrics=(
        # internalTempC: tenths of degrees; internalHumidity: percent
        Metric(quantity=Quantity.TEMPERATURE, oid=f"{GEIST}.2.1.5.1", scale=0.1, low=-20, high=80),
        Metric(quantity=Quantity.HUMIDITY, oid=f"{GEIST}.2.1.6.1", low=1, high=100),
    ),
)

ENTITY_SENSORS = Family(
    name="entity-sensor",
    kind=DeviceKind.SENSOR,
    source="ENTITY-SENSOR-MIB (RFC 3433)",
    system_ids=(),
    model="1.3.6.1.2.1.47.1.1.1.1.13.1",  # entPhysicalModelName (RFC 6933)
)
"""Its values carry their own type and scale, and are read by `entity_sensors`."""

FAMILIES = (APC_RPDU, APC_RPDU2, UPS_MIB, GEIST_WATCHDOG, ENTITY_SENSORS)

ENTITY_TYPES: Mapping[int, tuple[Quantity, float, float]] = {
    8: (Quantity.TEMPERATURE, -20, 80),
    9: (Quantity.HUMIDITY, 1, 100),
}
"""entPhySensorType celsius(8) and percentRH(9), with what they can be; truthvalue(12) is a contact,
and which one, the site says."""

ENTITY_TRUTH = 12
ENTITY_TRUE = 1
ENTITY_UNITS_EXPONENT = 9
"""entPhySensorScale units(9); each step is a factor of a thousand (milli is 8, kilo is 10)."""


def family_of(system_id: str, kind: DeviceKind) -> Family | None:
    """Return the driver for a sysObjectID: a vendor's own before a standard's."""
    for family in FAMILIES:
        if any(f"{system_id}.".startswith(f"{tree}.") for tree in family.system_ids):
            return family if family.kind is kind else None
    standard = (each for each in FAMILIES if each.kind is kind and not each.system_ids)
    return next(standard, None)


def same_model(declared: str, found: str) -> bool:
    """Say whether two spellings mean one model: `APC AP8641` is `AP8641`."""
    ours, theirs = _letters(declared), _letters(found)
    return not ours or (bool(theirs) and (theirs in ours or ours in theirs))


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
