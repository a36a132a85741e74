"""Playbooks in memory: tasks are functions on a host, secrets and limits are honoured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.model.playbook import (
    Ending,
    HostResult,
    Outcome,
    PlaybookJob,
    PlaybookResult,
    TaskResult,
    TaskStarted,
    worst,
)
from orchestrator.ports.playbooks import PlaybookWatch

BAD = (Outcome.FAILED, Outcome.UNREACHABLE)


@dataclass(frozen=True, kw_only=True)
class FakeTask:
    """What a task does on each host: it may change it, fail, or take its time."""

    name: str
    changes: bool = False
    says: str = ""
    fails_on: frozenset[str] = frozenset()
    unreachable: frozenset[str] = frozenset()
    seconds: float = 0.0
    rehearsable: bool = True
    only_when: Callable[[PlaybookJob], bool] = lambda job: True


@dataclass
class MemoryPlaybooks:
    """The Playbooks port without Ansible."""

    playbooks: Mapping[str, Sequence[FakeTask]] = field(default_factory=dict)
    changed: set[tuple[str, str]] = field(default_factory=set)
    """(host, task) of every change that is made: made once, it is not made again."""
    jobs: list[PlaybookJob] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self._stopped.set()

    def run(self, job: PlaybookJob, *, watch: PlaybookWatch) -> PlaybookResult:
        self.jobs.append(job)
        run = _Run(self, job, watch=watch)
        tasks = self.playbooks.get(job.playbook)
        if self._stopped.is_set():
            return run.result(Ending.STOPPED, "it was stopped")
        if tasks is None:
            return run.result(Ending.BROKEN, "there is no such playbook")
        for task in tasks:
            for host in job.hosts:
                run.start(host.name, task)
            ending = self._wait(task.seconds, job)
            if ending is not None:
                return run.result(ending, f"it ended: {ending.value}")
            for host in job.hosts:
                run.end(host.name, task)
        whole = all(worst(_outcomes(run.tasks[host.name])) not in BAD for host in job.hosts)
        return run.result(Ending.DONE if whole else Ending.FAILED, "")

    def _wait(self, seconds: float, job: PlaybookJob) -> Ending | None:
        if not seconds:
            return None
        if self._stopped.wait(min(seconds, job.within_seconds)):
            return Ending.STOPPED
        return Ending.TIMED_OUT if seconds > job.within_seconds else None


class _Run:
    def __init__(self, world: MemoryPlaybooks, job: PlaybookJob, *, watch: PlaybookWatch) -> None:
        self.world, self.job, self.watch = world, job, watch
        self.tasks: dict[str, list[TaskResult]] = {host.name: [] for host in job.hosts}
        self.running: dict[str, str] = {}

    def start(self, host: str, task: FakeTask) -> None:
        if worst(_outcomes(self.tasks[host])) not in BAD:
            self.running[host] = task.name
            self.watch(TaskStarted(host=host, task=task.name))

    def end(self, host: str, task: FakeTask) -> None:
        if self.running.pop(host, None) is None:
            return
        outcome = self._do(host, task)
        reason = "" if outcome in {Outcome.OK, Outcome.CHANGED} else self._scrubbed(task.says)
        ended = TaskResult(host=host, task=task.name, outcome=outcome, reason=reason)
        self.tasks[host].append(ended)
        self.watch(ended)

    def _do(self, host: str, task: FakeTask) -> Outcome:
        if host in task.unreachable:
            return Outcome.UNREACHABLE
        if not task.only_when(self.job):
            return Outcome.SKIPPED
        if host in task.fails_on:
            return Outcome.FAILED
        if self.job.rehearse and not task.rehearsable:
            return Outcome.UNKNOWN
        if not task.changes or (host, task.name) in self.world.changed:
            return Outcome.OK
        if not self.job.rehearse:
            self.world.changed.add((host, task.name))
        return Outcome.CHANGED

    def _scrubbed(self, text: str) -> str:
        for secret in self.job.secrets.values():
            text = text.replace(secret.reveal(), "(secret)")
        return text

    def result(self, ending: Ending, reason: str) -> PlaybookResult:
        for host, task in self.running.items():
            self.tasks[host].append(
                TaskResult(host=host, task=task, outcome=Outcome.UNKNOWN, reason="not seen")
            )
        hosts = tuple(
            HostResult(host=name, outcome=worst(_outcomes(tasks)), tasks=tuple(tasks))
            for name, tasks in self.tasks.items()
        )
        return PlaybookResult(
            playbook=self.job.playbook,
            rehearsed=self.job.rehearse,
            ending=ending,
            hosts=hosts,
            seconds=1.0,
            reason=reason,
        )


def _outcomes(tasks: Sequence[TaskResult]) -> list[Outcome]:
    return [task.outcome for task in tasks if not task.forgiven]
