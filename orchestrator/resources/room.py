"""The devices of a machine room, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class PduArgs:
    """Inputs of a PDU."""

    name: str
    place: str
    address: str
    login: Mapping[str, str]
    outlets: Mapping[str, str]
    near_overload_amperes: int | None
    overload_amperes: int | None
    answers: bool = True


class Pdu(GovCloudResource[PduArgs]):
    """A rack's PDU, named and with its thresholds."""

    kind = "room:Pdu"


@dataclass(frozen=True, kw_only=True)
class UpsArgs:
    """Inputs of a UPS."""

    name: str
    place: str
    address: str
    login: Mapping[str, str]
    low_battery_minutes: int | None
    audible_alarm: str | None
    answers: bool = True


class Ups(GovCloudResource[UpsArgs]):
    """A UPS, named and with its threshold."""

    kind = "room:Ups"


@dataclass(frozen=True, kw_only=True)
class SensorArgs:
    """Inputs of a sensor."""

    name: str
    place: str
    address: str
    login: Mapping[str, str]
    answers: bool = True


class Sensor(GovCloudResource[SensorArgs]):
    """A sensor, named."""

    kind = "room:Sensor"
