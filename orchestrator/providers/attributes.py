"""The inputs of a resource: their types, and the normal form in which they are compared.

Engines carry numbers as floats and lists in any order; services answer in orders of their own.
Both sides are put in the same form, so that comparing them is `!=`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN, Fault, Properties


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """One input. `read` returns its normal form or raises ValueError saying what is wanted.

    An optional input that is absent or null is left to the cloud and never compared.
    """

    read: Callable[[Json], Json]
    meaning: str
    required: bool = False


def text(value: Json) -> Json:
    """Read a text."""
    if not isinstance(value, str):
        raise ValueError("is to be a text")
    return value


def whole(value: Json) -> Json:
    """Read a whole number, which Pulumi carries as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError("is to be a whole number")
    return int(value)


def flag(value: Json) -> Json:
    """Read a truth value."""
    if not isinstance(value, bool):
        raise ValueError("is to be true or false")
    return value


def texts(value: Json) -> Json:
    """Read a list of texts whose order means something."""
    if not isinstance(value, list):
        raise ValueError("is to be a list of texts")
    return [text(item) for item in value]


def text_set(value: Json) -> Json:
    """Read a list of texts whose order means nothing."""
    if not isinstance(value, list):
        raise ValueError("is to be a list of texts")
    return list(sorted({str(text(item)) for item in value}))


def mapping(value: Json) -> Json:
    """Read a mapping of texts to texts."""
    if not isinstance(value, dict):
        raise ValueError("is to be a mapping of texts")
    return {key: text(value[key]) for key in sorted(value)}


def prefix(value: Json) -> Json:
    """Read an address prefix."""
    return str(ip_network(str(text(value))))


def prefixes(value: Json) -> Json:
    """Read prefixes whose order means nothing."""
    if not isinstance(value, list):
        raise ValueError("is to be a list of prefixes")
    return list(sorted({str(prefix(item)) for item in value}))


def address(value: Json) -> Json:
    """Read an IP address."""
    return str(ip_address(str(text(value))))


def is_unknown(value: Json) -> bool:
    """Say whether a value is, or contains, one that is known only after an update."""
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    return value == UNKNOWN


def normal(
    attributes: Mapping[str, Attribute], inputs: Properties
) -> tuple[dict[str, Json], tuple[Fault, ...]]:
    """Return the inputs in normal form, and what is wrong with them."""
    faults = [
        Fault(attribute=name, reason="is not an attribute of this resource")
        for name in sorted(inputs.keys() - attributes.keys())
    ]
    checked: dict[str, Json] = {}
    for name, attribute in attributes.items():
        value = inputs.get(name)
        if value is None:
            if attribute.required:
                faults.append(Fault(attribute=name, reason="is missing"))
        elif is_unknown(value):
            checked[name] = value
        else:
            try:
                checked[name] = attribute.read(value)
            except ValueError as error:
                faults.append(Fault(attribute=name, reason=str(error)))
    return checked, tuple(faults)
