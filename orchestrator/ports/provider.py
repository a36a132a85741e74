"""The provider interface: plain JSON values in and out, so that every engine can serve it.

The embedded engine calls it directly; `providers.plugin` serves the same object to the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.model.units import Json

Properties = Mapping[str, Json]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Pulumi's sentinel for a value that is known only after an update."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What the engines must know of a resource type."""

    token: str
    """`govcloud:identity:Project`."""
    holds: bool
    """Deleting it loses something: it is kept as an orphan until `removed:` lists its thing."""
    replace_on: frozenset[str] = frozenset()
    """Inputs that cannot be changed in place."""
    write_only: frozenset[str] = frozenset()
    """Inputs that the cloud does not give back, so that drift in them is unknown."""
    secret_outputs: frozenset[str] = frozenset()
    at_restart: frozenset[str] = frozenset()
    """Inputs that are written at once and come into force when the server next restarts."""
    delete_before_replace: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An input that a provider refuses."""

    attribute: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Diff:
    """Which inputs differ, and which of them force a replacement."""

    changes: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A resource that exists: its id and what the cloud says of it."""

    id: str
    outputs: Properties


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """A resource as the cloud has it, in the shape of the inputs (only what can be read back)."""

    id: str
    properties: Properties = field(default_factory=dict)
    """What waits for a restart stands here as it will be after it."""
    pending: tuple[str, ...] = ()
    """Which of it waits for a restart, in words: `bios.ProcTurboMode`."""


class PartlyMadeError(Exception):
    """The resource exists but is not ready; the engine records it with its reasons."""

    def __init__(self, made: Made, reasons: tuple[str, ...]) -> None:
        """Carry what exists."""
        super().__init__("; ".join(reasons))
        self.made = made
        self.reasons = reasons


class Provider(Protocol):
    """Makes, reads, changes, deletes and lists resources. Safe to call from many threads.

    Every call is bounded in time; 429, 5xx and lost connections are retried inside.
    """

    @property
    def version(self) -> str:
        """Return the version that goes into the digest of every stack."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return the resource types by token."""

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        """Return the inputs in normal form with defaults, and what is refused in them.

        Values may be UNKNOWN.
        """

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        """Compare checked inputs; an UNKNOWN differs from everything."""

    def create(self, kind: str, inputs: Properties) -> Made:
        """Make the resource, or adopt the one of the same owner and name that already exists.

        Adoption makes a killed run resumable: no duplicates.
        """

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        """Return one resource as the cloud has it, or None where it is gone."""

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        """Change the resource in place; return its new outputs."""

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        """Delete the resource; one that is gone already is fine."""

    def list(self, kind: str, recorded: Mapping[str, Properties]) -> Mapping[str, Observed]:
        """Return those that exist, by bulk reads: one call per kind and scope.

        `recorded` has the inputs of each id: a device is asked only for what is declared of it.
        """
