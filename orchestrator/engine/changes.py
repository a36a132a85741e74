"""What an act changes, in the words of the plan: attributes before and after, secrets hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.engine.urn import name_of
from orchestrator.model.stack import HIDDEN, Action, AttributeChange, ResourceChange
from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN
from orchestrator.providers.values import has_secret, is_secret

KNOWN_LATER = "(known after apply)"
"""What stands in the place of a value that another resource's creation decides."""

_SHORTEST_SECRET = 4
"""Shorter texts are not searched for: replacing every `a` would leave nothing readable."""

Properties = Mapping[str, Json]


def change_of(
    urn: str,
    action: Action,
    *,
    kind: str,
    attributes: Iterable[AttributeChange] = (),
    drifted: bool = False,
) -> ResourceChange:
    """Return the change of one resource."""
    return ResourceChange(
        kind=kind,
        name=name_of(urn),
        action=action,
        attributes=tuple(attributes),
        drifted=drifted,
    )


def attribute_changes(
    names: Iterable[str], old: Properties, new: Properties
) -> Iterator[AttributeChange]:
    """Yield the named attributes, before and after; `old` and `new` carry secret marks."""
    for name in sorted(set(names)):
        before, after = old.get(name), new.get(name)
        if has_secret(before) or has_secret(after):
            yield AttributeChange(path=name, secret=True)
        else:
            yield AttributeChange(path=name, old=_shown(before), new=_shown(after))


def _shown(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return KNOWN_LATER if value == UNKNOWN else value


def without_secrets(text: str, properties: Properties) -> str:
    """Return a text with every secret of the properties hidden; they carry secret marks."""
    for secret in sorted(set(_secret_texts(dict(properties), inside=False)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secret_texts(value: Json, *, inside: bool) -> Iterator[str]:
    inside = inside or is_secret(value)
    if isinstance(value, dict):
        inner: Iterable[Json] = [value.get("value")] if is_secret(value) else value.values()
    elif isinstance(value, list):
        inner = value
    else:
        if inside and isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
            yield value
        return
    for item in inner:
        yield from _secret_texts(item, inside=inside)
