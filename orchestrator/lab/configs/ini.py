"""Configuration files in oslo.config's format, as mappings of sections to options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

Value = str | int | bool | float | Path
Options = Mapping[str, Value]
Sections = Mapping[str, Options]


def render(sections: Sections) -> str:
    """Return the text of a configuration file."""
    return "\n".join(_section(name, options) for name, options in sections.items())


def _section(name: str, options: Options) -> str:
    lines = [f"{key} = {_text(value)}\n" for key, value in options.items()]
    return f"[{name}]\n{''.join(lines)}"


def _text(value: Value) -> str:
    # A dollar begins a reference to another option.
    return str(value).lower() if isinstance(value, bool) else str(value).replace("$", "$$")
