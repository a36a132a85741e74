"""`orchestrator room`: look at machine rooms, ask what a failure does, and find places."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import output_option, site_option
from orchestrator.cli.room_observe import observe
from orchestrator.cli.room_options import Look, with_look, with_wanted
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
        "orchestrator room place --count 12 --watts 800 --u 2 --role compute",
    ),
)
def room() -> None:
    """Look at machine rooms, ask what a failure does, find places.

    `show`, `fail` and `place` read only the site's files, and faults that
    `check` finds do not stop them. `observe` asks the devices.
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
@site_option
@pass_desk
def show(desk: Desk, *, name: str | None, rack: str | None, look: Look, site: Path | None) -> int:
    """Show racks with their units, watts and weight.

    `Side A alone` is what that side carries when the other is lost. The bar
    is the tightest of a rack's power and weight limits.
    """
    rooms = _rooms(_open(desk, site), name, rack)
    if look.output == "svg":
        _draw(desk, rooms, look)
    elif look.output == "json":
        from orchestrator.cli.render.room import rooms_json

        desk.screen.data(rooms_json(rooms))
    else:
        from orchestrator.cli.render.room import rack_parts, rooms_parts

        racks = [each for hall in rooms for each in hall.racks]
        desk.screen.show(*(rack_parts(racks[0]) if rack else rooms_parts(rooms)))
    return ExitCode.DONE


@room.command(
    examples=(
        "orchestrator room fail city-ups-1-a",
        "orchestrator room fail city-a01/B",
        "orchestrator room fail city-cooler-a1 -o json",
    ),
)
@click.argument("node")
@site_option
@output_option
@pass_desk
def fail(desk: Desk, *, node: str, site: Path | None, output: str) -> int:
    """Say what the loss of one piece of power or cooling would do.

    NODE is a utility, transformer, generator, UPS, panel, PDU or cooling
    unit by its name, or a rack's feed as RACK/SIDE. What is loaded beyond
    its rating trips, and what trips is lost as well. Exit code 1: machines
    go dark, or something is overloaded or too hot.
    """
    from orchestrator.cli.render.room import failure_json, failure_parts
    from orchestrator.workflows.room import fail as lose

    index = _open(desk, site)
    _refuse_unknown("piece of power or cooling", node, index.power_graph.numbers)
    failure = lose(index, node)
    if output == "json":
        desk.screen.data(failure_json(failure))
    else:
        desk.screen.show(*failure_parts(failure))
    return ExitCode.DONE if failure.is_survived else ExitCode.FAILED


@room.command(
    examples=(
        "orchestrator room place --count 12 --watts 800 --u 2",
        "orchestrator room place --count 3 --watts 700 --u 1 --role control --room city-hall-1",
    ),
)
@with_wanted
@site_option
@output_option
@pass_desk
def place(desk: Desk, *, wanted: Wanted, site: Path | None, output: str) -> int:
    """Say where servers fit.

    Honoured are units, both feeds after a loss, the limits of rack, row and
    room, weight and cooling; servers are spread over racks and rooms. The
    site is then checked with them in it. Exit code 1: they do not all fit,
    and what limits each rack is shown.
    """
    from dataclasses import replace

    from orchestrator.cli.render.room_place import proposal_json, proposal_parts
    from orchestrator.workflows.room import city_rooms, propose

    index = _open(desk, site)
    for name in wanted.rooms:
        _refuse_unknown("machine room", name, index.site.rooms_by_name)
    proposal = propose(index, replace(wanted, rooms=wanted.rooms or city_rooms(index)))
    if output == "json":
        desk.screen.data(proposal_json(proposal))
    else:
        desk.screen.show(*proposal_parts(proposal))
    return ExitCode.DONE if proposal.fits else ExitCode.FAILED


def _open(desk: Desk, site: Path | None) -> SiteIndex:
    from orchestrator.workflows.room import open_index

    return open_index(desk.at_site(site), clock=desk.wiring.clock)


def _rooms(index: SiteIndex, name: str | None, rack: str | None) -> tuple[RoomView, ...]:
    """Return the rooms that are asked for, with only the rack that is asked for."""
    from dataclasses import replace

    from orchestrator.workflows.room import view_rooms

    if name is not None:
        _refuse_unknown("machine room", name, index.site.rooms_by_name)
    rooms = view_rooms(index, name=name)
    if rack is None:
        return rooms
    known = {each.rack.name: (hall, each) for hall in rooms for each in hall.racks}
    _refuse_unknown("rack", rack, known)
    hall, found = known[rack]
    return (replace(hall, racks=(found,)),)


def _refuse_unknown(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise click.UsageError(f"the site has no {what} `{name}`.{did_you_mean(name, known)}")


def _draw(desk: Desk, rooms: tuple[RoomView, ...], look: Look) -> None:
    from orchestrator.cli.render.floor_svg import floor_svg
    from orchestrator.cli.render.rack_svg import racks_svg

    drawn = floor_svg(rooms) if look.view == "floor" else racks_svg(rooms)
    if look.out is None:
        desk.screen.raw(drawn)
    else:
        look.out.write_text(drawn, encoding="utf-8")
        desk.screen.note(f"Wrote {look.out}.")


room.add_command(observe)
