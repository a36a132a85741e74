"""`orchestrator room`: look at machine rooms, ask what a failure does, and find places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import output_option
from orchestrator.cli.pictures import put_picture
from orchestrator.cli.room_observe import observe
from orchestrator.cli.room_options import Basis, Look, judged, with_basis, with_look, with_wanted
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.checks.index import SiteIndex
    from orchestrator.planning.placement import Wanted
    from orchestrator.workflows.room import RoomView


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator room show city-hall-1",
        "orchestrator room fail city-ups-1-a",
        "orchestrator room sweep --measured",
        "orchestrator room place --count 12 --watts 800 --u 2 --role compute",
    ),
)
def room() -> None:
    """Look at machine rooms, ask what a failure does, find places.

    `show`, `fail`, `sweep` and `place` read only the site's files, and
    faults that `check` finds do not stop them. With --measured they ask the
    PDUs as well, as `observe` asks all devices.
    """


@room.command(
    examples=(
        "orchestrator room show",
        "orchestrator room show city-hall-1 --rack city-a01",
        "orchestrator room show -o svg --out racks.svg",
        "orchestrator room show city-hall-1 -o svg --view floor --out floor.svg",
    ),
)
@click.argument("name", metavar="[ROOM]", required=False)
@click.option("--rack", metavar="NAME", help="The front of one rack.")
@with_look
@with_basis
@pass_desk
def show(desk: Desk, *, name: str | None, rack: str | None, look: Look, basis: Basis) -> int:
    """Show racks with their units, watts and weight.

    `Side A alone` is what that side carries when the other is lost. The bar
    is the tightest of a rack's power and weight limits.
    """
    found = judged(desk, basis, lambda index: _named_rooms(index, [name] if name else []))
    rooms = _rooms(found.index, name, rack)
    if look.output == "svg":
        _draw(desk, rooms, look)
    elif look.output == "json":
        from orchestrator.cli.render.room import rooms_json

        desk.screen.data(rooms_json(rooms, found.measurement))
    else:
        from orchestrator.cli.render.measured import measured_parts
        from orchestrator.cli.render.room import rack_parts, rooms_parts

        racks = [each for hall in rooms for each in hall.racks]
        desk.screen.show(*(rack_parts(racks[0]) if rack else rooms_parts(rooms)))
        desk.screen.show(*measured_parts(found.measurement, [each.rack.name for each in racks]))
    return ExitCode.DONE


@room.command(
    examples=(
        "orchestrator room fail city-ups-1-a",
        "orchestrator room fail city-a01/B",
        "orchestrator room fail city-cooler-a1 -o json",
    ),
)
@click.argument("node")
@with_basis
@output_option
@pass_desk
def fail(desk: Desk, *, node: str, basis: Basis, output: str) -> int:
    """Say what the loss of one piece of power or cooling would do.

    NODE is a utility, transformer, generator, UPS, panel, PDU or cooling
    unit by its name, or a rack's feed as RACK/SIDE. What is loaded beyond
    its rating trips, and what trips is lost as well. Exit code 1: machines
    go dark, or something is overloaded or too hot.
    """
    from orchestrator.cli.render.measured import measured_json, measured_parts
    from orchestrator.cli.render.room import failure_json, failure_parts
    from orchestrator.workflows.room import fail as lose

    found = judged(desk, basis, lambda index: _rooms_beside(index, node))
    failure = lose(found.index, node)
    if output == "json":
        measured = measured_json(found.measurement)
        desk.screen.data({**failure_json(failure), "measured": measured})
    else:
        desk.screen.show(*failure_parts(failure), *measured_parts(found.measurement))
    return ExitCode.DONE if failure.is_survived else ExitCode.FAILED


@room.command(
    examples=(
        "orchestrator room place --count 12 --watts 800 --u 2",
        "orchestrator room place --count 3 --watts 700 --u 1 --role control --room city-hall-1",
    ),
)
@with_wanted
@with_basis
@output_option
@pass_desk
def place(desk: Desk, *, wanted: Wanted, basis: Basis, output: str) -> int:
    """Say where servers fit.

    Honoured are units, both feeds after a loss, the limits of rack, row and
    room, weight and cooling; servers are spread over racks and rooms. The
    site is then checked with them in it. Exit code 1: they do not all fit,
    and what limits each rack is shown.
    """
    from dataclasses import replace

    from orchestrator.cli.render.measured import measured_json, measured_parts
    from orchestrator.cli.render.room_place import proposal_json, proposal_parts
    from orchestrator.workflows.room import city_rooms, propose

    found = judged(
        desk, basis, lambda index: _named_rooms(index, wanted.rooms or city_rooms(index))
    )
    rooms = wanted.rooms or city_rooms(found.index)
    proposal = propose(found.index, replace(wanted, rooms=rooms))
    if output == "json":
        measured = measured_json(found.measurement)
        desk.screen.data({**proposal_json(proposal), "measured": measured})
    else:
        desk.screen.show(*proposal_parts(proposal), *measured_parts(found.measurement))
    return ExitCode.DONE if proposal.fits else ExitCode.FAILED


@room.command(
    examples=(
        "orchestrator room sweep",
        "orchestrator room sweep --measured",
        "orchestrator room sweep -o json",
    ),
)
@with_basis
@output_option
@pass_desk
def sweep(desk: Desk, *, basis: Basis, output: str) -> int:
    """Take every piece of power and cooling away once, and say what that breaks.

    The same rules as in `check`; with --measured by what racks really draw.
    Exit code 1: some loss turns machines off, or overloads what is left.
    """
    from orchestrator.cli.render.measured import measured_json, measured_parts
    from orchestrator.cli.render.room_sweep import sweep_json, sweep_parts
    from orchestrator.workflows.room_losses import find_losses

    found = judged(desk, basis, lambda index: index.site.rooms_by_name)
    losses = find_losses(found.index)
    if output == "json":
        desk.screen.data({**sweep_json(losses), "measured": measured_json(found.measurement)})
    else:
        desk.screen.show(*sweep_parts(losses), *measured_parts(found.measurement))
    return ExitCode.FAILED if losses.findings else ExitCode.DONE


def _rooms(index: SiteIndex, name: str | None, rack: str | None) -> tuple[RoomView, ...]:
    """Return the rooms that are asked for, with only the rack that is asked for."""
    from dataclasses import replace

    from orchestrator.workflows.room import view_rooms

    rooms = view_rooms(index, name=name)
    if rack is None:
        return rooms
    known = {each.rack.name: (hall, each) for hall in rooms for each in hall.racks}
    _refuse_unknown("rack", rack, known)
    hall, found = known[rack]
    return (replace(hall, racks=(found,)),)


def _named_rooms(index: SiteIndex, names: Collection[str]) -> Collection[str]:
    """Return the rooms that are named, or all where none is."""
    for name in names:
        _refuse_unknown("machine room", name, index.site.rooms_by_name)
    return names or index.site.rooms_by_name


def _rooms_beside(index: SiteIndex, node: str) -> Collection[str]:
    """Return the rooms of the node's region: they may hang on the same street."""
    graph, rooms = index.power_graph, index.site.rooms_by_name
    _refuse_unknown("piece of power or cooling", node, graph.numbers)
    own = rooms.get(graph.nodes[graph.numbers[node]].room)
    return {name for name, room in rooms.items() if own is None or room.region == own.region}


def _refuse_unknown(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise click.UsageError(f"the site has no {what} `{name}`.{did_you_mean(name, known)}")


def _draw(desk: Desk, rooms: tuple[RoomView, ...], look: Look) -> None:
    from orchestrator.cli.render.floor_svg import floor_svg
    from orchestrator.cli.render.rack_svg import racks_svg

    drawn = floor_svg(rooms) if look.view == "floor" else racks_svg(rooms)
    put_picture(desk, drawn, look.out)


room.add_command(observe)
