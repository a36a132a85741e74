"""A YAML file as a small tree in which everything knows its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from orchestrator.model.units import Source


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value as it is written; `plain` means without quotes."""

    line: int
    column: int
    text: str
    plain: bool
    expanded: bool = False
    """It came out of a range: its quotes only protected the braces from YAML."""


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping. `pairs` keeps keys as nodes, for their places."""

    line: int
    column: int
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    source: Source | None = None
    """Filled when an entry is read; entries out of one range share it."""


Node = Scalar | Sequence | Mapping

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def is_null(node: Node) -> bool:
    """Say whether the node is YAML's null: nothing, `~` or `null`, without quotes."""
    return (
        isinstance(node, Scalar) and node.plain and node.text in {"", "~", "null", "Null", "NULL"}
    )


def describe(node: Node) -> str:
    """Return what kind of thing stands there, for people."""
    if is_null(node):
        return "nothing"
    kinds = {Scalar: "a single value", Sequence: "a list", Mapping: "a mapping"}
    return kinds[type(node)]


def scalars(node: Node) -> Iterator[Scalar]:
    """Walk over the values (not the keys) at and below a node."""
    if isinstance(node, Scalar):
        return iter((node,))
    children = node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]
    return chain.from_iterable(map(scalars, children))
