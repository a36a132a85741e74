"""Find where the cloud differs from what the stacks' last runs recorded."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.stack import (
    HIDDEN,
    AttributeChange,
    ResourceDrift,
    ResourceState,
    StackState,
)
from orchestrator.ports.provider import Kind, Observed, Properties

ObservedKinds = Mapping[str, Mapping[str, Observed]]
"""What the cloud has: kind -> id -> resource."""


def find_drifts(
    state: StackState, observed: ObservedKinds, kinds: Mapping[str, Kind]
) -> tuple[ResourceDrift, ...]:
    """Return the recorded resources that are gone or differ, in the order of the state.

    Only attributes that the cloud gives back can be compared: the others stay unknown.
    """
    drifts = (
        _drift(resource, observed[resource.kind].get(resource.id), kinds[resource.kind])
        for resource in state.resources
        if resource.kind in kinds and not resource.pending_delete
    )
    return tuple(drift for drift in drifts if drift is not None)


def _drift(resource: ResourceState, found: Observed | None, kind: Kind) -> ResourceDrift | None:
    if found is None:
        return ResourceDrift(kind=resource.kind, name=resource.name, urn=resource.urn, gone=True)
    differing = {
        key: value
        for key, value in found.properties.items()
        if key in resource.inputs
        and key not in kind.write_only
        and resource.inputs[key] != HIDDEN
        and resource.inputs[key] != value
    }
    if not differing:
        return None
    return ResourceDrift(
        kind=resource.kind,
        name=resource.name,
        urn=resource.urn,
        observed=differing,
        attributes=tuple(
            AttributeChange(path=key, old=resource.inputs[key], new=value)
            for key, value in sorted(differing.items())
        ),
    )


def recorded_ids(
    states: tuple[StackState, ...], kinds: Mapping[str, Kind]
) -> Mapping[str, Mapping[str, Properties]]:
    """Return what to ask the cloud for: by kind the recorded inputs of each id."""
    wanted: dict[str, dict[str, Properties]] = {}
    for state in states:
        for resource in state.resources:
            if resource.kind in kinds:
                wanted.setdefault(resource.kind, {})[resource.id] = resource.inputs
    return wanted
