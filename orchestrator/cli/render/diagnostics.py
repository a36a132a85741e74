"""Findings about a site, as a good compiler shows them: place, line, caret, why, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.model.diagnostic import Diagnostic, Severity
from orchestrator.model.units import Json, Source
from orchestrator.spec.secrets import looks_secret, names_a_secret

LINE_CELLS = 100
"""A longer line of the source is shown as a window around the caret."""

WITHHELD = "SE"
"""Findings about secrets; the lines that they point at are not shown by any finding."""

_KEY = re.compile(r"([\w.-]+)[\"']?\s*:")
_SEVERITY_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def diagnostics_text(diagnostics: Sequence[Diagnostic], directory: Path | None) -> list[Text]:
    """Return the findings by file and line, errors and warnings together, and a line that counts.

    `directory` is the site's: findings name files relative to it.
    """
    ordered = sorted(diagnostics, key=lambda found: (found.source.file, found.source.line))
    withheld = {_line_of(found) for found in ordered if found.code.startswith(WITHHELD)}
    parts: list[Text] = []
    for found in ordered:
        line = None if _line_of(found) in withheld else _source_line(found.source, directory)
        parts += [_finding(found, directory, line=line), Text()]
    return [*parts, _count(ordered)]


def diagnostics_json(diagnostics: Sequence[Diagnostic], directory: Path | None) -> list[Json]:
    """Return the findings with the same facts as the text."""
    return [
        {
            "code": found.code,
            "severity": found.severity.value,
            "summary": found.summary,
            "detail": found.detail,
            "remedy": found.remedy,
            "file": str(_path(found.source, directory)) if found.source.file else None,
            "line": found.source.line or None,
            "column": found.source.column or None,
        }
        for found in diagnostics
    ]


def _finding(found: Diagnostic, directory: Path | None, *, line: str | None) -> Text:
    style = _SEVERITY_STYLE[found.severity]
    text = Text()
    if found.source.file:
        place = str(_path(found.source, directory))
        if found.source.line:
            place += f":{found.source.line}:{found.source.column}"
        text.append(f"{place}: ", "bold")
    text.append(found.severity.value, style)
    text.append(f" {found.code} {found.summary}", "bold")
    if line is not None:
        text.append(_excerpt(found.source, line), "blue")
    text.append("\n  why: ", "dim").append(found.detail)
    if found.remedy:
        text.append("\n  do:  ", "dim").append(found.remedy)
    return text


def _excerpt(source: Source, line: str) -> str:
    """Return the line of the source and a caret below the column."""
    caret = max(0, min(source.column - 1, len(line)))
    start = 0 if cell_len(line) <= LINE_CELLS else max(0, caret - LINE_CELLS // 2)
    shown = line[start : start + LINE_CELLS].rstrip()
    number = str(source.line)
    gap = " " * cell_len(line[start:caret])
    return f"\n  {number} | {shown}\n  {' ' * len(number)} | {gap}^"


def _source_line(source: Source, directory: Path | None) -> str | None:
    """Return the line, or None where it cannot be read or could show a secret."""
    if not source.file or not source.line:
        return None
    try:
        with _path(source, directory).open(encoding="utf-8") as file:
            line = next(islice(file, source.line - 1, source.line), None)
    except (OSError, UnicodeDecodeError):
        return None  # the finding says itself what is wrong with the file
    if line is None or _could_show_secret(line):
        return None
    return "".join(char if char.isprintable() else " " for char in line.rstrip("\r\n"))


def _could_show_secret(line: str) -> bool:
    named = any(names_a_secret(key) for key in _KEY.findall(line))
    return looks_secret(line) or (named and "secret://" not in line)


def _line_of(found: Diagnostic) -> tuple[str, int]:
    return found.source.file, found.source.line


def _path(source: Source, directory: Path | None) -> Path:
    """Return the file as one would open it from here."""
    inside = directory / source.file if directory else Path(source.file)
    return inside if inside.exists() else Path(source.file)


def _count(diagnostics: Sequence[Diagnostic]) -> Text:
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    warnings = len(diagnostics) - errors
    files = len({found.source.file for found in diagnostics if found.source.file})
    counted = [plural(errors, "error")] if errors or not warnings else []
    counted += [plural(warnings, "warning")] if warnings else []
    where = f" in {plural(files, 'file')}" if files else ""
    return Text(f"{', '.join(counted)}{where}.", "bold red" if errors else "bold yellow")
