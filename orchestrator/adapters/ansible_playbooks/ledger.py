"""What was heard of a run, host by host, and what follows from it.

Structure decides, never prose: event types, counts, flags. A text is only ever shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.model.playbook import (
    Ending,
    HostResult,
    Outcome,
    PlaybookEvent,
    PlaybookJob,
    TaskResult,
    TaskStarted,
    worst,
)

REASON_CHARACTERS = 500

_OUTCOMES = {
    "runner_on_ok": Outcome.OK,
    "runner_on_failed": Outcome.FAILED,
    "runner_on_async_failed": Outcome.FAILED,
    "runner_on_skipped": Outcome.SKIPPED,
    "runner_on_unreachable": Outcome.UNREACHABLE,
}
_WHY_SKIPPED = frozenset({"false_condition", "skip_reason", "skipped_reason"})
"""A task that is skipped by its own condition has one of these; a module that cannot rehearse says
only that it skipped."""

_WELL = frozenset({Outcome.OK, Outcome.CHANGED})

NOT_SEEN = "it began, and its end was not seen"
NOT_REACHED = "the run ended before the host came to the end of the playbook"
MISCOUNTED = "Ansible counts more tasks than it told of"
CANNOT_REHEARSE = "this task cannot be rehearsed"
UNPREPARED = "it failed in a rehearsal, after changes that were not made"


@dataclass(slots=True)
class Ledger:
    """Takes what the supervisor says, line by line."""

    job: PlaybookJob
    _running: dict[tuple[str, str], str] = field(default_factory=dict)
    """The task's name, by host and task id."""
    _ended: dict[str, list[TaskResult]] = field(default_factory=dict)
    _counts: Mapping[str, Mapping[str, int]] | None = None
    _further: Counter[str] = field(default_factory=Counter)
    """By host: what is counted as ok beyond one for each task told."""
    words: list[str] = field(default_factory=list)
    """What Ansible said of a playbook that it cannot run."""
    status: str = ""
    """How ansible-runner says that the run ended; empty: nobody was left to say it."""
    code: int | None = None

    def take(self, line: Mapping[str, Any]) -> PlaybookEvent | None:
        """Note one line; return what is worth telling."""
        if "ended" in line:
            self.status, self.code = str(line["ended"]), line["code"]
            self.words = self.words or list(line["words"])
            return None
        data = line["data"]
        match line["event"]:
            case "runner_on_start":
                return self._start(data)
            case "playbook_on_stats":
                self._counts = data
            case "error":
                self.words.append(line["words"])
            case name if name in _OUTCOMES:
                return self._end(_OUTCOMES[name], data)
        return None

    def _start(self, data: Mapping[str, Any]) -> TaskStarted:
        started = TaskStarted(host=data["host"], task=_task(data))
        self._running[started.host, data["task_uuid"]] = started.task
        return started

    def _end(self, outcome: Outcome, data: Mapping[str, Any]) -> TaskResult:
        host, told = data["host"], data.get("res") or {}
        self._running.pop((host, data["task_uuid"]), None)
        reason = "" if outcome is Outcome.OK else _reason(told)
        if outcome is Outcome.OK and (told.get("changed") or data.get("changed")):
            outcome = Outcome.CHANGED
        elif outcome is Outcome.SKIPPED and self.job.rehearse and not _skipped_itself(told):
            outcome, reason = Outcome.UNKNOWN, CANNOT_REHEARSE
        elif outcome is Outcome.FAILED and self.job.rehearse and self._has_prepared(host):
            outcome, reason = Outcome.UNKNOWN, f"{UNPREPARED}: {reason}"
        result = TaskResult(
            host=host,
            task=_task(data),
            outcome=outcome,
            reason=reason,
            forgiven=outcome is Outcome.FAILED and bool(data.get("ignore_errors")),
        )
        self._ended.setdefault(host, []).append(result)
        self._further[host] += _further(data, told)
        return result

    def _has_prepared(self, host: str) -> bool:
        """Say whether a real run would have changed something on the host before this task."""
        before = {task.outcome for task in self._ended.get(host, ())}
        return bool(before & {Outcome.CHANGED, Outcome.UNKNOWN})

    def ending(self) -> Ending:
        """Return how the run ended."""
        by_status = {"canceled": Ending.STOPPED, "timeout": Ending.TIMED_OUT}
        if self.status in by_status:
            return by_status[self.status]
        if self._counts is None or not self._counts.get("processed"):
            return Ending.BROKEN
        bad = {Outcome.FAILED, Outcome.UNREACHABLE}
        if not self.job.rehearse:
            bad.add(Outcome.UNKNOWN)
        # A rehearsal may end with a failure that a real run would not meet.
        sound = self.code == 0 or self.job.rehearse
        stood = all(host.outcome not in bad for host in self.hosts())
        return Ending.DONE if sound and stood else Ending.FAILED

    def hosts(self) -> tuple[HostResult, ...]:
        """Return how it ended for each host of the job."""
        return tuple(self._host(host.name) for host in self.job.hosts)

    def _host(self, name: str) -> HostResult:
        tasks = self._tasks(name)
        if self._counts is None:
            return self._cut_off(name, tasks)
        counted = {what: number.get(name, 0) for what, number in self._numbers().items()}
        if not counted.get("failures"):
            tasks = [replace(task, forgiven=task.outcome is Outcome.FAILED) for task in tasks]
        seen = worst(task.outcome for task in tasks if not task.forgiven)
        # Ansible counts a failure that is ignored as ok.
        told = sum(task.forgiven or task.outcome in _WELL for task in tasks)
        told += self._further[name]
        if counted.get("ok", 0) > told:
            return _result(name, tasks, Outcome.UNKNOWN, why=MISCOUNTED)
        if counted.get("dark"):
            seen = Outcome.UNREACHABLE
        elif counted.get("failures") and seen is not Outcome.UNKNOWN:
            seen = Outcome.FAILED
        return _result(name, tasks, seen, why=_first_reason(tasks, seen))

    def _numbers(self) -> dict[str, Mapping[str, int]]:
        counts = self._counts or {}
        return {what: number for what, number in counts.items() if isinstance(number, dict)}

    def _tasks(self, name: str) -> list[TaskResult]:
        unseen = [
            TaskResult(host=name, task=task, outcome=Outcome.UNKNOWN, reason=NOT_SEEN)
            for (host, _), task in self._running.items()
            if host == name
        ]
        return [*self._ended.get(name, ()), *unseen]

    def _cut_off(self, name: str, tasks: Sequence[TaskResult]) -> HostResult:
        """Return the state of a host in a run that did not come to its end."""
        seen = worst(task.outcome for task in tasks if not task.forgiven)
        if not tasks and not self._ended and not self._running:
            return HostResult(host=name, outcome=Outcome.SKIPPED, reason="nothing was run")
        if seen in {Outcome.FAILED, Outcome.UNREACHABLE}:
            return _result(name, tasks, seen, why=_first_reason(tasks, seen))
        return _result(name, tasks, Outcome.UNKNOWN, why=NOT_REACHED)


def _result(name: str, tasks: Sequence[TaskResult], outcome: Outcome, *, why: str) -> HostResult:
    return HostResult(host=name, outcome=outcome, tasks=tuple(tasks), reason=why)


def _first_reason(tasks: Sequence[TaskResult], outcome: Outcome) -> str:
    if outcome not in {Outcome.FAILED, Outcome.UNREACHABLE}:
        unseen = [task for task in tasks if task.reason == NOT_SEEN]
        return f"{unseen[0].task}: {NOT_SEEN}" if unseen else ""
    found = [task for task in tasks if task.outcome is outcome and not task.forgiven]
    return f"{found[0].task}: {found[0].reason}" if found else ""


def _task(data: Mapping[str, Any]) -> str:
    return str(data.get("task") or data.get("task_action") or "a task without a name")


def _further(data: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """Return how many times more than once Ansible counts a task as ok.

    Tasks that are included in a loop are told once, and counted once for each turn
    (ansible-core 2.19, `StrategyBase._load_included_file`).
    """
    if str(data.get("task_action", "")).rpartition(".")[2] != "include_tasks":
        return 0
    turns = [item for item in told.get("results", ()) if not item.get("skipped")]
    return max(0, len(turns) - 1)


def _skipped_itself(told: Mapping[str, Any]) -> bool:
    items = [item for item in told.get("results", ()) if item.get("skipped")]
    return (
        all(_WHY_SKIPPED & item.keys() for item in items)
        if items
        else bool(_WHY_SKIPPED & told.keys())
    )


def _reason(told: Mapping[str, Any]) -> str:
    """Return the first thing that was said of it, in one line."""
    items = [item for item in told.get("results", ()) if item.get("failed")]
    said = (_reason(items[0]) if items else "") or told.get("msg") or told.get("reason") or ""
    detail = str(told.get("stderr") or told.get("module_stderr") or "").strip()
    text = " ".join(f"{said} {detail}".split())
    if not text and told.get("skip_reason"):
        text = str(told["skip_reason"])
    return text[:REASON_CHARACTERS]
