"""Turn the text of one file into a tree of nodes, with bounded work whatever the text holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    ScalarEvent,
    SequenceStartEvent,
)

from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.kinds import FaultKind
from orchestrator.spec.nodes import Mapping, Node, Scalar, Sequence

MAX_DEPTH: Final = 40
MAX_VALUES: Final = 1_000_000
MAX_ALIASED_VALUES: Final = 10_000

# libyaml is some ten times faster; PyYAML without it reads the same language.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str, faults: Faults) -> Node | None:
    """Return the file's tree, or None where it says what nobody meant; faults are noted."""
    tree = _Tree(faults)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            tree.take(event)
    except yaml.MarkedYAMLError as error:
        _note_syntax(text, error, faults)
    except _StoppedError:
        pass  # the fault that stopped us is noted already
    else:
        return None if tree.is_misleading else tree.root
    return None


class _StoppedError(Exception):
    """The rest of the file is not worth reading."""


class _Spot(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been met."""

    node: Sequence | Mapping
    anchor: str | None
    values_before: int
    keys: dict[str, Scalar]
    key: Scalar | None = None


class _Tree:
    """Builds nodes out of the parser's events."""

    def __init__(self, faults: Faults) -> None:
        self.root: Node | None = None
        self.is_misleading = False
        """A tag or merge key makes the rest mean something else: judging it would mislead."""
        self._faults = faults
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._documents = 0
        self._values = 0
        self._aliased_values = 0

    def take(self, event: Event) -> None:
        """Take the next event. Scalars first: they are nearly all of them."""
        match event:
            case ScalarEvent():
                self._take_scalar(event)
            case CollectionStartEvent():
                self._take_collection(event)
            case CollectionEndEvent():
                self._close()
            case AliasEvent():
                self._take_alias(str(event.anchor), _spot(event))
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop(kinds.SECOND_DOCUMENT, _spot(event), "A second `---` starts here.")

    def _take_scalar(self, event: ScalarEvent) -> None:
        line, column = _spot(event)
        scalar = Scalar(line, column, event.value, bool(event.implicit[0]))
        self._count(scalar, event.tag)
        if event.anchor:
            self._anchors[event.anchor] = (scalar, 1)
        self._place(scalar)

    def _take_collection(self, event: CollectionStartEvent) -> None:
        line, column = _spot(event)
        is_list = isinstance(event, SequenceStartEvent)
        node = Sequence(line, column) if is_list else Mapping(line, column)
        self._count(node, event.tag)
        self._descend(node, event.anchor)

    def _count(self, node: Node, tag: str | None) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._stop(kinds.TOO_MUCH, node, f"The file holds more than {MAX_VALUES:,} values.")
        if tag is not None:
            self._faults.add(kinds.TAG, node, f"The tag is `{tag}`.")
            self.is_misleading = True

    def _descend(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._stop(kinds.TOO_DEEP, node, f"Here the nesting passes {MAX_DEPTH} levels.")
        if anchor:
            self._anchors[anchor] = None
        self._place(node)
        self._open.append(_Open(node, anchor, self._values, {}))

    def _close(self) -> None:
        closed = self._open.pop()
        if closed.anchor:
            self._anchors[closed.anchor] = (closed.node, 1 + self._values - closed.values_before)

    def _take_alias(self, anchor: str, spot: _Spot) -> None:
        known = self._anchors.get(anchor)
        if known is None:
            self._stop(kinds.BAD_ALIAS, spot, f"`*{anchor}` refers to nothing that is complete.")
        node, values = known
        self._values += values
        self._aliased_values += values
        if self._aliased_values > MAX_ALIASED_VALUES:
            detail = f"With `*{anchor}` the aliases repeat more than {MAX_ALIASED_VALUES:,} values."
            self._stop(kinds.TOO_MUCH, spot, detail)
        self._place(node)

    def _place(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = self._as_key(node, parent.keys)
        else:
            parent.node.pairs.append((parent.key, node))
            parent.key = None

    def _as_key(self, node: Node, known: dict[str, Scalar]) -> Scalar:
        if not isinstance(node, Scalar) or not node.text:
            self._stop(kinds.BAD_KEY, node, "A list, a mapping or nothing stands as a key.")
        if node.text == "<<" and node.plain:
            self._faults.add(kinds.MERGE_KEY, node, "`<<` would take keys from elsewhere.")
            self.is_misleading = True
        first = known.setdefault(node.text, node)
        if first is not node:
            detail = (
                f"`{node.text}` stands on line {first.line}, column {first.column} already, "
                f"and again on line {node.line}."
            )
            self._faults.add(kinds.DUPLICATE_KEY, node, detail)
        return node

    def _stop(self, kind: FaultKind, place: Node | _Spot, detail: str) -> NoReturn:
        self._faults.add(kind, place, detail)
        raise _StoppedError


def _spot(event: Event) -> _Spot:
    mark = event.start_mark
    return _Spot(mark.line + 1, mark.column + 1) if mark else _Spot(1, 1)


def _note_syntax(text: str, error: yaml.MarkedYAMLError, faults: Faults) -> None:
    """Note a syntax error; a tab in the indentation around it is the likelier cause."""
    mark = error.problem_mark or error.context_mark
    spot = _Spot(mark.line + 1, mark.column + 1) if mark else _Spot(1, 1)
    lines = text.splitlines()
    for line in (spot.line, spot.line - 1):
        written = lines[line - 1] if 1 <= line <= len(lines) else ""
        indentation = written[: len(written) - len(written.lstrip())]
        if "\t" in indentation:
            faults.add(
                kinds.TAB, _Spot(line, indentation.index("\t") + 1), "A tab stands before the text."
            )
            return
    problem = error.problem or "the text ends too early"
    context = f" ({error.context})" if error.context else ""
    faults.add(kinds.BAD_YAML, spot, f"The parser says: {problem}{context}.")
