"""Runs on a drill's host, as root, with the host's own Python; it comes through stdin.

A request is handed to `answer`; it answers with one line of JSON, so that nothing is decided by
what a program says in words. Secrets are in the request, and nowhere else.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TABLE = "orchestrator_drill"
CLUSTER = "orchestrator_drill"
"""What a drill restores into; any other cluster of a restore is somebody's."""
CLUSTERS = Path("/etc/postgresql")
INSTANCES = Path("/var/lib/orchestrator-mariadb")
RESTORED = "*/*/made-by-orchestrator-restore"
"""A file that a restore leaves in the configuration of the cluster that it made."""
LOCKS = Path("/run/orchestrator-backup")
SWITCH = "orchestrator-drill-release"
RELEASE = (
    f"for one in {CLUSTERS}/*/{CLUSTER}/postgresql.conf; do "
    'if [ -f "$one" ]; then version=${one%/*/*}; '
    f"pg_ctlcluster ${{version##*/}} {CLUSTER} stop -m immediate; fi; done; "
    f"if [ -d {INSTANCES}/{CLUSTER} ]; then "
    f"systemctl kill --signal=KILL orchestrator-mariadb-{CLUSTER}; fi; "
    f"nft delete table inet {TABLE}"
)
"""By the host's own systemd, hours after the last word of whoever ran the drill."""
PRIORITY = -250
"""Before any other table's chains: what is dropped here, nobody else can let through."""
COMMAND_SECONDS = 30.0
CONNECT_SECONDS = 1.0
END_SECONDS = 8.0

Answer = dict[str, Any]
FAULTS = (
    *(OSError, ValueError, LookupError, TypeError, StopIteration),
    subprocess.SubprocessError,
)


class RefusedError(Exception):
    """What was asked for cannot be done; the text says why."""


def answer(request: Answer) -> None:
    """Answer one request."""
    try:
        told = VERBS[request.pop("do")](**request)
    except RefusedError as error:
        told = {"refused": str(error)}
    except FAULTS as error:
        # No traceback: it may show the program's last line, where the request is, with its secrets.
        told = {"refused": type(error).__name__}
    sys.stdout.write(json.dumps(told) + "\n")


def isolate(*, repository: str, targets: list[dict[str, Any]], release_after: float) -> Answer:
    """Drop all but SSH from where we are asked from, the repository, and loopback.

    The table is made in one transaction: there is no moment in which it lets more through. Before
    that the host is told when to take its network back by itself.
    """
    refuse_in_use()
    rules = table(client=_asked_from(), repository=repository, targets=targets)
    _disarm()
    _run(*dead_mans_switch(release_after))
    _run("nft", "-f", "-", given=rules)
    return {}


def dead_mans_switch(seconds: float) -> list[str]:
    """Return the command that ends an isolation which nobody else ends.

    What was restored is stopped first: it must not meet production. The next drill removes it.
    """
    return [
        *("systemd-run", "--quiet", "--collect", f"--unit={SWITCH}"),
        *(f"--on-active={seconds:.0f}s", "--timer-property=AccuracySec=1s"),
        "--description=End of a drill that nobody ended",
        # systemd would put its own variables into the words, and takes two signs for one.
        *("/bin/sh", "-c", RELEASE.replace("$", "$$")),
    ]


def _disarm() -> None:
    """Take the switch back; one that is not there is none to take back."""
    timer = f"{SWITCH}.timer"
    known = _run("systemctl", "list-units", "--all", "--plain", "--no-legend", timer)
    if timer in known.split():
        _run("systemctl", "stop", timer)


def refuse_in_use(
    *, clusters: Path = CLUSTERS, instances: Path = INSTANCES, locks: Path = LOCKS
) -> None:
    """Refuse a spare that somebody restored something to: it would be cut off with the host."""
    restored = [made.parent for made in sorted(clusters.glob(RESTORED))]
    there = [one.name for one in restored if (one / "postgresql.conf").is_file()]
    theirs = [name for name in there if name != CLUSTER]
    if theirs:
        raise RefusedError(
            f"cluster {', '.join(theirs)} was restored here, and would be cut off: drill on "
            "another host, or remove it with pg_dropcluster"
        )
    servers = [one for one in sorted(instances.glob("*")) if one.name != CLUSTER]
    if servers:
        raise RefusedError(
            f"MariaDB {', '.join(one.name for one in servers)} was restored here, and would be cut "
            f"off: drill on another host, or stop it and remove {servers[0]} and its unit"
        )
    workers = _holders([str(lock) for lock in locks.glob("restore-*.lock")])
    if workers:
        raise RefusedError(f"processes {workers} restore something here, and would be cut off")


def table(*, client: tuple[str, int], repository: str, targets: list[dict[str, Any]]) -> str:
    """Return our table: `client` is who asks, and the port of SSH here."""
    address, port = client
    ours = f"{_family(address)} {{way}} {address}"
    theirs = f"{_family(repository)} {{way}} {repository}"
    tried = [
        f"{_family(one['address'])} daddr {one['address']} tcp dport {one['port']} "
        'counter name "production" drop;'
        for one in targets
    ]
    # IPv6 finds no neighbour without these two (RFC 4861).
    neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;"
    lines = [
        f"table inet {TABLE} {{}}",
        f"delete table inet {TABLE}",
        f"table inet {TABLE} {{",
        "counter production {}",
        f"chain inward {{ type filter hook input priority {PRIORITY}; policy drop;",
        'iifname "lo" accept;',
        f"{ours.format(way='saddr')} tcp dport {port} accept;",
        f"{theirs.format(way='saddr')} tcp sport 22 ct state established accept;",
        f"{neighbours} }}",
        f"chain outward {{ type filter hook output priority {PRIORITY}; policy drop;",
        'oifname "lo" accept;',
        f"{ours.format(way='daddr')} tcp sport {port} accept;",
        f"{theirs.format(way='daddr')} tcp dport 22 accept;",
        *tried,
        f"{neighbours} }}",
        f"chain onward {{ type filter hook forward priority {PRIORITY}; policy drop; }}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def prove(*, targets: list[dict[str, Any]]) -> Answer:
    """Try to reach what must not be reached; count what our own table dropped of it."""
    before = _dropped()
    with ThreadPoolExecutor(max(1, len(targets))) as pool:
        answered = list(pool.map(_connects, targets))
    reached = [one for one in answered if one]
    after = _dropped()
    dropped = None if before is None or after is None else after - before
    return {"reached": reached, "dropped": dropped, "clock_seconds": time.time()}


def quiet(*, locks: list[str]) -> Answer:
    """End whoever works on a drill's restore still: an interrupt, so that it ends its children."""
    workers = _holders(locks)
    for sent in (signal.SIGINT, signal.SIGKILL):
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, sent)
        limit = time.monotonic() + END_SECONDS
        while workers and time.monotonic() < limit:
            time.sleep(0.1)
            workers = _holders(locks)
    if workers:
        raise RefusedError(f"processes {workers} of an earlier drill do not end")
    return {}


def release(*, folder: str) -> Answer:
    """Give the host its network back, and remove a drill's files."""
    if Path(folder).exists():
        shutil.rmtree(folder)
    # Declared first: deleting a table that is not there is an error.
    _run("nft", "-f", "-", given=f"table inet {TABLE} {{}}\ndelete table inet {TABLE}\n")
    _disarm()
    return {}


def log_in(*, port: int, version: str, database: str, roles: dict[str, list[str]]) -> Answer:
    """Use a database as each role: with the first login that works, or as itself on the host."""
    client = f"/usr/lib/postgresql/{version}/bin/psql"
    where = f"port={port} dbname={database}"
    told = []
    for role, logins in roles.items():
        if logins:
            told.append(_with_password(client, role, logins=logins, where=where))
        else:
            told.append(_locally(client, role, where))
    return {"logins": told}


VERBS: Mapping[str, Callable[..., Answer]] = {
    "isolate": isolate,
    "prove": prove,
    "quiet": quiet,
    "release": release,
    "log-in": log_in,
}

ASKED = """
SELECT json_build_object('user', session_user, 'tls', coalesce(
  (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), ''));
"""


def _with_password(client: str, role: str, *, logins: list[str], where: str) -> Answer:
    fault = ""
    for login in logins:
        name, _, password = login.partition(":")
        words = f"host=127.0.0.1 {where} user={name} connect_timeout=10"
        # The environment of one short process of root's: a password file would outlive a kill.
        ended = subprocess.run(  # noqa: S603 - our own words, no shell
            [client, "-XAtq", "-w", words],
            input=ASKED,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PGPASSWORD": password},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if ended.returncode == 0:
            found = json.loads(ended.stdout)
            return {"role": role, "way": "password", "fault": "", "tls": found["tls"]}
        fault = fault or " ".join(ended.stderr.split())[-300:]
    return {"role": role, "way": "password", "fault": fault, "tls": ""}


def _locally(client: str, role: str, where: str) -> Answer:
    quoted = role.replace('"', '""')
    ended = subprocess.run(  # noqa: S603 - our own words, no shell
        ["runuser", "-u", "postgres", "--", client, "-XAtq", "-v", "ON_ERROR_STOP=1", where],  # noqa: S607 - found on PATH
        input=f'SET SESSION AUTHORIZATION "{quoted}"; SELECT 1;',
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        cwd="/",
        check=False,
    )
    fault = " ".join(ended.stderr.split())[-300:] if ended.returncode else ""
    return {"role": role, "way": "local", "fault": fault, "tls": ""}


def _holders(locks: list[str]) -> list[int]:
    """Return the processes that have one of some files open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile
            if any(str(one.readlink()) in locks for one in (process / "fd").iterdir()):
                found.append(int(process.name))
    return found


def _connects(target: Mapping[str, Any]) -> str:
    """Return who answered; empty: nobody did."""
    try:
        socket.create_connection((target["address"], target["port"]), CONNECT_SECONDS).close()
    except OSError:
        return ""
    return f"{target['host']}:{target['port']}"


def _dropped() -> int | None:
    told = json.loads(_run("nft", "-j", "list", "counter", "inet", TABLE, "production"))
    counters = [one["counter"] for one in told.get("nftables", []) if "counter" in one]
    return int(counters[0]["packets"]) if counters else None


def _asked_from() -> tuple[str, int]:
    """Return who asks, and the port here: from the SSH session that this process runs in.

    sudo does not hand the variable on, so the processes above are looked at, too.
    """
    process = os.getpid()
    while process > 1:
        found = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        for one in found:
            if one.startswith(b"SSH_CONNECTION="):
                client, _, _, port = one.decode().partition("=")[2].split()
                return str(ipaddress.ip_address(client.partition("%")[0])), int(port)
        status = Path(f"/proc/{process}/status").read_text().splitlines()
        process = next(int(line.split()[1]) for line in status if line.startswith("PPid:"))
    raise RefusedError("it is not known from where this host is reached over SSH")


def _family(address: str) -> str:
    return "ip6" if ipaddress.ip_address(address).version == 6 else "ip"


def _run(*words: str, given: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            words,
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RefusedError(f"{words[0]} took longer than {COMMAND_SECONDS:.0f} s") from None
    except OSError as error:
        raise RefusedError(f"{words[0]}: {error.strerror}") from None
    if done.returncode:
        raise RefusedError(f"{words[0]}: " + " ".join((done.stderr or done.stdout).split())[-300:])
    return done.stdout
