"""Pulumi's marks inside plain JSON values: secrets, unknowns, and the rest that we refuse.

In memory a secret is `{SIGNATURE: SECRET, "value": x}`; in a checkpoint it carries `ciphertext`
instead of `value`. An unknown is the string `UNKNOWN` of the provider port.

Source:
    The signatures are Pulumi's own constants (sdk/python/lib/pulumi/runtime/rpc.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type mark, not a password
_RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_FOREIGN = {
    "c44067f5952c0a294b673a41bacd8c17": "assets",
    "0def7320c3a5731c473e5ecbe6d01bc7": "archives",
    _RESOURCE_REFERENCE: "resource references",
    "d0e6a833031e9bbcd3f4e8bde6ca49a4": "output values",
}


def is_secret(value: Json) -> bool:
    """Say whether the value itself is marked secret, open or encrypted."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def has_secret(value: Json) -> bool:
    """Say whether a secret is anywhere inside the value."""
    if isinstance(value, dict):
        return is_secret(value) or any(map(has_secret, value.values()))
    return isinstance(value, list) and any(map(has_secret, value))


def has_unknown(value: Json) -> bool:
    """Say whether an unknown is anywhere inside the value."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value == UNKNOWN


def as_secret(value: Json) -> Json:
    """Mark a value as secret; marks inside it fall away, the outer one covers them."""
    return {SIGNATURE: SECRET, "value": plain(value)}


def plain(value: Json) -> Json:
    """Return the value without its secret marks, open."""
    if isinstance(value, dict):
        if is_secret(value):
            return plain(value["value"])
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def plain_properties(properties: Mapping[str, Json]) -> dict[str, Json]:
    """Return properties without their secret marks."""
    return {key: plain(value) for key, value in properties.items()}


def foreign_feature(value: Json) -> str | None:
    """Return the name of a Pulumi value type in here that we do not support, or None."""
    if isinstance(value, dict):
        mark = value.get(SIGNATURE)
        if isinstance(mark, str) and mark in _FOREIGN:
            return _FOREIGN[mark]
        return next(filter(None, map(foreign_feature, value.values())), None)
    if isinstance(value, list):
        return next(filter(None, map(foreign_feature, value)), None)
    return None
