"""The machine room layer: rooms, racks, the power chain, cooling, sensors.

Words are NetBox's where it has one (power panel, power feed, rack, rack unit).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from orchestrator.model.units import (
    NOWHERE,
    Name,
    NaturalInt,
    PositiveFloat,
    PositiveInt,
    Source,
    Text,
    Watts,
)

BREAKER_DERATING = 0.8
"""Part of a breaker's rating that may be drawn continuously (docs/decisions/0007)."""


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
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerFeed:
    """A circuit from a panel to a rack."""

    side: Side
    panel: Name
    volts: PositiveInt = 230
    amperes: PositiveInt = 32
    phases: PositiveInt = 1

    @property
    def usable_watts(self) -> Watts:
        """Return what may be drawn continuously, in watts: the breaker's rating, derated."""
        line_factor = 3**0.5 if self.phases == 3 else 1.0
        return Watts(int(self.volts * self.amperes * line_factor * BREAKER_DERATING))


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
