"""The options of `orchestrator room`: how rooms are shown, and what is looked for in them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.desk import Desk
from orchestrator.cli.options import Command, password_file_option, site_option
from orchestrator.cli.outside import Access
from orchestrator.cli.pictures import picture_out_option

if TYPE_CHECKING:
    from orchestrator.checks.index import SiteIndex
    from orchestrator.workflows.measured_rooms import JudgedBy

KG_PER_UNIT = 15.0
"""What a server weighs a unit where --kg does not say it; 2U servers weigh 28 to 38 kg."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """Which site is looked at, and by which power."""

    site: Path | None
    measured: bool
    access: Access


def with_basis(command: Command) -> Command:
    """Add the options that say which site, and by which power; the command gets a `basis`."""

    @click.option(
        "--measured",
        is_flag=True,
        help="Ask the PDUs now, and count what they measure instead of nameplates.",
    )
    @site_option
    @password_file_option
    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        site: Path | None,
        measured: bool,
        vault_password_file: Path | None,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        access = Access(vault_password_file=vault_password_file)
        return command(*args, basis=Basis(site=site, measured=measured, access=access), **rest)

    return gather


def judged(desk: Desk, basis: Basis, rooms: Callable[[SiteIndex], Collection[str]]) -> JudgedBy:
    """Return the site with its indexes; where that is asked for, with what its PDUs measure.

    `rooms` says, once the site is read, whose power matters; it also refuses what is misspelt.
    """
    from orchestrator.workflows.measured_rooms import JudgedBy, judged_by_measure
    from orchestrator.workflows.room import open_index

    directory = desk.at_site(basis.site)
    index = open_index(directory, clock=desk.wiring.clock)
    wanted = rooms(index)
    if not basis.measured:
        return JudgedBy(index)
    devices = desk.wiring.room_devices(directory, basis.access)
    try:
        return judged_by_measure(index, devices, rooms=wanted)
    finally:
        devices.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How rooms are shown."""

    output: str
    view: str
    out: Path | None


def with_look(command: Command) -> Command:
    """Add the options of text, JSON and pictures; the command gets them as one `look`."""

    @click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "svg"]),
        default="text",
        help="For people, for machines, or as a picture.",
    )
    @click.option(
        "--view",
        type=click.Choice(["racks", "floor"]),
        default="racks",
        help="What the picture shows: fronts of racks, or the floor plan.",
    )
    @picture_out_option
    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, output: str, view: str, out: Path | None, **rest: Any) -> int:  # noqa: ANN401 - Click's
        if output != "svg" and (out is not None or view != "racks"):
            raise click.UsageError("--view and --out are for pictures: add -o svg")
        return command(*args, look=Look(output=output, view=view, out=out), **rest)

    return gather


def with_wanted(command: Command) -> Command:
    """Add the options that describe new servers; the command gets them as one `wanted`."""

    @click.option("--count", type=click.IntRange(1, 1000), required=True, help="How many servers.")
    @click.option("--watts", type=click.IntRange(1), required=True, help="Nameplate watts of each.")
    @click.option(
        "--u", "units", type=click.IntRange(1, 60), required=True, help="Rack units of each."
    )
    @click.option(
        "--kg",
        type=click.FloatRange(0.1),
        help=f"Weight of each; default: {KG_PER_UNIT:g} kg a unit.",
    )
    @click.option("--role", metavar="ROLE", help="Keep away from servers of this role.")
    @click.option(
        "--room",
        "rooms",
        multiple=True,
        metavar="NAME",
        help="Only in this room; may be repeated. Default: the rooms of the city.",
    )
    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, units: int, kg: float | None, **parsed: Any) -> int:  # noqa: ANN401 - Click's
        from orchestrator.planning.placement import Wanted

        wanted = Wanted(
            count=parsed.pop("count"),
            watts=parsed.pop("watts"),
            units=units,
            weight_kg=units * KG_PER_UNIT if kg is None else kg,
            role=parsed.pop("role"),
            rooms=frozenset(parsed.pop("rooms")),
        )
        return command(*args, wanted=wanted, **parsed)

    return gather
