"""Where a command puts a picture: on stdout, or into a file."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.desk import Desk

picture_out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the picture to a file; default: stdout.",
)


def put_picture(desk: Desk, drawn: str, out: Path | None) -> None:
    """Print an SVG document, or write it to a file and say so."""
    if out is None:
        desk.screen.raw(drawn)
    else:
        out.write_text(drawn, encoding="utf-8")
        desk.screen.note(f"Wrote {out}.")
