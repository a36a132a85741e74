"""Plain JSON values to and from the protobuf Structs of Pulumi's protocols."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Struct, Value

from orchestrator.model.units import Json

_EXACT_INTEGERS = 2**53
"""Struct numbers are doubles: whole numbers below this come back as the integers they were."""


def from_value(value: Value) -> Json:
    """Return one protobuf value as JSON."""
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [from_value(inner) for inner in value.list_value.values]
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _number(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) < _EXACT_INTEGERS else number


def from_struct(struct: Struct) -> dict[str, Json]:
    """Return a Struct as a JSON object."""
    return {key: from_value(value) for key, value in struct.fields.items()}


def to_struct(properties: Mapping[str, Json]) -> Struct:
    """Return a JSON object as a Struct."""
    struct = Struct()
    fields = struct.fields
    for key, value in properties.items():
        _put(fields[key], value)
    return struct


def _put(target: Value, value: Json) -> None:
    if value is None:
        target.null_value = 0  # type: ignore[assignment] # the stubs want the enum's member
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, inner in value.items():
            _put(target.struct_value.fields[key], inner)
    else:
        target.list_value.SetInParent()
        for inner in value:
            _put(target.list_value.values.add(), inner)
