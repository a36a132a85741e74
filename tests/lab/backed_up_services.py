"""Backups as tests see them: a service, the files of a host, two repositories, and ways to harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
DRAFT = ".restoring"
"""How a database is called whose data is not all there."""
NOWHERE = Path(os.devnull)


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
        return self.services.town.told(group, verb, *rest, code=code)

    def results(self, *words: str, code: int = 0) -> dict[tuple[str, str, str], Any]:
        """Run `backup ...` and return its steps by act, subject and repository."""
        verb, *rest = words
        steps = self.told("backup", verb, *rest, code=code)["steps"]
        return {(one["act"], one["subject"], one["repository"]): one for one in steps}

    def on(self, host: str, command: str, *, given: str = "") -> str:
        """Run a command on a host, as root, and expect it to work."""
        return self.services.town.on(host, command, given=given)

    def rows(self) -> int:
        """Count what the service has."""
        found = self.services.as_superuser(PRIMARY, SERVICE, "SELECT count(*) FROM data.licence")
        return int(found)

    def start(self, *words: str, said: Path = NOWHERE) -> subprocess.Popen[bytes]:
        """Start the command line, to be killed or cut off; `said` gets its standard error."""
        with said.open("wb") as err:
            return subprocess.Popen(
                [PROGRAM, *words, "--site", self.directory],
                env=self.services.town.environment({}),
                stdout=subprocess.DEVNULL,
                stderr=err,
            )

    def await_restic(self, host: str) -> None:
        """Wait until restic saves data from a host."""
        deadline = time.monotonic() + BOOT_SECONDS
        while "restic" not in self.on(host, "ps -eo args | grep '[r]estic -r' || true"):
            assert time.monotonic() < deadline, f"restic did not start on {host}"
            time.sleep(0.1)

    def clusters_of(self, host: str) -> list[tuple[str, str]]:
        """Return the clusters of a host, each with its port."""
        listed = json.loads(self.on(host, "pg_lsclusters --json 2>/dev/null || echo []"))
        return [(one["cluster"], str(one["port"])) for one in listed]

    def databases_of(self, host: str, port: str) -> dict[str, int]:
        """Return the databases of a cluster, each with its size in bytes."""
        ask = "SELECT json_object_agg(datname, pg_database_size(oid)) FROM pg_database"
        told = self.on(host, f'runuser -u postgres -- psql -XAtq -p {port} -c "{ask}"')
        return dict(json.loads(told))

    def await_draft(self, host: str, mebibytes: int) -> None:
        """Wait until a restore has so much of its data in a cluster of its own."""
        deadline = time.monotonic() + BOOT_SECONDS
        sizes = f"SELECT pg_database_size(oid) FROM pg_database WHERE datname LIKE '%{DRAFT}'"
        # A cluster that is being made does not answer yet.
        ask = (
            "for p in $(pg_lsclusters -h | awk '{print $3}'); do "
            f'runuser -u postgres -- psql -XAtq -p $p -c "{sizes}" 2>/dev/null; done; true'
        )
        while not any(int(size) > mebibytes << 20 for size in self.on(host, ask).split()):
            assert time.monotonic() < deadline, f"{host} got nothing"
            time.sleep(0.1)

    def empty(self, host: str) -> None:
        """Take away what restores brought to a host."""
        self.on(
            host,
            "for c in $(pg_lsclusters -h | awk '{print $2}'); do "
            "pg_dropcluster --stop 15 $c; done; rm -rf /var/lib/orchestrator-restore",
        )

    @contextmanager
    def large_table(self, mebibytes: int) -> Iterator[None]:
        """Let the service have a table that takes a while to restore, and folds badly."""
        kibibyte = "SELECT string_agg(md5((i * 32 + j)::text), '') FROM generate_series(0, 31) j"
        rows = f"SELECT i, ({kibibyte}) AS said FROM generate_series(1, {mebibytes * 1024}) i"
        made = f"SET ROLE owner; CREATE TABLE data.bulk AS {rows};"
        self.services.as_superuser(PRIMARY, SERVICE, made)
        try:
            yield
        finally:
            self.services.as_superuser(PRIMARY, SERVICE, "DROP TABLE data.bulk")

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
