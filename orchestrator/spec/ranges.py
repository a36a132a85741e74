"""Ranges: one entry of the file that stands for many things.

`cmp-{01..16}` in a name makes sixteen entries; every other range in the entry gives one value to
each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.nodes import Mapping, Node, Scalar, Sequence, scalars

MAX_RANGE: Final = 10_000

RANGE_PATTERN: Final = r"\{(x[0-9a-f]+\.\.x[0-9a-f]+|[0-9]+\.\.[0-9]+)(\.\.[0-9]+)?\}"
"""A range as it stands inside a value; for editors."""

_BRACES = re.compile(r"\{([^{}]*\.\.[^{}]*)\}")
_RANGE = re.compile(r"(x?)([0-9a-f]+)\.\.(x?)([0-9a-f]+)(?:\.\.([0-9]+))?")


class RangeError(Exception):
    """The text in the braces is not a range, or too long a one."""

    def __init__(self, reason: str, *, too_long: bool = False) -> None:
        """Say why."""
        super().__init__(reason)
        self.reason = reason
        self.too_long = too_long


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers to be counted through, and how they are written."""

    numbers: range
    width: int
    """Digits, filled up with zeros; 0: as many as needed."""
    hexadecimal: bool

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self.numbers)

    def __getitem__(self, index: int) -> str:
        """Return one value as it stands in the text."""
        return f"{self.numbers[index]:0{self.width}{'x' if self.hexadecimal else 'd'}}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with ranges in it: texts[0] ranges[0] texts[1] ranges[1] ... texts[-1]."""

    texts: tuple[str, ...]
    ranges: tuple[Range, ...]

    def at(self, index: int) -> str:
        """Return the text with the index-th value of every range."""
        if len(self.ranges) == 1:
            return f"{self.texts[0]}{self.ranges[0][index]}{self.texts[1]}"
        parts = [self.texts[0]]
        for found, text in zip(self.ranges, self.texts[1:], strict=True):
            parts += (found[index], text)
        return "".join(parts)


def parse_range(text: str) -> Range:
    """Read what stands between the braces. Raises RangeError."""
    found = _RANGE.fullmatch(text)
    if not found:
        raise RangeError(f"`{{{text}}}` is not a range")
    hexadecimal = found[1] == "x"
    first, last = found[2], found[4]
    if found[1] != found[3] or not (hexadecimal or (first + last).isdecimal()):
        raise RangeError(f"`{{{text}}}` mixes decimal and hexadecimal; hexadecimal ends start by x")
    padded = any(end.startswith("0") and len(end) > 1 for end in (first, last))
    if padded and len(first) != len(last):
        raise RangeError(f"`{first}` and `{last}` are padded to different widths")
    base = 16 if hexadecimal else 10
    step = int(found[5] or 1)
    # Twenty digits are far beyond any wish, and cost nothing to read.
    if max(len(first), len(last), len(found[5] or "")) > 20:
        raise RangeError(f"more than {MAX_RANGE:,} values", too_long=True)
    if step == 0 or int(first, base) > int(last, base):
        raise RangeError(f"`{{{text}}}` does not count upwards")
    numbers = range(int(first, base), int(last, base) + 1, step)
    if numbers[-1] > numbers[0] + step * (MAX_RANGE - 1):
        raise RangeError(f"more than {MAX_RANGE:,} values", too_long=True)
    return Range(numbers, len(first) if padded else 0, hexadecimal)


def parse_template(text: str) -> Template | None:
    """Read a value; None where it holds no range. Raises RangeError."""
    if ".." not in text or "{" not in text:
        return None
    pieces = _BRACES.split(text)
    if len(pieces) == 1:
        return None
    return Template(tuple(pieces[::2]), tuple(parse_range(piece) for piece in pieces[1::2]))


def expand(entry: Mapping, faults: Faults, *, named: bool) -> list[Mapping]:
    """Return the entries that one entry stands for; itself where it holds no range.

    `named` entries count by the range in their name, others by the first range in them.
    """
    templates = _templates(entry, faults)
    if templates is None:
        return []
    if not templates:
        return [entry]
    leader = _leader(entry, templates, named=named)
    if leader is None:
        place, template = next(iter(templates.values()))
        detail = f"`{place.text}` has {len(template.ranges[0])} values, the name has no range."
        faults.add(kinds.RANGE_WITHOUT_NAME, place, detail)
        return []
    count = len(templates[id(leader)][1].ranges[0])
    if not _same_length(templates, leader, faults):
        return []
    return [_mapping_at(entry, templates, index) for index in range(count)]


_Templates = dict[int, tuple[Scalar, Template]]
"""By identity of the node: aliases share nodes, and nodes are not hashable by value."""


def _templates(entry: Mapping, faults: Faults) -> _Templates | None:
    """Return the values with ranges; None where one of them is faulty."""
    templates: _Templates = {}
    sound = True
    for scalar in scalars(entry):
        try:
            template = parse_template(scalar.text)
        except RangeError as error:
            kind = kinds.RANGE_TOO_LONG if error.too_long else kinds.BAD_RANGE
            faults.add(kind, scalar, f"{error.reason}.")
            sound = False
            continue
        if template:
            templates[id(scalar)] = (scalar, template)
    return templates if sound else None


def _leader(entry: Mapping, templates: _Templates, *, named: bool) -> Scalar | None:
    """Return the value whose range says how many entries there are."""
    if not named:
        return next(iter(templates.values()))[0]
    for key, value in entry.pairs:
        if key.text == "name" and isinstance(value, Scalar):
            return value if id(value) in templates else None
    return None


def _same_length(templates: _Templates, leader: Scalar, faults: Faults) -> bool:
    count = len(templates[id(leader)][1].ranges[0])
    sound = True
    for scalar, template in templates.values():
        for found in template.ranges:
            if len(found) != count:
                detail = (
                    f"`{scalar.text}` has {len(found)} values, but `{leader.text}` on line "
                    f"{leader.line} has {count}."
                )
                faults.add(kinds.RANGE_COUNT, scalar, detail)
                sound = False
    return sound


def _node_at(node: Node, templates: _Templates, index: int) -> Node:
    """Return the index-th instance of a node; parts without ranges are shared, not copied."""
    if isinstance(node, Scalar):
        found = templates.get(id(node))
        if found is None:
            return node
        return Scalar(node.line, node.column, found[1].at(index), plain=True, expanded=True)
    if isinstance(node, Mapping):
        return _mapping_at(node, templates, index)
    items = [_node_at(item, templates, index) for item in node.items]
    return Sequence(node.line, node.column, items)


def _mapping_at(node: Mapping, templates: _Templates, index: int) -> Mapping:
    pairs = [(key, _node_at(value, templates, index)) for key, value in node.pairs]
    return Mapping(node.line, node.column, pairs, node.source)
