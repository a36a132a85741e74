"""Stacks: the unit that is previewed and updated, its recorded state, and what changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.site import Layer
from orchestrator.model.units import Json

PROJECT_OF_LAYER: Mapping[Layer, str] = {
    Layer.ROOM: "room",
    Layer.NETWORK: "network",
    Layer.HARDWARE: "hardware",
    Layer.SYSTEM: "system",
    Layer.TENANCY: "tenant",
}
"""The folder under stacks/ (and Pulumi project) that provisions each layer."""

PART_MARK = "#"
"""Separates the thing of the site from its part in a resource's name: `project/a/b#network`."""


def thing_of(resource_name: str) -> str:
    """Return the declared thing that a resource belongs to: `project/a/b#network` -> `project/a/b`.

    A thing's name is what `removed:` lists and what the site's tags carry.
    """
    return resource_name.partition(PART_MARK)[0]


class Action(StrEnum):
    """What happens to a resource; the value is the mark in the printed plan."""

    CREATE = "+"
    UPDATE = "~"
    REPLACE = "-/+"
    DELETE = "-"
    KEEP_ORPHAN = "?"
    """No longer declared and not listed under `removed:`: kept as it is."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class StackName:
    """A stack: its layer and its name in the layer (a region, `site`, or a tenant)."""

    layer: Layer
    name: str

    @property
    def project(self) -> str:
        """Return the Pulumi project, which is also the folder under stacks/."""
        return PROJECT_OF_LAYER[self.layer]

    def __str__(self) -> str:
        """Return `layer/name`."""
        return f"{self.layer.value}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackJob:
    """A stack and the slice of the site that it is to become."""

    stack: StackName
    slice_json: str
    """The slice as canonical JSON; the Pulumi program reads it as its configuration."""
    digest: str
    """SHA-256 of the slice, the program's files and the provider's version, hex."""
    removals: frozenset[str] = frozenset()
    """Things that the site lists under `removed:`; only their resources may be deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeChange:
    """One attribute of a resource, before and after; a secret one carries no values."""

    path: str
    old: Json = None
    new: Json = None
    secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceChange:
    """What happens to one resource."""

    kind: str
    """Type token, `govcloud:identity:Project`."""
    name: str
    """`project/TENANT/NAME#part`."""
    action: Action
    attributes: tuple[AttributeChange, ...] = ()
    drifted: bool = False
    """The difference was found in the cloud, not in the site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceFailure:
    """A resource that could not be changed, or was skipped because one it needs failed."""

    kind: str
    name: str
    reason: str
    skipped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceState:
    """One resource as the stack's state records it; secret values are replaced by `HIDDEN`."""

    kind: str
    name: str
    urn: str
    id: str
    inputs: Mapping[str, Json]
    outputs: Mapping[str, Json] = field(default_factory=dict)
    pending_delete: bool = False


HIDDEN = "(secret)"
"""What stands in the place of a secret value wherever one would be shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackState:
    """What a stack's last run left: its resources and the digest of what it was run with."""

    stack: StackName
    resources: tuple[ResourceState, ...]
    digest: str | None
    """The job digest of the last run that finished whole; None where none did."""
    serial: str
    """Changes with every write of the state; a saved plan names it."""
    interrupted: tuple[str, ...] = ()
    """URNs of resources that a killed run was working on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceDrift:
    """A difference between a recorded resource and the cloud."""

    kind: str
    name: str
    urn: str
    gone: bool = False
    observed: Mapping[str, Json] = field(default_factory=dict)
    """The attributes that differ, as the cloud has them."""
    attributes: tuple[AttributeChange, ...] = ()
    """The same, with `old` recorded and `new` observed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPreview:
    """What an update of a stack would do."""

    stack: StackName
    changes: tuple[ResourceChange, ...]
    unchanged: int
    failures: tuple[ResourceFailure, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StackResult:
    """What an update of a stack did."""

    stack: StackName
    changes: tuple[ResourceChange, ...]
    unchanged: int
    failures: tuple[ResourceFailure, ...] = ()
    interrupted: bool = False
