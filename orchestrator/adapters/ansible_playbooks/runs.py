"""The playbooks port: starts a supervisor for each run, listens to it, keeps a record."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from orchestrator.adapters.ansible_playbooks.ledger import Ledger
from orchestrator.adapters.ansible_playbooks.leftovers import end_marked
from orchestrator.adapters.ansible_playbooks.records import Records
from orchestrator.adapters.ansible_playbooks.request import MARK, Places, request_of
from orchestrator.errors import StateError
from orchestrator.model.playbook import Ending, PlaybookJob, PlaybookResult
from orchestrator.ports.playbooks import PlaybookWatch

RUNS_KEPT = 50
GRACE_SECONDS = 15.0
"""How long a supervisor may take to end what it has started, after its time."""
OWN_TOOLS = Path(sys.executable).parent
POLL_SECONDS = 0.25
"""How soon a stop is seen."""
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

REASONS = {
    Ending.TIMED_OUT: "the playbook took longer than it may",
    Ending.STOPPED: "it was stopped",
    Ending.BROKEN: "Ansible could not run the playbook to its end",
}


class AnsiblePlaybooks:
    """The Playbooks port on ansible-runner."""

    def __init__(
        self, folder: Path, playbooks: Path, *, host_keys: Path, tools: Path = OWN_TOOLS
    ) -> None:
        """Keep the records of the last runs in `folder`, which is private, and pin host keys.

        `tools` is where ansible-playbook is; a test may have another one.
        """
        self._records = Records(folder, keep=RUNS_KEPT)
        self._host_keys = host_keys
        self._playbooks = playbooks.resolve()
        self._tools = tools
        self._stopped = threading.Event()

    def run(self, job: PlaybookJob, *, watch: PlaybookWatch) -> PlaybookResult:
        """Run a playbook."""
        begun = time.monotonic()
        ledger = Ledger(job)
        with self._records.begin() as (run, work):
            places = Places(
                playbooks=self._playbooks,
                work=work,
                host_keys=self._host_keys,
            )
            request = request_of(job, places).dumps()
            try:
                if not self._stopped.is_set():
                    with self._supervised(run, request) as supervisor:
                        self._listen(supervisor, ledger, watch=watch, seconds=job.within_seconds)
            finally:
                end_marked(run)  # a supervisor that was killed has left everything running
            result = self._result(ledger, run, seconds=time.monotonic() - begun)
            self._records.keep_result(run, result)
            return result

    def stop(self) -> None:
        """End the run in flight, and every later one."""
        self._stopped.set()

    @contextlib.contextmanager
    def _supervised(self, run: Path, request: str) -> Iterator[subprocess.Popen[str]]:
        """Start a supervisor, out of reach of the terminal's Ctrl-C, and see it ended."""
        environment = {
            "PATH": f"{self._tools}:{SEARCHED}",
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            MARK: str(run),
        }
        module = "orchestrator.adapters.ansible_playbooks.supervisor"
        with subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        ) as supervisor:
            try:
                _hand_over(request, supervisor.stdin)
                yield supervisor
            finally:
                self._end(supervisor)

    def _end(self, supervisor: subprocess.Popen[str]) -> None:
        if supervisor.stdin is not None:
            with contextlib.suppress(OSError):
                supervisor.stdin.close()
        try:
            supervisor.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()

    def _listen(
        self,
        supervisor: subprocess.Popen[str],
        ledger: Ledger,
        *,
        watch: PlaybookWatch,
        seconds: float,
    ) -> None:
        """Take what the supervisor says until it has nothing more to say, or takes too long."""
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        lines = _Lines(supervisor.stdout)
        while not lines.ended and time.monotonic() < deadline:
            if self._stopped.is_set() and supervisor.stdin and not supervisor.stdin.closed:
                supervisor.stdin.close()
                deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
            for line in lines.read(POLL_SECONDS):
                event = ledger.take(json.loads(line))
                if event is not None:
                    watch(event)

    def _result(self, ledger: Ledger, run: Path, *, seconds: float) -> PlaybookResult:
        ending = ledger.ending()
        if ending is Ending.BROKEN and self._stopped.is_set():
            ending = Ending.STOPPED
        reason = REASONS.get(ending, "")
        if ending is Ending.BROKEN and ledger.words:
            reason = f"{reason}: {' '.join(' '.join(ledger.words).split())}"
        return PlaybookResult(
            playbook=ledger.job.playbook,
            rehearsed=ledger.job.rehearse,
            ending=ending,
            hosts=ledger.hosts(),
            seconds=seconds,
            reason=reason,
            record=str(run),
        )


def _hand_over(request: str, pipe: IO[str] | None) -> None:
    try:
        if pipe is not None:
            pipe.write(request + "\n")
            pipe.flush()
    except OSError as error:
        raise StateError(f"the playbook's supervisor did not start: {error.strerror}") from error


class _Lines:
    """Whole lines out of a pipe, without waiting long for any."""

    def __init__(self, pipe: IO[str] | None) -> None:
        self._descriptor = -1 if pipe is None else pipe.fileno()
        self._rest = b""
        self.ended = pipe is None

    def read(self, seconds: float) -> list[str]:
        """Return the lines that come within some seconds, which may be none."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return []
        content = os.read(self._descriptor, 1 << 16)
        self.ended = not content
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [line.decode() for line in lines]
