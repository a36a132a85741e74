"""What a kind of resource is to the engines, whatever stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import ClassVar

from orchestrator.ports.provider import Diff, Fault, Kind, Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, is_unknown, normal

PACKAGE = "govcloud"

READ_MAX_AGE_SECONDS = 20.0
"""How old a list may be for reading one resource from it; drift always reads afresh."""


class ResourceKind(ABC):
    """One type of resource, with its inputs and its five acts."""

    kind: ClassVar[Kind]
    attributes: ClassVar[Mapping[str, Attribute]]
    unseen: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change alone changes nothing in the cloud."""

    def check(self, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        """Return the inputs in normal form, and what is refused in them."""
        return normal(self.attributes, inputs)

    def diff(self, old: Properties, new: Properties) -> Diff:
        """Compare checked inputs."""
        changes = tuple(
            name
            for name in sorted((old.keys() | new.keys()) - self.unseen)
            if is_unknown(new.get(name)) or old.get(name) != new.get(name)
        )
        return Diff(
            changes=changes,
            replaces=tuple(name for name in changes if name in self.kind.replace_on),
        )

    @abstractmethod
    def create(self, inputs: Properties) -> Made:
        """Make the resource, or adopt the one that exists."""

    @abstractmethod
    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Change the resource in place."""

    @abstractmethod
    def delete(self, made: Made, inputs: Properties) -> None:
        """Delete the resource."""

    @abstractmethod
    def observe(
        self, recorded: Mapping[str, Properties], /, *, max_age_seconds: float = 0.0
    ) -> dict[str, Observed]:
        """Return those that exist, by bulk reads; `recorded` has the inputs of each id.

        Most kinds need the ids only, and take any collection of them.
        """

    def read(self, resource_id: str, inputs: Properties) -> Observed | None:
        """Return one resource out of the bulk reading, so that many reads cost one call."""
        wanted = {resource_id: inputs}
        return self.observe(wanted, max_age_seconds=READ_MAX_AGE_SECONDS).get(resource_id)


def declare(
    name: str,
    *,
    holds: bool,
    replace_on: AbstractSet[str] = frozenset(),
    write_only: AbstractSet[str] = frozenset(),
    secret_outputs: AbstractSet[str] = frozenset(),
    at_restart: AbstractSet[str] = frozenset(),
) -> Kind:
    """Describe a kind of our package to the engines, by its service and name."""
    return Kind(
        token=f"{PACKAGE}:{name}",
        holds=holds,
        replace_on=frozenset(replace_on),
        write_only=frozenset(write_only),
        secret_outputs=frozenset(secret_outputs),
        at_restart=frozenset(at_restart),
    )
