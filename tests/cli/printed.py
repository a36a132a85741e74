"""What a person would see: renderables as lines of plain text."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text


def lines(parts: Iterable[RenderableType], *, width: int = 200) -> list[str]:
    """Return what is printed, line by line, without blanks at the ends."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, markup=False, emoji=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))
    return [line.rstrip() for line in file.getvalue().splitlines()]
