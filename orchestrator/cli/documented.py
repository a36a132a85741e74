"""Commands whose help ends with examples, laid out as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class DocumentedCommand(click.Command):
    """A command with examples."""

    # Everything but the examples is Click's.
    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:  # noqa: ANN401 - Click's
        """Keep the examples; the rest is Click's."""
        super().__init__(*args, **settings)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        write_examples(self.examples, formatter)


class DocumentedGroup(click.Group):
    """A group of commands with examples."""

    command_class = DocumentedCommand

    # Everything but the examples is Click's.
    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:  # noqa: ANN401 - Click's
        """Keep the examples; the rest is Click's."""
        super().__init__(*args, **settings)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the commands."""
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write examples one a line, never folded: they are there to be copied."""
    if examples:
        formatter.write("\nExamples:\n" + "".join(f"  {example}\n" for example in examples))
