"""Stands in front of ansible-runner's own callback: no event reaches a file with a secret in it.

ansible-runner hands events over through files. Ansible loads the callback by its name, from our
folder first; this one is ansible-runner's, writing through a scrubber.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from pathlib import Path
from typing import Any

from ansible_runner.display_callback.callback import awx_display as runners

from orchestrator.adapters.ansible_playbooks.scrub import Scrubber

DOCUMENTATION = runners.DOCUMENTATION

_PR_SET_PDEATHSIG = 1
_TOLD = (
    "changed",
    "failed",
    "false_condition",
    "module_stderr",
    "msg",
    "rc",
    "reason",
    "skip_reason",
    "skipped",
    "skipped_reason",
    "stderr",
    "unreachable",
)
"""What is handed on of a result: facts, arguments and contents stay where they are."""


class _ScrubbedFiles:
    """Ansible-runner's writer of events, behind a scrubber."""

    def __init__(self, writer: Any, scrubber: Scrubber) -> None:  # noqa: ANN401 - the runner's own
        self._writer = writer
        self._scrubber = scrubber

    def set(self, key: str, value: dict[str, Any]) -> None:
        """Write one event."""
        data = value.get("event_data", {})
        if isinstance(data.get("res"), dict):
            data["res"] = _told(data["res"])
        self._writer.set(key, self._scrubber.value(json.loads(json.dumps(value, default=str))))


def _told(result: Any) -> dict[str, object]:  # noqa: ANN401 - whatever a module returns
    told = {name: result[name] for name in _TOLD if name in result}
    if isinstance(result.get("results"), list):
        told["results"] = [_told(each) for each in result["results"] if isinstance(each, dict)]
    return told


class CallbackModule(runners.CallbackModule):  # type: ignore[misc] # ansible-runner has no types
    """The runner's callback; its name must stay the runner's."""

    CALLBACK_NAME = "awx_display"

    def v2_runner_on_ok(self, result: Any) -> None:  # noqa: ANN401 - Ansible's
        """Hand on that a task changed something, which ansible-runner hides where `no_log` is."""
        with runners.event_context.set_local(changed=bool(result.result.get("changed"))):
            super().v2_runner_on_ok(result)

    def v2_runner_on_skipped(self, result: Any) -> None:  # noqa: ANN401 - Ansible's
        """Hand on why a task was skipped, which ansible-runner 2.4 leaves out."""
        with runners.event_context.set_local(res=result.result):
            super().v2_runner_on_skipped(result)


# The variables are set by our supervisor; whoever loads this plugin otherwise is told at once.
_environment = os.environ  # noqa: TID251 - Ansible gives plugins no other way in
ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # die with the supervisor
_secrets = json.loads(Path(_environment["ORCHESTRATOR_SCRUB"]).read_text(encoding="utf-8"))
runners.event_context.cache = _ScrubbedFiles(runners.event_context.cache, Scrubber(_secrets))
