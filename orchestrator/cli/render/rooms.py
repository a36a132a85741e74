"""What the devices of the machine rooms say: a table of verdicts, faults, and readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.readings import (
    UNITS,
    DeviceReadings,
    Quantity,
    Reading,
    RuleVerdict,
)
from orchestrator.model.units import Json
from orchestrator.model.verdict import Verdict
from orchestrator.workflows.observe_rooms import ObservedRooms

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.MANUAL: "dim",
}
MOST_NAMES = 4


def rooms_parts(observed: ObservedRooms, *, whole: bool) -> list[RenderableType]:
    """Return verdicts and faults; `whole` adds every device's readings."""
    rows = [_verdict_row(verdict, whole=whole) for verdict in observed.verdicts]
    parts: list[RenderableType] = [
        table(("Room", "Rule", "What", "Verdict", "Reading"), rows),
        Text(),
    ]
    faults = list(_fault_rows(observed.readings))
    if faults:
        parts += [table(("Device", "Address", "Fault", "Detail"), faults), Text()]
    if whole:
        parts += [table(("Device", "Place", "Model", "Readings"), _rows(observed)), Text()]
    parts.append(Text(_counts(observed), "bold"))
    return parts


def rooms_json(observed: ObservedRooms) -> dict[str, Json]:
    """Return the same facts."""
    return {
        "site": observed.site,
        "verdicts": [
            {
                "room": verdict.room,
                "rule": verdict.rule,
                "title": verdict.title,
                "verdict": verdict.verdict.value,
                "detail": verdict.detail,
                "devices": list(verdict.devices),
            }
            for verdict in observed.verdicts
        ],
        "devices": [_device_json(readings) for readings in observed.readings],
    }


def _device_json(readings: DeviceReadings) -> Json:
    device = readings.device
    return {
        "name": device.name,
        "kind": device.kind.value,
        "room": device.room,
        "place": device.place,
        "address": str(device.address),
        "driver": readings.family or None,
        "model": readings.found_model or None,
        "readings": [
            {
                "quantity": reading.quantity.value,
                "index": reading.index,
                "value": reading.value,
                "unit": UNITS[reading.quantity],
            }
            for reading in readings.readings
        ],
        "faults": [{"kind": fault.kind.value, "detail": fault.detail} for fault in readings.faults],
    }


def _verdict_row(verdict: RuleVerdict, *, whole: bool) -> tuple[Cell, ...]:
    named = verdict.devices if whole else verdict.devices[:MOST_NAMES]
    more = len(verdict.devices) - len(named)
    names = ", ".join(named) + (f" and {more} more" if more else "")
    return (
        verdict.room,
        verdict.rule,
        verdict.title,
        Text(verdict.verdict.value, _STYLES[verdict.verdict]),
        f"{verdict.detail}: {names}" if names else verdict.detail,
    )


def _fault_rows(readings: tuple[DeviceReadings, ...]) -> Iterator[tuple[Cell, ...]]:
    for each in readings:
        for fault in each.faults:
            address = str(each.device.address)
            yield each.device.name, address, Text(fault.kind.value, "yellow"), fault.detail


def _rows(observed: ObservedRooms) -> Iterator[tuple[Cell, ...]]:
    for each in observed.readings:
        shown = [_reading(r) for r in each.readings if r.quantity is not Quantity.OUTLET]
        outlets = each.values(Quantity.OUTLET)
        if outlets:
            shown.append(f"{int(sum(outlets))} of {len(outlets)} outlets on")
        yield each.device.name, each.device.place, each.found_model, ", ".join(shown)


def _reading(reading: Reading) -> str:
    what = f"{reading.quantity.value} {reading.index}".rstrip()
    return f"{what} {reading.value:g} {UNITS[reading.quantity]}".rstrip()


def _counts(observed: ObservedRooms) -> str:
    count = Counter(verdict.verdict for verdict in observed.verdicts)
    said = ", ".join(f"{count[verdict]} {verdict.value}" for verdict in Verdict)
    return f"{observed.site}: {plural(len(observed.readings), 'device')} read; {said}."
