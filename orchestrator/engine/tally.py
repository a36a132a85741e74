"""The account of a run: what changed, what failed, what stayed as it is."""

from __future__ import annotations

import threading

from orchestrator.engine.records import Record
from orchestrator.engine.urn import name_of
from orchestrator.model.progress import Noted, ResourceFinished
from orchestrator.model.stack import (
    Action,
    ResourceChange,
    ResourceFailure,
    StackName,
    StackPreview,
    StackResult,
)
from orchestrator.ports import Watch


class Tally:
    """Takes note from any thread, and tells whoever watches."""

    def __init__(self, stack: StackName, watch: Watch) -> None:
        """Start an empty account."""
        self._stack = stack
        self._watch = watch
        self._lock = threading.Lock()
        self._changes: list[ResourceChange] = []
        self._failures: list[ResourceFailure] = []
        self._unchanged = 0
        self.interrupted = False
        """Something was left undone because the run was told to stop."""
        self.error_logs: list[str] = []
        """What the program logged as an error."""

    @property
    def is_whole(self) -> bool:
        """Say whether the stack is now exactly what its program declares.

        With an orphan it is not: the next plan has to run the program again to tell of it.
        """
        orphans = any(change.action is Action.KEEP_ORPHAN for change in self._changes)
        return not (self._failures or self.interrupted or self.error_logs or orphans)

    def changed(self, change: ResourceChange) -> None:
        """Count one change; an orphan that is kept is listed, but nothing happened to it."""
        with self._lock:
            self._changes.append(change)
        if change.action is not Action.KEEP_ORPHAN:
            self._tell(change, change.action)

    def same(self) -> None:
        """Count one resource that stays as it is."""
        with self._lock:
            self._unchanged += 1

    def failed(self, failure: ResourceFailure, action: Action) -> None:
        """Count one resource that could not be changed, or was skipped."""
        with self._lock:
            self._failures.append(failure)
        self._tell(failure, action)

    def retracted(self, *, kind: str, name: str, reason: str) -> None:
        """Take back a foreseen change that must not be, and count it as failed."""
        with self._lock:
            self._changes = [c for c in self._changes if (c.kind, c.name) != (kind, name)]
        failure = ResourceFailure(kind=kind, name=name, reason=reason)
        self.failed(failure, Action.REPLACE)

    def delete_failed(self, record: Record, reason: str, *, skipped: bool = False) -> None:
        """Count one resource that could not be deleted, or must not be yet."""
        failure = ResourceFailure(
            kind=record.kind, name=name_of(record.urn), reason=reason, skipped=skipped
        )
        self.failed(failure, Action.DELETE)

    def noted(self, text: str) -> None:
        """Pass on a line of the program's log."""
        self._watch(Noted(text=text))

    def preview(self) -> StackPreview:
        """Return the account of a preview."""
        return StackPreview(
            stack=self._stack,
            changes=tuple(self._changes),
            unchanged=self._unchanged,
            failures=tuple(self._failures),
        )

    def result(self) -> StackResult:
        """Return the account of an update."""
        return StackResult(
            stack=self._stack,
            changes=tuple(self._changes),
            unchanged=self._unchanged,
            failures=tuple(self._failures),
            interrupted=self.interrupted,
        )

    def _tell(self, about: ResourceChange | ResourceFailure, action: Action) -> None:
        self._watch(
            ResourceFinished(
                stack=self._stack,
                kind=about.kind,
                name=about.name,
                action=action,
                error=about.reason if isinstance(about, ResourceFailure) else None,
            )
        )
