"""What the devices of a machine room say of themselves, and what that means for its rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from orchestrator.model.room import SnmpLogin
from orchestrator.model.verdict import Verdict


class DeviceKind(StrEnum):
    """What a device with an SNMP agent is."""

    PDU = "pdu"
    UPS = "ups"
    SENSOR = "sensor"


class Quantity(StrEnum):
    """What is read; the unit is `UNITS`."""

    CURRENT = "current"
    POWER = "power"
    OUTLET = "outlet"
    CHARGE = "charge"
    RUNTIME = "runtime"
    LOAD = "load"
    BATTERY_TEMPERATURE = "battery temperature"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    LEAK = "leak"
    SMOKE = "smoke"
    DOOR = "door"


UNITS = {
    Quantity.CURRENT: "A",
    Quantity.POWER: "W",
    Quantity.OUTLET: "",
    Quantity.CHARGE: "%",
    Quantity.RUNTIME: "min",
    Quantity.LOAD: "%",
    Quantity.BATTERY_TEMPERATURE: "°C",
    Quantity.TEMPERATURE: "°C",
    Quantity.HUMIDITY: "%RH",
    Quantity.LEAK: "",
    Quantity.SMOKE: "",
    Quantity.DOOR: "",
}
"""Outlets and contacts are 1 (on; wet, smoke, open) or 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomDevice:
    """A declared device with an SNMP agent, and how to log in to it."""

    name: str
    kind: DeviceKind
    address: IPv4Address | IPv6Address
    model: str = ""
    """As declared; empty where the site does not say."""
    room: str = ""
    place: str = ""
    """The rack, or the room."""
    outlets: int = 0
    sensor: Quantity | None = None
    login: SnmpLogin = field(default_factory=SnmpLogin)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One value that a device gave."""

    quantity: Quantity
    value: float
    index: str = ""
    """Which phase, or which outlet."""


class FaultKind(StrEnum):
    """Why a device, or one value of it, could not be read."""

    SILENT = "silent"
    """No answer in time. A wrong community looks the same: agents do not answer it."""
    REFUSED = "refused"
    """It answered that the login or the request is refused."""
    UNKNOWN_DEVICE = "unknown device"
    OTHER_MODEL = "other model"
    MISSING = "missing value"
    WRONG_TYPE = "wrong type"
    IMPLAUSIBLE = "implausible value"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFault:
    """What is wrong with a device's answer."""

    kind: FaultKind
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceReadings:
    """What one device answered."""

    device: RoomDevice
    family: str = ""
    """The driver that its sysObjectID picked; empty where none fits or it is silent."""
    found_model: str = ""
    readings: tuple[Reading, ...] = ()
    faults: tuple[DeviceFault, ...] = ()

    def values(self, quantity: Quantity) -> tuple[float, ...]:
        """Return the device's values of one quantity."""
        return tuple(each.value for each in self.readings if each.quantity is quantity)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleVerdict:
    """One rule in one room, with the reading that decided."""

    rule: str
    """As in GB 50174's reading of this product, `ENV-01`."""
    title: str
    room: str
    verdict: Verdict
    detail: str
    """The reading and its limits, or what is missing."""
    devices: tuple[str, ...] = ()
    """Those that fail the rule, or could not be read."""


def dew_point_celsius(temperature_celsius: float, relative_humidity_percent: float) -> float:
    """Return the dew point of air, in °C, by the Magnus formula over water.

    Good to 0.4 K between -45 and 60 °C. Raises ValueError where there is no humidity.

    Source:
        Coefficients 17.62 and 243.12 °C: WMO-No. 8, Guide to Instruments and Methods of
        Observation, annex 4.B (also Sonntag 1990).
    """
    if not 0 < relative_humidity_percent <= 100:
        raise ValueError("relative humidity is over 0 and at most 100 percent")
    part = math.log(relative_humidity_percent / 100) + (
        17.62 * temperature_celsius / (243.12 + temperature_celsius)
    )
    return 243.12 * part / (17.62 - part)
