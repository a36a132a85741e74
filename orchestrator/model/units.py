"""Quantities that carry their unit as a type, and the small values that every layer uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, NewType

from annotated_types import Ge, Gt, Len

Watts = NewType("Watts", int)

Name = Annotated[str, Len(1, 63)]
"""A name as it is typed: lower-case letters, digits and hyphens; checked at the YAML door."""

MacAddress = Annotated[str, Len(17, 17)]
"""Six bytes in lower case with colons; the YAML door brings every other spelling into this."""

PositiveInt = Annotated[int, Gt(0)]
NaturalInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where an entry of the site was written: its file, its start, and the start of each field."""

    file: str
    line: int
    column: int
    fields: dict[str, Position] = field(default_factory=dict)

    def at(self, name: str) -> Source:
        """Return the place of one field's value, or of the entry where that is not known.

        A dotted name reaches inside: `quota.cores`, `feeds.0.panel`.
        """
        found = self.fields.get(name)
        if found is None:
            return self
        return Source(file=self.file, line=found.line, column=found.column)


NOWHERE = Source(file="", line=0, column=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A display text in the two languages of the users."""

    zh: str
    en: str


REFERENCE_SCHEME = "secret://"
"""How every reference to a secret begins."""


class SecretRef(str):
    """A reference to a secret, `secret://path/name`; never the secret itself."""

    __slots__ = ()


class Secret:
    """A secret that cannot be printed, compared or pickled by accident.

    Only an adapter opens it, at the last line before the wire.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Wrap the plain text."""
        self._value = value

    def reveal(self) -> str:
        """Return the plain text."""
        return self._value

    def __repr__(self) -> str:
        """Hide the plain text."""
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled."""
        raise TypeError("a Secret is not written anywhere")
