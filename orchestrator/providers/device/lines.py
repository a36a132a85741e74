"""Configurations as lines that know where they stand, so that two can be compared by name.

A line is a path: `("router bgp 65005", "neighbor 10.31.5.1 timers 3 9")`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.providers.device.scrub import scrubbed

Path = tuple[str, ...]

SEPARATOR = " / "
"""Between the parts of a path where it is shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a running configuration differs from the declared one, line by line."""

    missing: tuple[Path, ...]
    """Declared, and not running; in the declared order."""
    extra: tuple[Path, ...]
    """Running, and not declared."""

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.missing or self.extra)


def compare(declared: Sequence[Path], running: Sequence[Path]) -> Difference:
    """Return the lines that are missing and extra; a line may stand more than once."""
    return Difference(
        missing=tuple(_without(declared, running)), extra=tuple(_without(running, declared))
    )


def _without(lines: Sequence[Path], others: Sequence[Path]) -> Iterator[Path]:
    left = Counter(others)
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            yield line


def shown(path: Path) -> str:
    """Return a line with where it stands, as people and JSON get it: without secrets."""
    return SEPARATOR.join(scrubbed(part) for part in path)


def indented(
    text: str, *, comments: tuple[str, ...], closers: frozenset[str] = frozenset()
) -> Iterator[Path]:
    """Yield the lines of a configuration whose parts are told by indentation.

    Spaces within a line are one; `closers` end a part and say nothing themselves.
    """
    open_parts: list[tuple[int, str]] = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if not line or line.startswith(comments) or line in closers:
            continue
        depth = len(raw) - len(raw.lstrip())
        while open_parts and open_parts[-1][0] >= depth:
            open_parts.pop()
        open_parts.append((depth, line))
        yield tuple(part for _, part in open_parts)


def nested(paths: Iterable[Path], *, leave: str) -> Iterator[str]:
    """Yield the commands that enter each line's part, say the line, and leave again."""
    inside: Path = ()
    for path in paths:
        *parts, line = path
        common = 0
        while common < min(len(inside), len(parts)) and inside[common] == parts[common]:
            common += 1
        yield from (leave for _ in inside[common:])
        yield from parts[common:]
        inside = tuple(parts)
        yield line
    yield from (leave for _ in inside)
