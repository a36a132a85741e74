"""Where output goes: data to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator.model.units import Json

UNWRAPPED_COLUMNS = 1000
"""Width of a pipe or a CI log: nothing is folded there."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The two streams of a command."""

    out: Console
    err: Console

    @classmethod
    def open(cls, *, no_color: bool, columns: int | None) -> Screen:
        """Open the process's streams; `columns` is the width that the user asked for."""
        return cls(
            out=console(sys.stdout, no_color=no_color, columns=columns),
            err=console(sys.stderr, no_color=no_color, columns=columns),
        )

    def show(self, *parts: RenderableType) -> None:
        """Print data to stdout."""
        _print(self.out, parts)

    def note(self, *parts: RenderableType) -> None:
        """Print something about the work to stderr."""
        _print(self.err, parts)

    def data(self, value: Json) -> None:
        """Print JSON to stdout: indented, keys in our order, Chinese as it is."""
        self.raw(json.dumps(value, ensure_ascii=False, indent=2))

    def raw(self, text: str) -> None:
        """Print text to stdout as it is: nothing is folded, cut or coloured."""
        self.out.file.write(text + "\n")
        self.out.file.flush()  # a reader that went away is met here, not while Python shuts down


def console(file: TextIO, *, no_color: bool, columns: int | None) -> Console:
    """Make a console: colours only on a terminal, no folding where nobody looks."""
    terminal = file.isatty()
    width = columns if columns is not None or terminal else UNWRAPPED_COLUMNS
    return Console(
        file=file,
        width=width,
        force_terminal=terminal,
        no_color=no_color,
        color_system=None if no_color or not terminal else "auto",
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def _print(target: Console, parts: tuple[RenderableType, ...]) -> None:
    for part in parts:
        # Lines of text are left to the terminal to fold: a path stays one word to copy.
        target.print(part, soft_wrap=isinstance(part, str | Text))
