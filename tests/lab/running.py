"""A lab that is up, as the tests see it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from keystoneauth1.identity.v3 import ApplicationCredential, Password
from keystoneauth1.session import Session
from openstack.connection import Connection

from orchestrator.lab.clouds import cloud_entry
from orchestrator.lab.record import LabRecord, read_record
from orchestrator.lab.settings import REGION, LabSettings

Thing = TypeVar("Thing")

FAILED = frozenset({"ERROR", "error", "failed", "deploy failed", "inspect failed", "enroll"})


class RunningLab:
    """Clients of the lab, and the command line against it."""

    def __init__(self, settings: LabSettings) -> None:
        """Log in as the administrator."""
        self.settings = settings
        self._clients: list[Connection] = []
        self.admin = self.connect()

    @property
    def record(self) -> LabRecord:
        """Return the lab's ports and passwords."""
        record = read_record(self.settings)
        assert record is not None
        return record

    def connect(self, **auth: str | None) -> Connection:
        """Log in with other credentials than the administrator's; None takes one away."""
        merged = {**cloud_entry(self.record)["auth"], **auth}
        given = {key: value for key, value in merged.items() if value is not None}
        kind = ApplicationCredential if "application_credential_id" in given else Password
        client = Connection(session=Session(auth=kind(**given)), region_name=REGION)
        self._clients.append(client)
        return client

    def orchestrator(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line's lab commands against this lab."""
        program = Path(sys.executable).with_name("orchestrator")
        place = ("--dir", str(self.settings.directory), "--venv", str(self.settings.venv))
        return subprocess.run(
            [program, "lab", *arguments, *place],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )

    def close(self) -> None:
        """Close the clients' sockets."""
        for client in self._clients:
            client.close()


def wait_for(
    look: Callable[[], Thing], ready: Callable[[Thing], bool], *, seconds: float = 120
) -> Thing:
    """Return what `look` gives as soon as it is ready; fail at once where it has failed."""
    deadline = time.monotonic() + seconds
    while True:
        thing = look()
        if ready(thing):
            return thing
        state = getattr(thing, "status", None) or getattr(thing, "provision_state", None)
        if state in FAILED:
            raise AssertionError(f"it failed: {_reason(thing)}")
        assert time.monotonic() < deadline, f"not ready in {seconds} s: {_reason(thing)}"
        time.sleep(0.2)


def _reason(thing: Any) -> str:
    details = ("status", "provision_state", "power_state", "fault", "last_error", "task_state")
    return ", ".join(f"{name}={getattr(thing, name, None)}" for name in details)
