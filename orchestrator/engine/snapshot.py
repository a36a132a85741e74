"""A stack's state while it changes, and the entries that change it.

The same entries are applied in memory during a run and read back from the journal of a run that
was killed, so that both end in the same state.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from orchestrator.engine.deployment import Deployment, Operation
from orchestrator.engine.records import Record, in_dependency_order


@dataclass(frozen=True, slots=True)
class Begun:
    """An act on a resource begins."""

    record: Record
    act: str
    """`creating`, `updating` or `deleting`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The act ended and changed nothing that the state records."""

    urn: str


@dataclass(frozen=True, slots=True)
class Put:
    """The record takes the place of the live record of its URN."""

    record: Record
    dooms: bool = False
    """The record before it still exists in the cloud: it is kept, to be deleted later."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The resource is gone."""

    urn: str
    id: str


Entry = Begun | Ended | Put | Dropped


class Snapshot:
    """The records of one stack: at most one live one per URN, and the doomed ones.

    Safe to use from many threads.
    """

    def __init__(self, deployment: Deployment) -> None:
        """Start from a recorded state."""
        self._live = {record.urn: record for record in deployment.records if not record.doomed}
        self._doomed = [record for record in deployment.records if record.doomed]
        self._lock = threading.Lock()
        self._operations = {operation.record.urn: operation for operation in deployment.operations}

    def live(self, urn: str) -> Record | None:
        """Return the live record of a URN."""
        return self._live.get(urn)

    def records(self) -> tuple[Record, ...]:
        """Return all records, in dependency order."""
        with self._lock:
            records = (*self._live.values(), *self._doomed)
        return in_dependency_order(records)

    def operations(self) -> tuple[Operation, ...]:
        """Return the acts that were begun and not ended."""
        return tuple(self._operations.values())

    def apply(self, entry: Entry) -> None:
        """Change the state by one entry."""
        with self._lock:
            match entry:
                case Begun(record, act):
                    self._operations[record.urn] = Operation(record=record, act=act)
                case Ended(urn):
                    self._operations.pop(urn, None)
                case Put(record, dooms):
                    self._put(record, dooms)
                case Dropped(urn, resource_id):
                    self._drop(urn, resource_id)

    def _put(self, record: Record, dooms: bool) -> None:
        before = self._live.get(record.urn)
        if dooms and before is not None:
            self._doomed.append(replace(before, doomed=True))
        self._live[record.urn] = record
        self._operations.pop(record.urn, None)

    def _drop(self, urn: str, resource_id: str) -> None:
        before = self._live.get(urn)
        if before is not None and before.id == resource_id:
            del self._live[urn]
        self._doomed = [
            record for record in self._doomed if (record.urn, record.id) != (urn, resource_id)
        ]
        self._operations.pop(urn, None)
