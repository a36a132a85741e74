"""The fronts of racks as a picture: units, machines by role, and bars of power and weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from orchestrator.cli.render.names import both
from orchestrator.cli.render.svg import (
    INK,
    anchored,
    box,
    cut,
    fill_color,
    hinted,
    label,
    picture,
)
from orchestrator.model.equipment import Equipment
from orchestrator.workflows.room import RackView, RoomView

UNIT: Final = 13.0
"""Height of a rack unit, in pixels."""
RACK: Final = 150.0
NUMBERS: Final = 20.0
"""Room for the unit numbers left of each rack."""
GAP: Final = 14.0
MARGIN: Final = 24.0
HEADING: Final = 30.0
FOOT: Final = 64.0
"""Room for the bars below a rack."""
RACKS_A_LINE: Final = 12

ROLE_COLORS: Final = {
    "control": "#f3c9a5",
    "compute": "#b9d7f2",
    "storage": "#c5e4c3",
    "database": "#e3c6ea",
    "backup": "#d9d3c3",
    "network": "#f6e3a1",
    "leaf": "#9fd8d6",
    "spine": "#7fc4c9",
    "out-of-band": "#d5dbe1",
    "firewall": "#f2b1ab",
    "router": "#a9bdf0",
    "gatekeeper": "#e79fb5",
}
OTHER_COLOR: Final = "#e8e8e8"


@dataclass(frozen=True, slots=True)
class _Line:
    """Racks that stand beside each other in the picture."""

    title: str
    racks: tuple[RackView, ...]

    @property
    def units(self) -> int:
        """Return the units of the tallest rack."""
        return max((view.rack.units for view in self.racks), default=0)

    @property
    def height(self) -> float:
        """Return the height with title and bars, in pixels."""
        return HEADING + 16 + self.units * UNIT + FOOT


def racks_svg(rooms: Sequence[RoomView]) -> str:
    """Return the fronts of all racks of the rooms, up to twelve a line."""
    lines = list(_lines(rooms))
    widest = max((len(line.racks) for line in lines), default=1)
    width = 2 * MARGIN + max(widest, 4) * (NUMBERS + RACK + GAP)
    roles = sorted({each.role for line in lines for view in line.racks for each in view.equipment})
    parts, y = list(_legend(roles)), MARGIN + HEADING
    for line in lines:
        parts += _line(line, y)
        y += line.height
    return picture(width, y + MARGIN, title="Rack elevations", parts=parts)


def _lines(rooms: Sequence[RoomView]) -> Iterator[_Line]:
    for view in rooms:
        row: list[RackView] = []
        for _, group in groupby(view.racks, key=lambda each: each.rack.row):
            racks = list(group)
            if row and len(row) + len(racks) > RACKS_A_LINE:
                yield _titled(view, row)
                row = []
            row += racks
            while len(row) > RACKS_A_LINE:
                yield _titled(view, row[:RACKS_A_LINE])
                row = row[RACKS_A_LINE:]
        if row:
            yield _titled(view, row)


def _titled(view: RoomView, racks: Sequence[RackView]) -> _Line:
    rows = ", ".join(dict.fromkeys(each.rack.row for each in racks))
    title = f"{view.room.name}  {both(view.room.display)}, grade {view.room.grade}, row {rows}"
    return _Line(title, tuple(racks))


def _legend(roles: Sequence[str]) -> Iterator[str]:
    x = MARGIN
    for role in roles:
        yield box(x, MARGIN - 8, 14, 12, fill=ROLE_COLORS.get(role, OTHER_COLOR))
        yield label(x + 18, MARGIN + 2, role)
        x += 18 + 6.5 * len(role) + 16


def _line(line: _Line, y: float) -> Iterator[str]:
    yield label(MARGIN, y + 16, line.title, size=14)
    top = y + HEADING + 16
    for place, view in enumerate(line.racks):
        x = MARGIN + NUMBERS + place * (NUMBERS + RACK + GAP)
        # Racks stand on one floor, whatever their height.
        yield from _rack(view, x, top + (line.units - view.rack.units) * UNIT)


def _rack(view: RackView, x: float, top: float) -> Iterator[str]:
    units = view.rack.units
    yield label(x, top - 6, cut(view.rack.name, width=RACK, size=12), size=12)
    yield box(x, top, RACK, units * UNIT, fill="#f7f8fa", stroke=INK)
    for unit in range(1, units + 1):
        y = top + (units - unit) * UNIT
        yield anchored(x - 4, y + UNIT - 3, str(unit), anchor="end", size=8)
        yield box(x, y, RACK, UNIT, stroke="#e6e9ed")
    for machine in view.equipment:
        yield _machine(machine, x, top + (units - machine.top_unit) * UNIT)
    yield from _bars(view, x, top + units * UNIT + 8)


def _machine(machine: Equipment, x: float, y: float) -> str:
    height = machine.height_units * UNIT
    shape = box(
        x + 2,
        y + 1,
        RACK - 4,
        height - 2,
        fill=ROLE_COLORS.get(machine.role, OTHER_COLOR),
        stroke="#8793a0",
    )
    shape += label(x + 7, y + height / 2 + 3.5, cut(machine.name, width=RACK - 14, size=10))
    hint = (
        f"{machine.name}: {machine.role}, unit {machine.unit}, {machine.height_units} U, "
        f"{machine.watts:,} W, {machine.weight_kg:g} kg"
    )
    return hinted(shape, hint)


def _bars(view: RackView, x: float, y: float) -> Iterator[str]:
    tightest = f"{view.watts:,} / {view.rack.max_watts:,} W"
    yield from _bar(x, y, part=view.power_fill, text=f"{tightest}  {view.power_fill:.0%}")
    weight = f"{view.weight_kg:,.0f} / {view.rack.max_weight_kg:,} kg"
    yield from _bar(x, y + 26, part=view.weight_fill, text=f"{weight}  {view.weight_fill:.0%}")


def _bar(x: float, y: float, *, part: float, text: str) -> Iterator[str]:
    yield box(x, y, RACK, 7, fill="#eceff2")
    yield box(x, y, RACK * min(1.0, part), 7, fill=fill_color(part), stroke="none")
    yield label(x, y + 17, text, size=9)
