"""The JSON Schema of a site's files, for editors: made from the model, so it cannot lag behind.

One schema fits every file: an editor knows a file by its keys as little as by its name, and a key
in the wrong file is found by `orchestrator check` with a line that says where it belongs.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import pairwise
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval

from orchestrator.model.names import NAME_PATTERN
from orchestrator.model.units import MacAddress, Name, SecretRef
from orchestrator.spec.load import FILE_SHAPES
from orchestrator.spec.ranges import RANGE_PATTERN
from orchestrator.spec.secrets import REFERENCE_PATTERN
from orchestrator.spec.shapes import FieldShape, shape_of

Json = dict[str, Any]

_HAS_RANGE: Final[Json] = {"type": "string", "pattern": RANGE_PATTERN}

_PLAIN: Final[dict[object, Json]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"anyOf": [{"type": "integer"}, _HAS_RANGE]},
    float: {"anyOf": [{"type": "number"}, _HAS_RANGE]},
    date: {"type": "string", "format": "date"},
    SecretRef: {
        "type": "string",
        "pattern": f"^{REFERENCE_PATTERN}$|^secret://.*{RANGE_PATTERN}",
    },
    IPv4Address: {"type": "string", "description": "An IPv4 address."},
    IPv6Address: {"type": "string", "description": "An IPv6 address."},
    IPv4Network: {"type": "string", "description": "An IPv4 prefix, 10.0.0.0/24."},
    IPv6Network: {"type": "string", "description": "An IPv6 prefix, 2001:db8::/32."},
    IPv4Address | IPv6Address: {"type": "string", "description": "An address."},
    IPv4Network | IPv6Network: {"type": "string", "description": "A prefix, 10.0.0.0/24."},
    Name: {"type": "string", "pattern": f"^{NAME_PATTERN}$|{RANGE_PATTERN}", "minLength": 1},
    MacAddress: {"type": "string", "description": "A MAC address, 0c:42:a1:00:00:1f."},
}


def json_schema() -> Json:
    """Return the schema, draft 2020-12, of every YAML file of a site directory."""
    definitions: Json = {}
    properties: Json = {}
    for kind, model in FILE_SHAPES.items():
        for field in shape_of(model).fields.values():
            entry = _of_field(field, model, definitions)
            entry["description"] = f"In {kind}.yaml. {entry.get('description', '')}".rstrip()
            properties[field.key] = entry
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A site's files: site.yaml, and per layer <layer>.yaml or <layer>/*.yaml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "$defs": definitions,
    }


def _of_field(field: FieldShape, owner: type, definitions: Json) -> Json:
    schema = dict(_of_hint(field.hint, definitions))
    described = _attribute_docs(owner).get(field.attribute)
    if described:
        schema["description"] = described
    default = _default(owner, field.attribute)
    if default is not None:
        schema["default"] = default
    return schema


def _of_hint(hint: object, definitions: Json) -> Json:
    plain = _PLAIN.get(hint)
    if plain is not None:
        return plain
    if is_dataclass(hint) and isinstance(hint, type):
        return _reference(hint, definitions)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [str(choice) for choice in hint], "description": _first_line(hint)}
    return _of_composite(hint, definitions)


def _of_composite(hint: object, definitions: Json) -> Json:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded(_of_hint(arguments[0], definitions), arguments[1:])
    if origin in {Union, UnionType}:
        choices = [_of_hint(each, definitions) for each in arguments if each is not NoneType]
        return {"anyOf": [*choices, {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _of_hint(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    raise TypeError(f"the schema cannot describe {hint!r}")


def _bounded(schema: Json, bounds: tuple[object, ...]) -> Json:
    """Return the schema of a number, with its bounds; a range in quotes stays possible."""
    limits: Json = {}
    for bound in bounds:
        match bound:
            case Gt(gt=int(above)):
                limits["exclusiveMinimum"] = above
            case Ge(ge=int(least)):
                limits["minimum"] = least
            case Interval(ge=int(least), le=int(most)):
                limits |= {"minimum": least, "maximum": most}
    if not limits:
        return schema
    number, *others = schema["anyOf"]
    return {"anyOf": [number | limits, *others]}


def _reference(model: type, definitions: Json) -> Json:
    """Return a reference to a mapping's schema, which is defined on first use."""
    name = model.__name__
    if name not in definitions:
        definitions[name] = {}  # taken, should it refer to itself
        shape = shape_of(model)
        definitions[name] = {
            "type": "object",
            "description": _first_line(model),
            "properties": {
                field.key: _of_field(field, model, definitions) for field in shape.fields.values()
            },
            "required": [field.key for field in shape.fields.values() if field.required],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _first_line(documented: type) -> str:
    return (inspect.getdoc(documented) or "").split("\n", maxsplit=1)[0]


def _default(owner: type, attribute: str) -> str | int | float | bool | None:
    """Return a default that JSON can show; None where there is none."""
    for field in fields(owner) if is_dataclass(owner) else ():
        if field.name == attribute and field.default is not MISSING:
            default = field.default
            return default if isinstance(default, str | int | float | bool) else None
    return None


@cache
def _attribute_docs(model: type) -> dict[str, str]:
    """Return what the strings below a dataclass's attributes say.

    Python drops these strings when it compiles; they stand in the source only.
    """
    body = ast.parse(dedent(inspect.getsource(model))).body[0]
    docs: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for attribute, following in pairwise(statements):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    docs[attribute.target.id] = re.sub(r"\s+", " ", text).strip()
    return docs
