"""Values of attributes as people read them: short, and for nested ones only what differs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

from orchestrator.model.stack import HIDDEN, AttributeChange
from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN

VALUE_CELLS = 60
"""Longer values are cut, unless everything was asked for."""
LINES = frozenset({"configuration"})
"""Attributes that are lines of a device's configuration: shown as a diff, and never cut."""
NEVER_CUT = frozenset({"fault"})
"""A reason is read to its end."""
LINES_SHOWN = 40
"""Of one device, unless everything was asked for; JSON has them all."""
KNOWN_LATER = "(known after apply)"
ABSENT = "(none)"


def change_lines(
    change: AttributeChange, *, whole: bool = False, new: bool = False
) -> Iterator[str]:
    """Yield `path: old -> new` for every place inside the attribute that differs.

    Of a new resource there is nothing to compare with: `path: value`.
    """
    if change.secret:
        yield f"{change.path}: {HIDDEN}"
        return
    if new:
        yield f"{change.path}: {value_text(change.new, whole=whole)}"
        return
    if change.path in LINES and isinstance(change.old, list) and isinstance(change.new, list):
        yield from _changed_lines(change.old, change.new, whole=whole)
        return
    whole = whole or change.path in NEVER_CUT
    for path, before, after in _differences(change.path, change.old, change.new):
        yield f"{path}: {value_text(before, whole=whole)} -> {value_text(after, whole=whole)}"


def value_text(value: Json, *, whole: bool = False) -> str:
    """Return a value on one line; strings bare where that cannot mislead."""
    if value is None:
        return ABSENT
    if value == UNKNOWN:
        return KNOWN_LATER
    text = _bare(value) if isinstance(value, str) else _compact(value)
    if whole or cell_len(text) <= VALUE_CELLS:
        return text
    return set_cell_size(text, VALUE_CELLS - 1).rstrip() + "…"


def _differences(path: str, old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield from _differences(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(path, old, new)
    else:
        yield path, old, new


def _list_differences(
    path: str, old: list[Json], new: list[Json]
) -> Iterator[tuple[str, Json, Json]]:
    """Show a long list by its lost and its added elements, a short one as it is."""
    whole_fits = cell_len(_compact(old)) + cell_len(_compact(new)) <= VALUE_CELLS
    if whole_fits or not old or not new:
        yield path, old, new
        return
    yield from ((f"{path}[-]", gone, None) for gone in old if gone not in new)
    yield from ((f"{path}[+]", None, added) for added in new if added not in old)
    if all(item in new for item in old) and all(item in old for item in new):
        yield path, old, new  # only the order or the repetitions differ


def lines_between(old: list[Json], new: list[Json]) -> tuple[list[str], list[str]]:
    """Return the lines that go and those that come, each in its order."""
    gone, come = Counter(map(str, old)), Counter(map(str, new))
    return list((gone - come).elements()), list((come - gone).elements())


def _changed_lines(old: list[Json], new: list[Json], *, whole: bool) -> Iterator[str]:
    gone, come = lines_between(old, new)
    if not gone and not come:
        yield "the order of the lines"
    # What goes leaves room for what comes, and the other way round.
    half = LINES_SHOWN // 2
    goes = len(gone) if whole else max(half, LINES_SHOWN - len(come))
    comes = len(come) if whole else max(half, LINES_SHOWN - len(gone))
    yield from (f"- {line}" for line in gone[:goes])
    yield from (f"+ {line}" for line in come[:comes])
    if left := len(gone[goes:]) + len(come[comes:]):
        yield f"and {left} more lines"


def _bare(text: str) -> str:
    """Quote a string only where it would read as something else."""
    misleading = not text or text != text.strip() or not text.isprintable()
    return _compact(text) if misleading or text in {ABSENT, KNOWN_LATER, HIDDEN} else text


def _compact(value: Json) -> str:
    shown = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return shown.replace(json.dumps(UNKNOWN), KNOWN_LATER)
