"""Machine rooms in a terminal: tables of racks, the elevation of one, and what a loss does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.measured import measured_json
from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.equipment import Equipment
from orchestrator.model.power_graph import GraphNode
from orchestrator.model.units import Json
from orchestrator.planning.measured import Measurement
from orchestrator.workflows.room import Failure, NodeLoad, RackView, RoomView, SideView

BAR_CELLS: Final = 10
NEARLY_FULL: Final = 0.9
MOST_NAMES: Final = 6


def rooms_parts(rooms: Sequence[RoomView]) -> list[RenderableType]:
    """Return a table of racks for each room, with its heat and cooling."""
    parts: list[RenderableType] = []
    for view in rooms:
        room = view.room
        title = f"{room.name}  {room.display.zh} {room.display.en}, grade {room.grade}"
        parts += [Text(title, "bold"), table(_HEADERS, map(_rack_row, view.racks))]
        parts += [Text(_room_sum(view)), Text()]
    return parts[:-1]


def rack_parts(view: RackView) -> list[RenderableType]:
    """Return the front of one rack, highest unit first, and its limits."""
    rack = view.rack
    by_top = {machine.top_unit: machine for machine in view.equipment}
    lines = [
        Text(f"{rack.name}  {rack.room}, row {rack.row}, position {rack.position}", "bold"),
        *_front(rack.units, by_top),
        Text(),
        Text(f"{view.used_units} of {rack.units} units"),
        Text(f"{view.watts:,} of {rack.max_watts:,} W"),
        *(Text(_side_line(side)) for side in view.sides),
        Text(f"{view.weight_kg:,.1f} of {rack.max_weight_kg:,} kg"),
    ]
    return list(lines)


def rooms_json(rooms: Sequence[RoomView], measurement: Measurement | None = None) -> list[Json]:
    """Return the same facts as the tables and elevations."""
    return [
        {
            "room": view.room.name,
            "display": {"zh": view.room.display.zh, "en": view.room.display.en},
            "grade": view.room.grade.value,
            "heat_watts": round(view.heat_watts),
            "cooling_watts": view.cooling_watts,
            "racks": [rack_json(rack) for rack in view.racks],
            "measured": measured_json(measurement, [rack.rack.name for rack in view.racks]),
        }
        for view in rooms
    ]


def rack_json(view: RackView) -> Json:
    """Return one rack."""
    rack = view.rack
    return {
        "rack": rack.name,
        "room": rack.room,
        "row": rack.row,
        "position": rack.position,
        "units": rack.units,
        "used_units": view.used_units,
        "watts": view.watts,
        "max_watts": rack.max_watts,
        "sides": [
            {
                "side": side.side.value,
                "alone_watts": side.alone_watts,
                "usable_watts": side.usable_watts,
            }
            for side in view.sides
        ],
        "weight_kg": round(view.weight_kg, 1),
        "max_weight_kg": rack.max_weight_kg,
        "equipment": [
            {
                "name": machine.name,
                "role": machine.role,
                "unit": machine.unit,
                "height_units": machine.height_units,
                "watts": machine.watts,
                "weight_kg": machine.weight_kg,
            }
            for machine in view.equipment
        ],
    }


def failure_parts(failure: Failure) -> list[RenderableType]:
    """Return what a loss does: the dark, the tripped, and who carries what."""
    removed = failure.removed
    parts: list[RenderableType] = [Text(f"Without {removed.kind} {removed.name}:", "bold"), Text()]
    rated = [load for load in failure.loads if load.node.usable_watts is not None]
    if rated:
        headers = ("What is left", "Kind", "Before W", "After W", "May carry W", "")
        parts += [table(headers, map(_load_row, rated)), Text()]
    for node in failure.tripped:
        parts.append(Text(f"trips: {node.kind} {node.name}", "bold red"))
    if failure.dead:
        parts.append(Text(f"without power: {_without_power(failure.dead)}"))
    for each in failure.cooling:
        style = "" if each.is_enough else "bold red"
        text = (
            f"cooling of {each.room}: {', '.join(each.stopped)} stopped; {each.left_watts:,} W "
            f"left for {each.heat_watts:,.0f} W of heat"
        )
        parts.append(Text(text, style))
    parts += [Text(f"dark: {line}", "bold red") for line in _dark_by_rack(failure.dark)]
    return [*parts, Text(_verdict(failure), "green" if failure.is_survived else "bold red")]


def failure_json(failure: Failure) -> dict[str, Json]:
    """Return the same facts."""
    return {
        "removed": failure.removed.name,
        "kind": failure.removed.kind.value,
        "survived": failure.is_survived,
        "dark": [
            {"name": machine.name, "rack": machine.rack, "watts": machine.watts}
            for machine in failure.dark
        ],
        "tripped": [node.name for node in failure.tripped],
        "without_power": [node.name for node in failure.dead],
        "loads": [
            {
                "name": load.node.name,
                "kind": load.node.kind.value,
                "before_watts": round(load.before_watts),
                "after_watts": round(load.after_watts),
                "usable_watts": _whole(load.node.usable_watts),
                "overloaded": load.is_overloaded,
            }
            for load in failure.loads
        ],
        "cooling": [
            {
                "room": each.room,
                "stopped": list(each.stopped),
                "left_watts": each.left_watts,
                "heat_watts": round(each.heat_watts),
                "enough": each.is_enough,
            }
            for each in failure.cooling
        ],
    }


_HEADERS: Final = ("Rack", "Row", "Pos", "Units", "Watts", "Side A alone", "Side B alone", "kg", "")


def _rack_row(view: RackView) -> tuple[Cell, ...]:
    rack = view.rack
    sides = {side.side.value: side for side in view.sides}
    return (
        rack.name,
        rack.row,
        str(rack.position),
        _of(view.used_units, rack.units, width=2),
        _of(view.watts, rack.max_watts),
        *(
            _of(sides[name].alone_watts, sides[name].usable_watts) if name in sides else "-"
            for name in "AB"
        ),
        _of(round(view.weight_kg), rack.max_weight_kg, width=5),
        _bar(max(view.power_fill, view.weight_fill)),
    )


def _of(used: int, limit: int, *, width: int = 6) -> str:
    return f"{used:>{width},} / {limit:,}"


def _bar(fill: float) -> Text:
    cells = min(BAR_CELLS, round(fill * BAR_CELLS))
    style = "bold red" if fill > 1 else "yellow" if fill > NEARLY_FULL else "green"
    return Text("█" * cells + "·" * (BAR_CELLS - cells) + f" {fill:>4.0%}", style)


def _room_sum(view: RoomView) -> str:
    watts = sum(rack.watts for rack in view.racks)
    units = f"{plural(len(view.cooling), 'cooling unit')} remove {view.cooling_watts:,} W"
    return (
        f"{plural(len(view.racks), 'rack')}, {watts:,} W, {view.heat_watts:,.0f} W of heat with "
        f"UPS losses; {units}."
    )


def _front(units: int, by_top: dict[int, Equipment]) -> Iterator[Text]:
    name_width = max((len(machine.name) for machine in by_top.values()), default=0)
    inside = 0
    for unit in range(max([units, *by_top]), 0, -1):
        machine = by_top.get(unit)
        if machine:
            inside = machine.height_units
            text = f"{machine.name:<{name_width}}  {machine.role:<11}"
            text += f" {machine.watts:>6,} W {machine.weight_kg:>6.1f} kg"
        else:
            text = '"' if inside else ""
        yield Text(f"{unit:>3} | {text}".rstrip(), "" if inside else "dim")
        inside = max(0, inside - 1)


def _without_power(nodes: Sequence[GraphNode]) -> str:
    """Name the large pieces, and count what is in the racks: a UPS has dozens behind it."""
    in_racks = Counter(node.kind.value for node in nodes if node.rack)
    named = [node.name for node in nodes if not node.rack]
    if len(nodes) <= MOST_NAMES:
        return ", ".join(node.name for node in nodes)
    return ", ".join([*named, *(plural(count, kind) for kind, count in in_racks.items())])


def _side_line(side: SideView) -> str:
    return f"side {side.side} alone: {side.alone_watts:,} of {side.usable_watts:,} W"


def _load_row(load: NodeLoad) -> tuple[Cell, ...]:
    usable = load.node.usable_watts
    return (
        load.node.name,
        load.node.kind.value,
        f"{load.before_watts:>9,.0f}",
        f"{load.after_watts:>9,.0f}",
        "" if usable is None else f"{usable:>9,.0f}",
        "" if not usable else _bar(load.after_watts / usable),
    )


def _dark_by_rack(machines: Sequence[Equipment]) -> Iterator[str]:
    racks: dict[str, list[Equipment]] = {}
    for machine in machines:
        racks.setdefault(machine.rack, []).append(machine)
    for rack, those in racks.items():
        watts = sum(machine.watts for machine in those)
        yield f"{rack} ({watts:,} W): {', '.join(machine.name for machine in those)}"


def _verdict(failure: Failure) -> str:
    if failure.is_survived:
        return "Everything runs on, within its limits."
    over = sum(load.is_overloaded for load in failure.loads)
    parts = [
        f"{plural(len(failure.dark), 'machine')} dark" if failure.dark else "",
        f"{len(failure.tripped)} tripped" if failure.tripped else "",
        f"{over} overloaded" if over else "",
        "" if all(each.is_enough for each in failure.cooling) else "too little cooling",
    ]
    return f"Lost: {', '.join(filter(None, parts))}."


def _whole(watts: float | None) -> int | None:
    return None if watts is None else round(watts)
