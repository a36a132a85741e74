"""The reference of the command line as Markdown, generated from the commands themselves.

`python -m orchestrator.cli.reference > docs/reference/cli.md` writes it; a test keeps it current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from orchestrator.cli.main import PROGRAM, cli

WIDTH = 80

_INTRODUCTION = """\
# The command line

Generated from the commands by `python -m orchestrator.cli.reference`; `orchestrator COMMAND
--help` shows the same. What the exit codes mean: [exit codes](exit-codes.md). What `-o json`
prints: [JSON output](json-output.md).
"""


def cli_reference() -> str:
    """Return the reference of every command, as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def all_commands() -> Iterator[click.Context]:
    """Yield every command in the context that it would be run in."""
    yield from _with_those_below(_context(cli, PROGRAM))


def _with_those_below(context: click.Context) -> Iterator[click.Context]:
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _with_those_below(_context(below, name, parent=context))


def _context(
    command: click.Command, name: str, *, parent: click.Context | None = None
) -> click.Context:
    return command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH
    )


def _sections() -> Iterator[str]:
    for context in all_commands():
        level = "###" if context.parent is not None and context.parent.parent else "##"
        yield f"{level} {context.command_path}\n\n```text\n{context.get_help()}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(cli_reference())
