"""The playbooks port: run one playbook on hosts, and hear of each task as it goes."""

from __future__ import annotations

from typing import Protocol

from orchestrator.model.playbook import PlaybookEvent, PlaybookJob, PlaybookResult


class PlaybookWatch(Protocol):
    """Whoever watches a run."""

    def __call__(self, event: PlaybookEvent) -> None:
        """Take note of one event; called by the thread that runs the playbook."""


class Playbooks(Protocol):
    """Runs playbooks. Each run is bounded in time and leaves no process behind."""

    def run(self, job: PlaybookJob, *, watch: PlaybookWatch) -> PlaybookResult:
        """Run a playbook; what fails on a host is in the result, and the other hosts go on.

        What was running when a run was ended is `unknown`. No secret is in an event or the result.
        Where the watch raises, the run is ended and the exception goes on.

        Raises:
            StateError: the run's record cannot be made: nothing was started.
        """

    def stop(self) -> None:
        """End the run in flight, and every later one; for other threads and signal handlers."""
