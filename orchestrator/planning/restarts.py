"""Which settings wait for a restart of their server: those written already, and those planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.model.plan import AwaitedRestart, PlanStep
from orchestrator.model.stack import Action, AttributeChange, ResourceChange, StackState
from orchestrator.planning.drift import ObservedKinds
from orchestrator.ports.provider import Kind

WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})


def awaited_restarts(
    steps: Sequence[PlanStep],
    states: Sequence[StackState],
    *,
    observed: ObservedKinds,
    kinds: Mapping[str, Kind],
) -> tuple[AwaitedRestart, ...]:
    """Return them by resource, those that are written already first."""
    return (*_written(states, observed), *_planned(steps, kinds))


def _written(states: Sequence[StackState], observed: ObservedKinds) -> Iterator[AwaitedRestart]:
    for state in states:
        for resource in state.resources:
            seen = observed.get(resource.kind, {}).get(resource.id)
            if seen is not None and seen.pending:
                yield AwaitedRestart(name=resource.name, paths=seen.pending, written=True)


def _planned(steps: Sequence[PlanStep], kinds: Mapping[str, Kind]) -> Iterator[AwaitedRestart]:
    for step in steps:
        for change in step.preview.changes:
            late = kinds[change.kind].at_restart if change.kind in kinds else frozenset()
            paths = tuple(_paths(change, late)) if change.action in WRITES else ()
            if paths:
                yield AwaitedRestart(name=change.name, paths=paths, written=False)


def _paths(change: ResourceChange, late: frozenset[str]) -> Iterator[str]:
    for attribute in change.attributes:
        if attribute.path in late:
            yield from _differing(attribute)


def _differing(attribute: AttributeChange) -> Iterator[str]:
    """Yield what differs inside a mapping; what is no longer declared is left as it is."""
    if not isinstance(attribute.new, dict):
        return
    old = attribute.old if isinstance(attribute.old, dict) else {}
    for name, value in attribute.new.items():
        if old.get(name) != value:
            yield f"{attribute.path}.{name}"
