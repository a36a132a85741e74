"""A client that writes and reads while every host of its database is rebooted.

Three real hosts with one primary and two replicas; the client is on a fourth one. It writes a row
and reads it back twenty times a second, and reaches the primary as any program does: by the list of
hosts and `target_session_attrs`. Its gaps are what the hand-overs and reboots cost a department.
Needs root.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.errors import HostError
from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.model.units import SecretRef
from orchestrator.providers.host.ssh import SshHosts
from tests.lab.service_town import ServiceTown

SERVICE, DATABASE, PORT = "gongan/population", "population", 5501
HOSTS = ("db-1", "db-2", "dr-db-1")
CLIENT = "bak-1"
STOP = "/run/client-stop"
CLIENT_SECONDS = 900

BEAT = r"""
import json, os, sys, time, psycopg2
given = json.loads(sys.stdin.readline())
ask = ("INSERT INTO beat (at) VALUES (clock_timestamp()) RETURNING n",
       "SELECT count(*) FROM beat WHERE n = %s")
line, last, gaps, written, lost = None, time.monotonic(), [], 0, 0
while not os.path.exists(given["stop"]):
    try:
        if line is None:
            line = psycopg2.connect(given["words"])
            line.autocommit = True
        cursor = line.cursor()
        cursor.execute(ask[0])
        number = cursor.fetchone()[0]
        cursor.execute(ask[1], (number,))
        lost += cursor.fetchone()[0] != 1
        written += 1
        now = time.monotonic()
        if now - last > 0.5:
            gaps.append(round(now - last, 2))
        last = now
    except psycopg2.Error:
        line = None
    time.sleep(0.05)
line = line or psycopg2.connect(given["words"])
cursor = line.cursor()
cursor.execute("SELECT count(*) FROM beat")
print(json.dumps({"written": written, "there": cursor.fetchone()[0], "lost": lost, "gaps": gaps}))
"""


def main() -> None:
    """Bring the hosts up, let the client write, and maintain every one of them."""
    missing = missing_for_hosts()
    if missing:
        sys.stdout.write(f"  left out: hosts need {', '.join(missing)}\n")
        return
    with tempfile.TemporaryDirectory(prefix="maintained-") as folder:
        town = ServiceTown(Path(folder))
        try:
            town.up((*HOSTS, CLIENT))
            _report(*_measured(town))
        finally:
            town.down()


def _measured(town: ServiceTown) -> tuple[dict[str, Any], float]:
    for host in (*HOSTS, CLIENT):
        _await(town, host)
    _run(town, "service", "apply", SERVICE, "--yes")
    table = "CREATE TABLE beat (n bigserial PRIMARY KEY, at timestamptz)"
    grant = "GRANT SELECT, INSERT ON beat TO PUBLIC; GRANT USAGE ON SEQUENCE beat_n_seq TO PUBLIC"
    _on(town, HOSTS[0], f"runuser -u postgres -- psql -p {PORT} -d {DATABASE}", f"{table};{grant};")
    _on(town, CLIENT, "apt-get -qy install python3-psycopg2 >/dev/null")
    told: list[str] = []
    script = f"cat > /run/beat.py <<'END'\n{BEAT}\nEND\n"
    _on(town, CLIENT, "bash -s", script)
    given = json.dumps({"words": _words(town), "stop": STOP})
    client = threading.Thread(
        target=lambda: told.append(_on(town, CLIENT, "python3 /run/beat.py", f"{given}\n"))
    )
    client.start()
    begun = time.monotonic()
    try:
        plan = str(town.directory.parent / "a.plan")
        hosts = f"--hosts={','.join(HOSTS)}"
        _run(town, "maintenance", "plan", "--reboot", hosts, "--out", plan)
        _run(town, "maintenance", "run", plan, "--yes", "--outside-window")
    finally:
        seconds = time.monotonic() - begun
        _on(town, CLIENT, f"touch {STOP}")
        client.join(timeout=60)
    return json.loads(told[0]), seconds


def _report(told: dict[str, Any], seconds: float) -> None:
    gaps = ", ".join(f"{gap:.1f}" for gap in told["gaps"]) or "none"
    sys.stdout.write(
        f"  {len(HOSTS)} hosts rebooted in {seconds:.0f} s, {told['written']} rows "
        f"written and read back meanwhile:\n"
        f"    gaps of more than 0.5 s, in s: {gaps}\n"
        f"    acknowledged rows that are missing: {max(0, told['written'] - told['there'])}\n"
    )


def _words(town: ServiceTown) -> str:
    reference = SecretRef(f"secret://service/{SERVICE}/app")
    login, _, password = AnsibleVaultSecrets(town.directory).get(reference).reveal().partition(":")
    addresses = ",".join(str(town.server(name).address) for name in HOSTS)
    return (
        f"host={addresses} port={PORT} dbname={DATABASE} user={login} password={password} "
        "sslmode=require target_session_attrs=read-write connect_timeout=2 tcp_user_timeout=3000"
    )


def _hosts(town: ServiceTown) -> SshHosts:
    return SshHosts(
        endpoints=json.loads(town.settings.endpoints.read_text()),
        secrets=town.vault,
        folder=town.directory / ".orchestrator" / "hosts",
    )


def _on(town: ServiceTown, host: str, command: str, given: str = "") -> str:
    ran = _hosts(town).run(town.server(host), command, within=CLIENT_SECONDS, given=given)
    if ran.status:
        raise RuntimeError(f"{host}: {command[:60]}: {ran.err or ran.out}")
    return ran.out


def _await(town: ServiceTown, host: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _on(town, host, "true")
            return
        except HostError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _run(town: ServiceTown, *words: str) -> None:
    done: subprocess.CompletedProcess[str] = town.run(*words, "--site", str(town.directory))
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
