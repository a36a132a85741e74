"""Deletes what is to go: users before what they need, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from orchestrator.engine.changes import change_of, without_secrets
from orchestrator.engine.gate import StoppedError
from orchestrator.engine.records import Record
from orchestrator.engine.removal import MayDelete, Removal, is_real
from orchestrator.engine.run import Run
from orchestrator.engine.snapshot import Dropped
from orchestrator.engine.urn import name_of
from orchestrator.errors import OrchestratorError, StateError
from orchestrator.model.stack import Action


def carry_out(run: Run, removal: Removal, *, parallel: int) -> None:
    """Delete what is to go; note what is kept, and what is refused."""
    for orphan in removal.orphans:
        run.tally.changed(change_of(orphan.urn, Action.KEEP_ORPHAN, kind=orphan.kind))
    for record, reason in removal.refused:
        run.tally.delete_failed(record, reason, skipped=True)
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        _Deletions(run, removal.deletes).work(pool)


def adopt_abandoned(run: Run, may_delete: MayDelete) -> None:
    """Take in what a killed run was creating and nobody declares any more, so that it is deleted.

    It may or may not exist. The provider's create adopts it if it does; after that it is a
    resource like any other. What may not be deleted stays listed as interrupted.
    """
    for operation in run.snapshot.operations():
        record = operation.record
        if operation.act != "creating" or record.urn in run.declared or not may_delete(record):
            continue
        try:
            run.hands.create(record, run.secrets.open(record.inputs), dooms=False)
        except (StoppedError, StateError):
            run.tally.interrupted = True
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is one failure
            told = without_secrets(str(error), run.secrets.open(record.inputs))
            run.tally.delete_failed(record, f"a killed run may have created it: {told}")


class _Deletions:
    """The deletions of one run; a failed one holds up what it needs, and nothing else."""

    def __init__(self, run: Run, records: Sequence[Record]) -> None:
        self._run = run
        self._records = records
        self._needs = {index: tuple(self._needed(index)) for index in range(len(records))}
        self._waiting: dict[int, str] = {}
        """By index: why a record must stay for now; empty where the run was stopped."""

    def work(self, pool: ThreadPoolExecutor) -> None:
        order = TopologicalSorter[int]()
        for index in range(len(self._records)):
            order.add(index)
            for needed in self._needs[index]:
                order.add(needed, index)
        order.prepare()
        running: dict[Future[bool], int] = {}
        while order.is_active():
            for index in order.get_ready():
                running[pool.submit(self._delete, index)] = index
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                index = running.pop(ended)
                if not ended.result():
                    self._hold_up(index)
                order.done(index)

    def _needed(self, index: int) -> Iterator[int]:
        needed = set(self._records[index].references())
        # Only earlier ones: records stand in dependency order, and a replaced one may share its
        # URN with a live one that refers to it.
        for earlier in range(index):
            if self._records[earlier].urn in needed:
                yield earlier

    def _hold_up(self, index: int) -> None:
        stopped = self._waiting.get(index) == ""
        cause = "" if stopped else f"{name_of(self._records[index].urn)}, which stays, needs it"
        for needed in self._needs[index]:
            self._waiting[needed] = self._waiting.get(needed) or cause

    def _delete(self, index: int) -> bool:
        record = self._records[index]
        if index in self._waiting:
            self._leave(record, self._waiting[index])
            return False
        try:
            self._remove(record)
        except (StoppedError, StateError):
            self._run.tally.interrupted = True
            self._waiting[index] = ""
            return False
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is one failure
            self._fail(record, error)
            return False
        self._tell(record)
        return True

    def _remove(self, record: Record) -> None:
        if is_real(record) and not record.pending_replacement and not self._is_gone(record):
            self._run.hands.delete(record, for_replacement=False)
        else:
            self._run.hands.note(Dropped(record.urn, record.id))

    def _is_gone(self, record: Record) -> bool:
        return not record.doomed and self._run.is_gone(record.urn)

    def _leave(self, record: Record, cause: str) -> None:
        if not cause:
            self._run.tally.interrupted = True
        elif is_real(record):
            self._run.tally.delete_failed(record, cause, skipped=True)

    def _fail(self, record: Record, error: Exception) -> None:
        told = str(error)
        if not isinstance(error, OrchestratorError):
            told = f"{type(error).__name__}: {error}"
        secrets = self._run.secrets.open(record.inputs)
        self._run.tally.delete_failed(record, without_secrets(told, secrets))

    def _tell(self, record: Record) -> None:
        if not is_real(record) or (record.urn, record.id) in self._run.doomed:
            return
        self._run.tally.changed(
            change_of(record.urn, Action.DELETE, kind=record.kind, drifted=self._is_gone(record))
        )
