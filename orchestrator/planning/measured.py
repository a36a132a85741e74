"""What racks really draw: measured at their PDUs, and put in the place of nameplates.

A rack counts as measured when every one of its PDUs is; its machines then share what was measured
in the proportion of their nameplates. A rack that is not keeps its nameplates, and the reason is
said. What cannot be a reading of that rack is refused by name: an idle meter must not make a room
look empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.model.equipment import Equipment
from orchestrator.model.readings import DeviceReadings, Quantity
from orchestrator.model.room import Pdu, PowerFeed, Rack

TRIPPING: Final = 1.45
"""Times its rating at which a breaker has tripped within the hour (IEC 60898-1, 8.6.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NameplateKept:
    """A rack that goes on counting by its nameplates, and why."""

    rack: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AboveNameplate:
    """A rack that draws more than everything declared in it may: something else hangs there."""

    rack: str
    measured_watts: int
    nameplate_watts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What machines draw by their racks' PDUs."""

    watts: Mapping[str, int]
    """By machine; one that is not here keeps its nameplate."""
    racks: tuple[str, ...]
    """Racks that were measured whole."""
    kept: tuple[NameplateKept, ...]
    above: tuple[AboveNameplate, ...]


def measure(
    racks_asked: Sequence[Rack],
    readings: Sequence[DeviceReadings],
    equipment: Mapping[str, Sequence[Equipment]],
) -> Measurement:
    """Return what those racks with machines draw, by what their PDUs said."""
    by_device = {each.device.name: each for each in readings}
    watts: dict[str, int] = {}
    racks: list[str] = []
    kept: list[NameplateKept] = []
    above: list[AboveNameplate] = []
    for rack in sorted(racks_asked, key=lambda each: each.name):
        machines = equipment.get(rack.name, ())
        nameplate = sum(machine.watts for machine in machines)
        if not nameplate:
            continue
        found = _rack_watts(rack, by_device)
        if isinstance(found, str):
            kept.append(NameplateKept(rack=rack.name, reason=found))
            continue
        racks.append(rack.name)
        watts |= {each.name: round(each.watts * found / nameplate) for each in machines}
        if found > nameplate:
            above.append(
                AboveNameplate(
                    rack=rack.name, measured_watts=round(found), nameplate_watts=nameplate
                )
            )
    return Measurement(watts=watts, racks=tuple(racks), kept=tuple(kept), above=tuple(above))


def _rack_watts(rack: Rack, readings: Mapping[str, DeviceReadings]) -> float | str:
    """Return what all PDUs of a rack give together, or why that is not known."""
    if not rack.pdus:
        return "it declares no PDU"
    unmetered = {feed.side for feed in rack.feeds} - {pdu.side for pdu in rack.pdus}
    if unmetered:
        return f"side {min(unmetered)} has no PDU"
    total = 0.0
    for pdu in rack.pdus:
        found = _pdu_watts(rack, pdu, readings.get(pdu.name))
        if isinstance(found, str):
            return f"{pdu.name}: {found}"
        total += found
    return total or "its PDUs measure 0 W, and machines are declared in it"


def _pdu_watts(rack: Rack, pdu: Pdu, read: DeviceReadings | None) -> float | str:
    if read is None:
        return "it has no address to ask"
    if read.faults:
        return read.faults[0].detail
    feed = next((feed for feed in rack.feeds if feed.side is pdu.side), None)
    if feed is None:
        return "its side has no feed"
    power = read.values(Quantity.POWER)
    currents = read.values(Quantity.CURRENT)
    if not power and not currents:
        return "it gives no current"
    # Some tell 0 W beside amperes, where the model has no meter for watts.
    watts = sum(power) or sum(_watts_of(feed, currents))
    if watts > feed.breaker_watts * TRIPPING:
        return (
            f"refused: {watts:,.0f} W, where the breaker of {feed.breaker_watts:,} W would have "
            "tripped"
        )
    return watts


def _watts_of(feed: PowerFeed, currents: Sequence[float]) -> Iterator[float]:
    """Yield watts for each phase's amperes: the power factor is taken as 1, the safe side."""
    volts = feed.volts / 3**0.5 if feed.phases == 3 else feed.volts
    return (amperes * volts for amperes in currents)
