"""By which power something was judged: what was measured, and what keeps its nameplate and why."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.model.units import Json
from orchestrator.planning.measured import Measurement

LISTED = 12
"""Racks that are named in a terminal; JSON has all."""


def measured_parts(
    measurement: Measurement | None, racks: Collection[str] | None = None
) -> list[RenderableType]:
    """Return what was measured, of these racks or of all; nothing where nobody asked for it."""
    if measurement is None:
        return []
    seen = _of(measurement, racks)
    parts: list[RenderableType] = [
        Text(),
        Text(f"Measured now: {plural(len(seen.racks), 'rack')}.", "bold"),
    ]
    parts += [
        Text(f"Nameplate kept: {one.rack}: {one.reason}", "yellow") for one in seen.kept[:LISTED]
    ]
    if len(seen.kept) > LISTED:
        parts.append(Text(f"Nameplate kept: {len(seen.kept) - LISTED} more racks.", "yellow"))
    parts += [
        Text(
            f"{one.rack} draws {one.measured_watts:,} W, more than the {one.nameplate_watts:,} W "
            "of all that is declared in it: something else hangs there.",
            "bold red",
        )
        for one in seen.above
    ]
    return parts


def measured_json(measurement: Measurement | None, racks: Collection[str] | None = None) -> Json:
    """Return the same facts; null where nobody asked for them."""
    if measurement is None:
        return None
    seen = _of(measurement, racks)
    return {
        "racks": [*seen.racks],
        "nameplate_kept": [{"rack": one.rack, "reason": one.reason} for one in seen.kept],
        "above_nameplate": [
            {
                "rack": one.rack,
                "measured_watts": one.measured_watts,
                "nameplate_watts": one.nameplate_watts,
            }
            for one in seen.above
        ],
    }


def _of(measurement: Measurement, racks: Collection[str] | None) -> Measurement:
    if racks is None:
        return measurement
    return Measurement(
        watts=measurement.watts,
        racks=tuple(name for name in measurement.racks if name in racks),
        kept=tuple(one for one in measurement.kept if one.rack in racks),
        above=tuple(one for one in measurement.above if one.rack in racks),
    )
