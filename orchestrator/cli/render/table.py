"""Tables: columns aligned by what a terminal shows, so that Chinese takes two cells a character."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

Cell = str | Text


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, right: str = "") -> Table:
    """Return a table without frames; the column named `right` holds numbers.

    A narrow terminal folds cells, it never cuts them.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        made.add_column(header, justify="right" if header == right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made
