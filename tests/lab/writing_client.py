"""A client that writes and reads databases without a pause, and tells what that cost it.

It runs on a host of its own and reaches each primary as any program does: by the list of hosts and
`target_session_attrs`. Twenty times a second it writes a row of each database and reads it back. A
gap is the time between two answers where that is more than half a second; a row is missing that was
acknowledged and is not there in the end.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, declared_services, hosts_of
from orchestrator.spec.load import load_site
from tests.lab.service_town import ServiceTown

STOP = "/run/client-stop"
SCRIPT = "/run/beat.py"
CLIENT_SECONDS = 1800
"""For the client's whole life; nothing it watches takes longer."""

TABLE = (
    "CREATE TABLE IF NOT EXISTS beat (n bigserial PRIMARY KEY, at timestamptz);"
    "GRANT SELECT, INSERT ON beat TO PUBLIC; GRANT USAGE ON SEQUENCE beat_n_seq TO PUBLIC;"
)

BEAT = r"""
import json, os, sys, threading, time, psycopg2
given = json.loads(sys.stdin.readline())
ask = ("INSERT INTO beat (at) VALUES (clock_timestamp()) RETURNING n",
       "SELECT count(*) FROM beat WHERE n = %s")

def write(words, told):
    line, last, connections = None, time.monotonic(), 0
    acknowledged = []
    while not os.path.exists(given["stop"]):
        try:
            if line is None:
                line = psycopg2.connect(words)
                line.autocommit = True
                connections += 1
            cursor = line.cursor()
            cursor.execute(ask[0])
            number = cursor.fetchone()[0]
            acknowledged.append(number)
            cursor.execute(ask[1], (number,))
            told["unread"] += cursor.fetchone()[0] != 1
            now = time.monotonic()
            if now - last > 0.5:
                told["gaps"].append(round(now - last, 2))
            last = now
        except psycopg2.Error as error:
            told["error"] = str(error)
            line = None
        time.sleep(0.05)
    line = line or psycopg2.connect(words)
    cursor = line.cursor()
    cursor.execute("SELECT n FROM beat")
    there = {row[0] for row in cursor.fetchall()}
    told.update(written=len(acknowledged), connections=connections,
                missing=len(set(acknowledged) - there))

found = {name: {"gaps": [], "unread": 0, "error": ""} for name in given["words"]}
writers = [threading.Thread(target=write, args=(words, found[name]))
           for name, words in given["words"].items()]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
print(json.dumps(found))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What one database was to the client."""

    gaps: tuple[float, ...]
    written: int
    missing: int
    """Rows that were acknowledged and are not there."""
    unread: int
    """Rows that were acknowledged and not read back at once."""
    connections: int


class WritingClient:
    """Writes into services while a `with` block lasts; `served` is known after it."""

    def __init__(self, town: ServiceTown, host: str, services: Sequence[str]) -> None:
        """Make the tables, and bring the client to its host."""
        self._town, self._host = town, host
        site = load_site(town.directory).site
        self._services = [one for one in declared_services(site) if one.name in services]
        assert len(self._services) == len(services)
        self._site = site
        self._told: list[str] = []
        self.served: Mapping[str, Served] = {}
        town.on(host, "apt-get -qy install python3-psycopg2 >/dev/null", within=CLIENT_SECONDS)
        town.on(host, "bash -s", given=f"rm -f {STOP}; cat > {SCRIPT} <<'END'\n{BEAT}\nEND\n")
        for one in self._services:
            self._make_table(one)
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> WritingClient:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and hear what it cost."""
        self._town.on(self._host, f"touch {STOP}")
        self._thread.join(timeout=120)
        if error is None:
            told: dict[str, dict[str, Any]] = json.loads(self._told[0])
            self.served = {
                name: Served(
                    gaps=tuple(one["gaps"]),
                    **{key: one[key] for key in ("written", "missing", "unread", "connections")},
                )
                for name, one in told.items()
            }

    def words(self, one: DeclaredService) -> str:
        """Return how the client connects, with the vault's login as it is now."""
        vault = AnsibleVaultSecrets(self._town.directory)
        login, _, password = vault.get(one.login_ref(DatabaseRole.APP)).reveal().partition(":")
        addresses = ",".join(str(server.address) for server in hosts_of(self._site, one))
        return (
            f"host={addresses} port={one.service.port} dbname={one.database} user={login} "
            f"password={password} sslmode=require target_session_attrs=read-write "
            "connect_timeout=2 tcp_user_timeout=3000"
        )

    def _write(self) -> None:
        words = {one.name: self.words(one) for one in self._services}
        given = json.dumps({"words": words, "stop": STOP})
        self._told.append(
            self._town.on(
                self._host, f"python3 {SCRIPT}", given=f"{given}\n", within=CLIENT_SECONDS
            )
        )

    def _make_table(self, one: DeclaredService) -> None:
        """Make it on the primary, which is asked for by trying: replicas refuse."""
        command = f"runuser -u postgres -- psql -Xq -p {one.service.port} -d {one.database} -f -"
        for server in hosts_of(self._site, one):
            asked = "SELECT pg_is_in_recovery()"
            told = self._town.on(server.name, command.replace("-Xq", "-XAtq"), given=asked)
            if told.strip() == "f":
                self._town.on(server.name, command, given=TABLE)
                return
        raise AssertionError(f"{one.name} has no primary")


def report_lines(served: Mapping[str, Served]) -> list[str]:
    """Return what each database cost its client, a line each."""
    return [
        f"{name}: {one.written} rows, gaps of more than 0.5 s: "
        f"{', '.join(f'{gap:.1f} s' for gap in one.gaps) or 'none'}; "
        f"acknowledged and missing: {one.missing}"
        for name, one in served.items()
    ]
