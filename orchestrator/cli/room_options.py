"""The options of `orchestrator room`: how rooms are shown, and what is looked for in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import Command

KG_PER_UNIT = 15.0
"""What a server weighs a unit where --kg does not say it; 2U servers weigh 28 to 38 kg."""


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
    @click.option(
        "--out",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        metavar="FILE",
        help="Write the picture to a file; default: stdout.",
    )
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
