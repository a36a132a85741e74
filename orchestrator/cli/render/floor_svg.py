"""The floor plan as a picture: rows of racks by their fill, cooling units, sensors.

Positions come from rows and numbers, not from a survey: the plan is a scheme. An in-row cooling
unit stands at the end of its row; what has no place of its own stands along the wall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from orchestrator.cli.render.names import both
from orchestrator.cli.render.svg import (
    GOOD,
    INK,
    OVER,
    TIGHT,
    anchored,
    box,
    cut,
    fill_color,
    hinted,
    label,
    picture,
)
from orchestrator.model.room import CoolingUnit, Sensor, SensorKind
from orchestrator.workflows.room import RackView, RoomView

TILE: Final = 102.0
DEPTH: Final = 62.0
AISLE: Final = 34.0
MARGIN: Final = 24.0
HEADING: Final = 34.0
WALL: Final = 16.0
MARK: Final = 17.0
COOLING_COLOR: Final = "#cfe6f7"
SENSOR_COLORS: Final = {
    SensorKind.TEMPERATURE: ("T", "#c8372d"),
    SensorKind.HUMIDITY: ("H", "#2f6db5"),
    SensorKind.LEAK: ("L", "#1d8f8a"),
    SensorKind.SMOKE: ("S", "#6b4e9b"),
    SensorKind.DOOR: ("D", "#6b7785"),
}


def floor_svg(rooms: Sequence[RoomView]) -> str:
    """Return the floor plans of the rooms, one below the other."""
    tiles = [_row_length(view, row) for view in rooms for row in _rows(view)]
    width = 2 * (MARGIN + WALL) + max([8, *tiles]) * TILE + 40
    parts, y = list(_legend()), MARGIN + HEADING
    for view in rooms:
        height = _height(view)
        parts += _room(view, y, width=width - 2 * MARGIN)
        y += HEADING + height + MARGIN
    return picture(width, y, title="Floor plan", parts=parts)


def _rows(view: RoomView) -> dict[str, list[RackView]]:
    """Return the racks by row; a row may hold cooling units alone."""
    rows = {row: list(group) for row, group in groupby(view.racks, key=lambda each: each.rack.row)}
    for unit in view.cooling:
        if unit.row is not None:
            rows.setdefault(unit.row, [])
    return rows


def _row_length(view: RoomView, row: str) -> int:
    return len(_rows(view)[row]) + sum(unit.row == row for unit in view.cooling)


def _height(view: RoomView) -> float:
    """Return the height of a room between its walls: its rows, and a strip along the wall."""
    return WALL + len(_rows(view)) * (DEPTH + AISLE) + DEPTH


def _room(view: RoomView, y: float, *, width: float) -> Iterator[str]:
    room = view.room
    title = (
        f"{room.name}  {both(room.display)}, grade {room.grade}, {room.area_m2:g} m2; "
        f"{view.heat_watts:,.0f} W of heat, cooling {view.cooling_watts:,} W"
    )
    yield label(MARGIN, y + 18, title, size=14)
    top = y + HEADING
    yield box(MARGIN, top, width, _height(view), fill="#fbfcfd", stroke=INK)
    at_rack: dict[str, list[Sensor]] = {}
    for sensor in view.sensors:
        at_rack.setdefault(sensor.rack or "", []).append(sensor)
    row_y = top + WALL
    for row, racks in _rows(view).items():
        yield anchored(MARGIN + WALL + 6, row_y + DEPTH / 2 + 5, row, anchor="middle", size=16)
        x = MARGIN + WALL + 24
        for rack in racks:
            yield from _rack(rack, x, row_y, sensors=at_rack.get(rack.rack.name, ()))
            x += TILE
        for unit in view.cooling:
            if unit.row == row:
                yield _cooling(unit, x, row_y)
                x += TILE
        row_y += DEPTH + AISLE
    yield from _wall(view, row_y, at_rack.get("", ()))


def _wall(view: RoomView, y: float, sensors: Sequence[Sensor]) -> Iterator[str]:
    """Yield what stands nowhere in particular."""
    x = MARGIN + WALL + 24
    for unit in view.cooling:
        if unit.row is None:
            yield _cooling(unit, x, y - 14)
            x += TILE
    for sensor in sensors:
        yield _sensor(sensor, x, y + 6)
        x += MARK + 6


def _rack(view: RackView, x: float, y: float, *, sensors: Sequence[Sensor]) -> Iterator[str]:
    part = max(view.power_fill, view.weight_fill)
    color = fill_color(part)
    shape = box(x, y, TILE - 6, DEPTH, fill="#ffffff", stroke=INK)
    shape += box(x, y + DEPTH * (1 - min(1.0, part)), 9, DEPTH * min(1.0, part), fill=color)
    shape += label(x + 14, y + 16, cut(view.rack.name, width=TILE - 24, size=11), size=11)
    shape += label(x + 14, y + 31, f"{view.watts / 1000:.1f} kW  {part:.0%}", size=10)
    hint = (
        f"{view.rack.name}: {view.used_units} of {view.rack.units} U, {view.watts:,} of "
        f"{view.rack.max_watts:,} W, {view.weight_kg:,.0f} of {view.rack.max_weight_kg:,} kg"
    )
    yield hinted(shape, hint)
    for place, sensor in enumerate(sensors):
        yield _sensor(sensor, x + 14 + place * (MARK + 3), y + DEPTH - MARK - 4)


def _cooling(unit: CoolingUnit, x: float, y: float) -> str:
    shape = box(x, y, TILE - 6, DEPTH, fill=COOLING_COLOR, stroke="#4b88b5")
    # Units differ at the end of their names: cut from the front.
    name = cut(unit.name[::-1], width=TILE - 14, size=10)[::-1]
    shape += label(x + 6, y + 24, name)
    shape += label(x + 6, y + 40, f"{unit.capacity_watts / 1000:g} kW")
    return hinted(shape, f"{unit.name}: removes {unit.capacity_watts:,} W")


def _sensor(sensor: Sensor, x: float, y: float) -> str:
    return hinted(_mark(sensor.kind, x, y), f"{sensor.name}: {sensor.kind}")


def _mark(kind: SensorKind, x: float, y: float) -> str:
    letter, color = SENSOR_COLORS[kind]
    half = MARK / 2
    circle = f'<circle cx="{x + half:.1f}" cy="{y + half:.1f}" r="{half:.1f}" fill="{color}"/>'
    return circle + label(x + half - 3.5, y + half + 3.8, letter, size=10.5, fill="#ffffff")


def _legend() -> Iterator[str]:
    x = MARGIN
    for text, color in (
        ("under 90 % of a limit", GOOD),
        ("90 to 100 %", TIGHT),
        ("beyond a limit", OVER),
        ("cooling unit", COOLING_COLOR),
    ):
        yield box(x, MARGIN - 8, 14, 12, fill=color)
        yield label(x + 18, MARGIN + 2, text)
        x += 18 + 6.0 * len(text) + 14
    for kind in SENSOR_COLORS:
        yield _mark(kind, x, MARGIN - 10)
        yield label(x + 21, MARGIN + 2, kind.value)
        x += 21 + 6.0 * len(kind.value) + 14
