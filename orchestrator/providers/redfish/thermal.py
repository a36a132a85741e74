"""The temperature of the air that a server takes in, from either of Redfish's two thermal trees.

Only the `Intake` context counts: what a processor or an exhaust reads says nothing of the room. A
reading that cannot be one is unknown, with what was read as the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.model.inventory import PowerState, Unknown
from orchestrator.providers.redfish.answers import Resource
from orchestrator.providers.redfish.client import Conversation

LOWEST_CELSIUS, HIGHEST_CELSIUS = -20.0, 80.0
"""No machine room is outside. Servers that are off were seen to tell -47
(bb-Ricardo/check_redfish#73)."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One intake sensor, as the BMC wrote it."""

    reading: object
    state: object


def inlet_celsius(
    talk: Conversation, chassis: Resource | Unknown, power: PowerState | Unknown
) -> float | Unknown:
    """Return the warmest intake of the chassis, in degrees Celsius."""
    if isinstance(chassis, Unknown):
        return Unknown(f"chassis: {chassis.reason}")
    reasons = []
    for told in _intakes(talk, chassis):
        judged = [_judge(one, power) for one in told]
        known = [one for one in judged if not isinstance(one, Unknown)]
        if known:
            return max(known)
        reasons += [one.reason for one in judged if isinstance(one, Unknown)]
    return Unknown(reasons[0] if reasons else "the chassis has no intake sensor")


def _intakes(talk: Conversation, chassis: Resource) -> Iterator[list[_Told]]:
    """Yield the intake sensors of the newer tree, and then, if it is asked for, of the older."""
    if chassis.get("ThermalSubsystem"):
        subsystem = talk.follow(chassis["ThermalSubsystem"])
        if subsystem.get("ThermalMetrics"):
            yield list(_of_metrics(talk.follow(subsystem["ThermalMetrics"])))
    if chassis.get("Thermal"):
        sensors = talk.follow(chassis["Thermal"]).get("Temperatures") or ()
        yield [_Told(one.get("ReadingCelsius"), _state(one)) for one in sensors if _is_intake(one)]


def _of_metrics(metrics: Resource) -> Iterator[_Told]:
    summary = metrics.get("TemperatureSummaryCelsius")
    intake = summary.get("Intake") if isinstance(summary, Mapping) else None
    if isinstance(intake, Mapping):
        yield _Told(intake.get("Reading"), _state(intake))
    for one in metrics.get("TemperatureReadingsCelsius") or ():
        if _is_intake(one):
            yield _Told(one.get("Reading"), _state(one))


def _judge(told: _Told, power: PowerState | Unknown) -> float | Unknown:
    if told.state not in {None, "Enabled"}:
        return Unknown(f"the intake sensor is {told.state}")
    reading = told.reading
    if isinstance(reading, bool) or not isinstance(reading, int | float):
        return Unknown(f"the intake sensor reads {'null' if reading is None else repr(reading)}")
    if not LOWEST_CELSIUS <= reading <= HIGHEST_CELSIUS:
        off = " with the server off" if power is PowerState.OFF else ""
        return Unknown(f"the intake sensor reads {reading:g} °C{off}, which no room has")
    return float(reading)


def _is_intake(sensor: object) -> bool:
    return isinstance(sensor, Mapping) and sensor.get("PhysicalContext") == "Intake"


def _state(sensor: Resource) -> object:
    status = sensor.get("Status")
    return status.get("State") if isinstance(status, Mapping) else None
