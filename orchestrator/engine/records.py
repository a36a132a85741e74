"""One resource as a checkpoint records it (Pulumi's ResourceV3), always in sealed form.

Sealed: secrets inside `inputs` and `outputs` are ciphertext, exactly as written to disk, so
that no plain secret waits in memory and an unchanged record is written back byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.engine.urn import provider_urn
from orchestrator.errors import StateError
from orchestrator.model.units import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One resource in the state."""

    urn: str
    kind: str
    custom: bool
    id: str = ""
    doomed: bool = False
    """Replaced, and waiting to be deleted (Pulumi's `delete`)."""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Json] = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    external: bool = False
    dependencies: tuple[str, ...] = ()
    init_errors: tuple[str, ...] = ()
    """Why the resource exists but is not ready."""
    provider: str = ""
    """`URN::ID` of its provider."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pending_replacement: bool = False
    """Deleted already, so that its replacement can be made."""
    secret_outputs: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    ignore_changes: tuple[str, ...] = ()
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Fields of a newer or fuller engine: kept as they are."""

    def references(self) -> Iterable[str]:
        """Yield the URN of everything that this resource needs to exist."""
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns
        if self.parent:
            yield self.parent
        if self.provider:
            yield provider_urn(self.provider)

    def to_json(self) -> dict[str, Json]:
        """Return the record as Pulumi writes it: empty fields are left out."""
        written: dict[str, Json] = {"urn": self.urn, "custom": self.custom}
        for attribute, key in _KEYS.items():
            value = _as_json(getattr(self, attribute))
            if value:
                written[key] = value
        return {**written, **self.extra}

    @classmethod
    def from_json(cls, written: Mapping[str, Json]) -> Record:
        """Read one record. Raises StateError where it is not one."""
        known: dict[str, Any] = {
            attribute: _from_json(attribute, written[key])
            for attribute, key in _KEYS.items()
            if key in written
        }
        extra = {key: value for key, value in written.items() if key not in _KNOWN}
        try:
            return cls(
                urn=_text(written["urn"]), custom=bool(written["custom"]), extra=extra, **known
            )
        except (KeyError, TypeError) as error:
            raise StateError(
                f"a resource in the state is not in Pulumi's format: {error}",
                remedy="Restore the stack's .bak file, or import a good export.",
            ) from error


# attribute -> Pulumi's name, in Pulumi's order
_KEYS = {
    "doomed": "delete",
    "id": "id",
    "kind": "type",
    "inputs": "inputs",
    "outputs": "outputs",
    "parent": "parent",
    "protect": "protect",
    "external": "external",
    "dependencies": "dependencies",
    "init_errors": "initErrors",
    "provider": "provider",
    "property_dependencies": "propertyDependencies",
    "pending_replacement": "pendingReplacement",
    "secret_outputs": "additionalSecretOutputs",
    "created": "created",
    "modified": "modified",
    "ignore_changes": "ignoreChanges",
}
_KNOWN = frozenset(_KEYS.values()) | {"urn", "custom"}
_LISTS = frozenset({"dependencies", "init_errors", "secret_outputs", "ignore_changes"})


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _as_json(value: Json | tuple[str, ...] | Mapping[str, Json]) -> Json:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {key: _as_json(inner) for key, inner in value.items()}
    return value


def _from_json(attribute: str, value: Json) -> object:
    if attribute in _LISTS and isinstance(value, list):
        return tuple(_text(item) for item in value)
    if attribute == "property_dependencies" and isinstance(value, dict):
        return {key: tuple(urns) for key, urns in value.items() if isinstance(urns, list)}
    return value


def in_dependency_order(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the records so that each stands after all that it refers to; stable otherwise.

    A reference to a URN with two records (one of them doomed) counts for both.
    """
    by_urn: dict[str, list[Record]] = {}
    for record in records:
        by_urn.setdefault(record.urn, []).append(record)
    ordered: list[Record] = []
    entered: set[int] = set()
    for first in records:
        stack = [(first, False)]
        while stack:
            record, complete = stack.pop()
            if complete:
                ordered.append(record)
            elif id(record) not in entered:
                entered.add(id(record))
                stack.append((record, True))
                needed = [
                    found
                    for urn in dict.fromkeys(record.references())
                    for found in by_urn.get(urn, ())
                    if id(found) not in entered
                ]
                stack.extend((found, False) for found in reversed(needed))
    return tuple(ordered)
