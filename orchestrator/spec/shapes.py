"""Build the model's dataclasses from nodes: one reader per type, made from the type's own hints.

The model stays free of YAML: everything the door needs to know stands in its annotations.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from orchestrator.model.names import did_you_mean
from orchestrator.model.units import MacAddress, Name, Position, SecretRef, Source
from orchestrator.spec import kinds
from orchestrator.spec.nodes import Mapping, Node, Sequence, describe, is_null
from orchestrator.spec.numbers import integer_reader, number_reader
from orchestrator.spec.values import (
    BAD,
    Reader,
    Reading,
    address_reader,
    choice_reader,
    prefix_reader,
    read_any_text,
    read_bool,
    read_date,
    read_mac,
    read_name,
    read_secret_ref,
    read_text,
)

SOURCE: Final = "source"
"""The field that the door fills itself."""

_PLAIN_READERS: Final[dict[object, Reader]] = {
    str: read_text,
    bool: read_bool,
    int: integer_reader(),
    float: number_reader(),
    date: read_date,
    SecretRef: read_secret_ref,
    IPv4Address: address_reader(IPv4Address),
    IPv4Network: prefix_reader(IPv4Network),
    IPv4Address | IPv6Address: address_reader(IPv4Address, IPv6Address),
    IPv4Network | IPv6Network: prefix_reader(IPv4Network, IPv6Network),
    Name: read_name,
    MacAddress: read_mac,
}


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One key of a mapping: where its value goes, its type, and how it is read."""

    key: str
    attribute: str
    hint: Any
    required: bool
    read: Reader


@dataclass(frozen=True, slots=True)
class Shape:
    """How a mapping becomes one of the model's dataclasses."""

    type: type
    fields: dict[str, FieldShape]
    required: frozenset[str]
    has_source: bool

    def __call__(self, node: Node, reading: Reading) -> object:
        """Read one mapping; every fault in it is noted."""
        if not isinstance(node, Mapping):
            detail = f"A mapping with {self._keys()} is wanted, and {describe(node)} stands here."
            reading.faults.add(kinds.WRONG_SHAPE, node, detail)
            return BAD
        values: dict[str, object] = {}
        sound = True
        for key, value in node.pairs:
            known = self.fields.get(key.text)
            if known is None:
                remedy = f"Known here: {self._keys()}.{did_you_mean(key.text, self.fields)}"
                reading.faults.add(
                    kinds.UNKNOWN_KEY, key, f"`{key.text}` means nothing here.", remedy=remedy
                )
                sound = False
                continue
            values[known.attribute] = result = known.read(value, reading)
            sound = sound and result is not BAD
        if not self.required <= values.keys():
            self._note_missing(node, values, reading)
            return BAD
        if not sound:
            return BAD
        if self.has_source:
            values[SOURCE] = node.source or source_of(node, reading.faults.file)
        return self.type(**values)

    def _note_missing(self, node: Mapping, values: dict[str, object], reading: Reading) -> None:
        missing = [
            f"`{known.key}`"
            for known in self.fields.values()
            if known.required and known.attribute not in values
        ]
        detail = f"Missing: {', '.join(missing)}."
        reading.faults.add(kinds.MISSING_KEY, node, detail)

    def _keys(self) -> str:
        return ", ".join(self.fields)


@cache
def shape_of(model: type) -> Shape:
    """Return how a dataclass is read."""
    hints = get_type_hints(model, include_extras=True)
    shapes = [_field_shape(each, hints[each.name]) for each in fields(model) if each.name != SOURCE]
    return Shape(
        type=model,
        fields={each.key: each for each in shapes},
        required=frozenset(each.attribute for each in shapes if each.required),
        has_source=SOURCE in hints,
    )


def source_of(node: Mapping, file: str) -> Source:
    """Return where a mapping starts, with the places of all that is inside it."""
    places: dict[str, Position] = {}
    _collect_places(node, "", places)
    return Source(file=file, line=node.line, column=node.column, fields=places)


def _collect_places(node: Node, path: str, places: dict[str, Position]) -> None:
    if isinstance(node, Mapping):
        children = [(key.text, value) for key, value in node.pairs]
    elif isinstance(node, Sequence):
        children = [(str(index), item) for index, item in enumerate(node.items)]
    else:
        return
    for step, child in children:
        child_path = f"{path}.{step}" if path else step
        places[child_path] = Position(line=child.line, column=child.column)
        _collect_places(child, child_path, places)


def _field_shape(each: Field[Any], hint: object) -> FieldShape:
    required = each.default is MISSING and each.default_factory is MISSING
    # A text whose default is empty may be written as empty; any other must say something.
    read = read_any_text if hint is str and each.default == "" else _reader(hint)
    return FieldShape(
        key=each.metadata.get("yaml", each.name),
        attribute=each.name,
        hint=hint,
        required=required,
        read=read,
    )


def _reader(hint: object) -> Reader:
    """Return the reader for a type hint of the model."""
    plain = _PLAIN_READERS.get(hint)
    if plain is not None:
        return plain
    if is_dataclass(hint) and isinstance(hint, type):
        return shape_of(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return choice_reader(hint)
    return _composite_reader(hint)


def _composite_reader(hint: object) -> Reader:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded_reader(arguments[0], arguments[1:])
    if origin in {Union, UnionType} and NoneType in arguments:
        rest = [each for each in arguments if each is not NoneType]
        return _optional_reader(_reader(Union[tuple(rest)]))  # noqa: UP007 - X | Y cannot be built of a list
    if origin is tuple:
        return _list_reader(_reader(arguments[0]))
    if origin is dict:
        return _read_text_map
    raise TypeError(f"the YAML door cannot read {hint!r}")


def _bounded_reader(base: object, bounds: tuple[object, ...]) -> Reader:
    if base is int:
        return integer_reader(*bounds)
    if base is float:
        return number_reader(*bounds)
    return _reader(base)


def _optional_reader(inner: Reader) -> Reader:
    def read_optional(node: Node, reading: Reading) -> object:
        return None if is_null(node) else inner(node, reading)

    return read_optional


def _list_reader(inner: Reader) -> Reader:
    def read_list(node: Node, reading: Reading) -> object:
        if not isinstance(node, Sequence):
            detail = f"A list is wanted, and {describe(node)} stands here."
            remedy = "Write `[]` for an empty list, or each item after `- `."
            reading.faults.add(kinds.WRONG_SHAPE, node, detail, remedy=remedy)
            return BAD
        items = [inner(item, reading) for item in node.items]
        return BAD if BAD in items else tuple(items)

    return read_list


def _read_text_map(node: Node, reading: Reading) -> object:
    """Read a mapping of texts to texts, such as extra specs."""
    if not isinstance(node, Mapping):
        detail = f"A mapping is wanted, and {describe(node)} stands here."
        reading.faults.add(kinds.WRONG_SHAPE, node, detail)
        return BAD
    texts = {key.text: read_any_text(value, reading) for key, value in node.pairs}
    return BAD if BAD in texts.values() else texts
