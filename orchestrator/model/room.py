"""The machine room layer: rooms, racks, the power chain, cooling, sensors.

Words are NetBox's where it has one (power panel, power feed, rack, rack unit).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Final

from annotated_types import Interval

from orchestrator.model.units import (
    NOWHERE,
    Name,
    NaturalInt,
    PositiveFloat,
    PositiveInt,
    SecretRef,
    Source,
    Text,
    Watts,
)

BREAKER_DERATING = 0.8
"""Part of a breaker's rating that may be drawn continuously (docs/decisions/0007)."""


UPS_MARGIN: Final = 1.1
"""A UPS is rated for 1.1 times its load (GB 50174-2017, UPS sizing E >= 1.1 P)."""

COOLING_COEFFICIENT: Final = 3.0
"""Watts of heat removed for a watt of electricity, where a unit does not say its own."""


OPEN_AISLE_WATTS: Final = 4000
"""Heat of a rack above which its aisle is to be closed off (GB 50174-2017, layout)."""

STANDARD_GRAVITY: Final = 9.80665
EMPTY_RACK_KG: Final = 120
"""An empty 42 U rack of 600 x 1200 mm with doors; makers give 100 to 140 kg."""


class RoomGrade(StrEnum):
    """Grade of an electronic information system room, GB 50174-2017 chapter 3."""

    A = "A"
    B = "B"
    C = "C"


class Side(StrEnum):
    """One of the two independent power paths of a room."""

    A = "A"
    B = "B"


class PowerSourceKind(StrEnum):
    """What a power source is."""

    UTILITY = "utility"
    TRANSFORMER = "transformer"
    GENERATOR = "generator"


class SensorKind(StrEnum):
    """What a sensor measures or reports."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    LEAK = "leak"
    SMOKE = "smoke"
    DOOR = "door"


class SnmpVersion(StrEnum):
    """Versions of SNMP that are spoken."""

    V2C = "v2c"
    V3 = "v3"
    """With SHA-256 and AES-128, always both."""


SNMP_COMMUNITY: Final = SecretRef("secret://room/snmp-community")
SNMP_AUTHENTICATION: Final = SecretRef("secret://room/snmp-authentication")
SNMP_PRIVACY: Final = SecretRef("secret://room/snmp-privacy")


@dataclass(frozen=True, kw_only=True, slots=True)
class SnmpLogin:
    """How to log in to a room's PDUs, UPSs and sensors; which secrets count, the version says."""

    version: SnmpVersion = SnmpVersion.V2C
    community: SecretRef = SNMP_COMMUNITY
    user: str = "orchestrator"
    authentication: SecretRef = SNMP_AUTHENTICATION
    privacy: SecretRef = SNMP_PRIVACY


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineRoom:
    """One room with one grade."""

    name: Name
    region: Name
    display: Text
    grade: RoomGrade
    area_m2: PositiveFloat
    clear_height_m: PositiveFloat
    floor_load_kn_m2: PositiveFloat
    suppression: str = "clean-agent"
    detector_sets: NaturalInt = 2
    closed_aisles: tuple[str, ...] | None = None
    """Rows whose cold or hot aisle is closed off; none where the site does not say it."""
    snmp: SnmpLogin = field(default_factory=SnmpLogin)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerSource:
    """A utility line, a transformer or a generator."""

    name: Name
    room: Name
    kind: PowerSourceKind
    side: Side | None = None
    capacity_watts: PositiveInt
    fed_by: tuple[Name, ...] = ()
    fuel_hours: NaturalInt | None = None
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ups:
    """An uninterruptible power supply, feeding one side."""

    name: Name
    room: Name
    side: Side
    capacity_watts: PositiveInt
    battery_minutes: NaturalInt
    fed_by: tuple[Name, ...]
    model: str = ""
    address: IPv4Address | IPv6Address | None = None
    low_battery_minutes: PositiveInt | None = None
    """Minutes left at which it calls its battery low; kept on it where it is declared."""
    audible_alarm: bool | None = None
    """Whether it sounds its alarm; kept on it where it is declared."""
    efficiency_percent: Annotated[int, Interval(ge=50, le=100)] = 95
    """Part of what goes in that comes out; the rest is heat in the room."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerPanel:
    """A distribution panel between a UPS and the racks of a row (列头柜)."""

    name: Name
    room: Name
    side: Side
    capacity_watts: PositiveInt
    fed_by: tuple[Name, ...]
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoolingUnit:
    """An air handler with the heat it can remove."""

    name: Name
    room: Name
    capacity_watts: PositiveInt
    row: str | None = None
    fed_by: tuple[Name, ...] = ()
    """Panels or sources that it draws from; none where its supply is not part of the site."""
    input_watts: PositiveInt | None = None
    """Electricity at full load; a third of the heat where it is not said."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerFeed:
    """A circuit from a panel to a rack."""

    side: Side
    panel: Name
    volts: PositiveInt = 230
    amperes: PositiveInt = 32
    phases: PositiveInt = 1
    phase: Annotated[int, Interval(ge=1, le=3)] | None = None
    """Of a single-phase feed: which of the panel's three phases it hangs on."""

    @property
    def breaker_watts(self) -> Watts:
        """Return what the breaker is rated for, in watts; beyond it, it trips."""
        return Watts(int(self._rated_watts))

    @property
    def usable_watts(self) -> Watts:
        """Return what may be drawn continuously, in watts: the breaker's rating, derated."""
        return Watts(int(self._rated_watts * BREAKER_DERATING))

    @property
    def _rated_watts(self) -> float:
        return self.volts * self.amperes * (3**0.5 if self.phases == 3 else 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pdu:
    """A power strip in a rack, on one side."""

    name: Name
    side: Side
    model: str
    outlets: PositiveInt
    address: IPv4Address | IPv6Address | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rack:
    """A rack with its limits and its two feeds."""

    name: Name
    room: Name
    row: str
    position: PositiveInt
    units: PositiveInt = 42
    max_watts: PositiveInt
    max_weight_kg: PositiveInt
    feeds: tuple[PowerFeed, ...]
    pdus: tuple[Pdu, ...] = ()
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """A sensor bound to a room, and to a rack where it sits in one."""

    name: Name
    room: Name
    kind: SensorKind
    rack: Name | None = None
    address: IPv4Address | IPv6Address | None = None
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLayer:
    """Everything of the machine rooms."""

    rooms: tuple[MachineRoom, ...] = ()
    power_sources: tuple[PowerSource, ...] = ()
    ups: tuple[Ups, ...] = ()
    power_panels: tuple[PowerPanel, ...] = ()
    cooling_units: tuple[CoolingUnit, ...] = ()
    racks: tuple[Rack, ...] = ()
    sensors: tuple[Sensor, ...] = ()
