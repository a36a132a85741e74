"""Backups as tests see them: a service, the files of a host, two repositories, and ways to harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.model.units import Secret, SecretRef
from tests.lab.running_services import RunningServices
from tests.lab.service_town import PROGRAM

SERVICE, PRIMARY = "zhengwu/certificates", "db-2"
FILES = "platform/db-2"
NEAR, FAR, SPARE = "bak-1", "dr-bak-1", "dr-spare-1"
KEY = SecretRef("secret://backup/dr")
BLOB = "/etc/large-file"
ROWS = 300
BOOT_SECONDS = 60.0


class BackedUpServices:
    """The services of the test city with their backup hosts and a spare."""

    def __init__(self, services: RunningServices) -> None:
        self.services = services
        self.directory = str(services.town.directory)

    def run(self, group: str, verb: str, *rest: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on the city."""
        return self.services.town.run(group, verb, "--site", self.directory, *rest)

    def told(self, group: str, verb: str, *rest: str, code: int = 0) -> Any:
        """Run it, expect its exit code, and return its JSON."""
        done = self.run(group, verb, *rest, "-o", "json")
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    def results(self, *words: str, code: int = 0) -> dict[tuple[str, str, str], Any]:
        """Run `backup ...` and return its steps by act, subject and repository."""
        verb, *rest = words
        steps = self.told("backup", verb, *rest, code=code)["steps"]
        return {(one["act"], one["subject"], one["repository"]): one for one in steps}

    def on(self, host: str, command: str, *, given: str = "") -> str:
        """Run a command on a host, as root, and expect it to work."""
        ran = self.services.on(host, command, given=given)
        assert ran.status == 0, ran.err + ran.out
        return ran.out

    def rows(self) -> int:
        """Count what the service has."""
        found = self.services.as_superuser(PRIMARY, SERVICE, "SELECT count(*) FROM data.licence")
        return int(found)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the command line, to be killed."""
        return subprocess.Popen(
            [PROGRAM, *words, "--site", self.directory],
            env=self.services.town.environment({}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def await_restic(self, host: str) -> None:
        """Wait until restic saves data from a host."""
        deadline = time.monotonic() + BOOT_SECONDS
        while "restic" not in self.on(host, "ps -eo args | grep '[r]estic -r' || true"):
            assert time.monotonic() < deadline, f"restic did not start on {host}"
            time.sleep(0.1)

    def vault(self) -> AnsibleVaultSecrets:
        """Open the site's vault as it is now: the command line made keys in it."""
        return AnsibleVaultSecrets(self.services.town.directory)

    @contextmanager
    def other_key(self) -> Iterator[None]:
        """Put another key into the vault for a while."""
        vault = self.vault()
        before = vault.get(KEY)
        vault.put({KEY: Secret("another key")})
        try:
            yield
        finally:
            vault.put({KEY: before})

    @contextmanager
    def large_file(self, mebibytes: int) -> Iterator[None]:
        """Let a host have a file that takes a while to copy."""
        self.on(PRIMARY, f"head -c {mebibytes}M /dev/urandom > {BLOB}")
        try:
            yield
        finally:
            self.on(PRIMARY, f"rm -f {BLOB}")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as a power cut would."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
