"""Clearing the way for a replacement: what must be deleted first, and what must not be."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.engine.records import Record
from orchestrator.engine.run import Run
from orchestrator.engine.urn import name_of
from orchestrator.errors import RefusedError
from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN
from orchestrator.providers.values import plain_properties


def clear_the_way(run: Run, old: Record) -> None:
    """Delete a resource, and before it the dependents that cannot outlive it.

    All of them are recorded as waiting for their replacement, so that a run that stops here is
    taken up by the next one.

    Raises:
        RefusedError: it, or a dependent, is protected, or an orphan that is kept needs it.
    """
    if reason := run.blocked.get(old.urn):
        raise RefusedError(reason)
    dependents = cannot_outlive(run, old)
    for dependent in dependents:
        refuse_protected(dependent)
    for record in (*dependents, old):
        run.hands.delete(record, for_replacement=True)
    with run.lock:
        run.replaced[old.urn] = dependents


def refuse_protected(record: Record) -> None:
    """Raise RefusedError where the record may not be deleted."""
    if record.protect:
        raise RefusedError(
            f"{name_of(record.urn)} is protected and would have to be deleted",
            remedy="Take `protect` off in the program, apply that, then make this change.",
        )


def cannot_outlive(run: Run, root: Record) -> tuple[Record, ...]:
    """Return the recorded resources that a change of the root's outputs replaces, users first."""
    found: list[Record] = []
    moving = {root.urn}
    for record in run.snapshot.records():
        if record.urn in run.declared or not _can_be_deleted(record):
            continue
        unknown: dict[str, Json] = {
            key: UNKNOWN
            for key, urns in record.property_dependencies.items()
            if not moving.isdisjoint(urns)
        }
        if unknown and _is_replaced_by(run, record, unknown):
            moving.add(record.urn)
            found.append(record)
    return tuple(reversed(found))


def _can_be_deleted(record: Record) -> bool:
    return record.custom and not (record.external or record.doomed or record.pending_replacement)


def _is_replaced_by(run: Run, record: Record, unknown: Mapping[str, Json]) -> bool:
    if record.kind not in run.provider.kinds:
        return False
    recorded = plain_properties(run.secrets.open(record.inputs))
    return bool(run.provider.diff(record.kind, recorded, {**recorded, **unknown}).replaces)
