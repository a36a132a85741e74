"""The normal form of an nftables table, the same for what is compiled and what `nft list` prints.

Both are one language; what differs is how lines are folded and in which order sets are listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.providers.device.lines import Path

TABLE = "inet orchestrator_zones"
"""The table that is ours; all others on the device are left alone."""

_WORDS = re.compile(r'"[^"]*"|[{},]|[^\s{},"]+')


def normal_table(text: str, table: str = TABLE) -> tuple[Path, ...]:
    """Return the lines of one table; none where the text has no such table.

    Rules keep their order, which matters; elements of sets are sorted, as theirs does not.
    """
    return tuple(_lines(text, table))


def table_block(text: str, table: str = TABLE) -> str:
    """Return one table as `nft list ruleset` printed it, or nothing."""
    found = re.search(rf"^table {re.escape(table)} \{{\n.*?^\}}$", text, re.DOTALL | re.MULTILINE)
    return found.group(0) + "\n" if found else ""


def _lines(text: str, table: str) -> Iterator[Path]:
    parts: list[str] = []
    for words in _statements(text):
        if words == ["}"]:
            del parts[-1:]
            continue
        if _opens(words):
            parts.append(" ".join(words[:-1]))
            told = [tuple(parts)]
        else:
            told = [(*parts, each) for each in _spread(words)]
        if parts[:1] == [f"table {table}"]:
            yield from told


def _opens(words: Sequence[str]) -> bool:
    """Say whether a statement opens a table, set or chain."""
    return words[-1] == "{" and "=" not in words


def _statements(text: str) -> Iterator[list[str]]:
    """Yield the words of whole statements: `x {` opens a part, `}` closes it."""
    pending: list[str] = []
    depth = 0
    for raw in text.splitlines():
        line = raw.strip()
        if not pending and (not line or line.startswith("#")):
            continue
        words = _WORDS.findall(line)
        pending += words
        depth += words.count("{") - words.count("}")
        if depth == 0 or pending == ["}"] or _opens(pending):
            yield pending
            pending, depth = [], 0


def _spread(words: list[str]) -> Iterator[str]:
    """Yield each element of a named set as a line of its own, every other statement as it is."""
    if words[:3] == ["elements", "=", "{"]:
        yield from _elements(words[3:-1])
    else:
        yield _tidy(words)


def _tidy(words: list[str]) -> str:
    """Join a statement's words; what stands in braces is a set, and sorted."""
    if "{" in words:
        first, last = words.index("{"), words.index("}")
        listed = ", ".join(_elements(words[first + 1 : last]))
        words = [*words[:first], "{", listed, "}", *words[last + 1 :]]
    return " ".join(words).rstrip(";")


def _elements(words: Sequence[str]) -> list[str]:
    elements: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            elements.append([])
        else:
            elements[-1].append(word)
    return sorted(" ".join(each) for each in elements if each)
