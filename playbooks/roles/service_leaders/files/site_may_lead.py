#!/usr/bin/python3
"""Say whether a database cluster may start as the primary: never two of one service.

Written by orchestrator. Each voter of a service (its hosts, and a witness elsewhere) keeps who was
made its primary last, with a number that grows: the term. Before another one is promoted, so many
voters are told of it that whoever hears the rest hears at least one of them. A cluster that is no
replica asks here before it starts, and hears `needed` voters, itself among them, or waits.

`site-may-lead VERSION CLUSTER` is asked by systemd, `--wait VERSION-CLUSTER` asks again until it
may, and `--answer` tells one voter on the other end of its input what is known here.
"""

from __future__ import annotations

import enum
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

VOTERS = Path("/etc/site-leaders")
TERMS = Path("/var/lib/site-leaders")
SAID = Path("/run/site-leaders")
DATA = Path("/var/lib/postgresql")
TLS = Path("/etc/site-tls")
BOOT = Path("/proc/sys/kernel/random/boot_id")
PORT = 8431
ANSWER_SECONDS, AGAIN_SECONDS = 3.0, 5.0
LONGEST_REQUEST = 300


class Record(NamedTuple):
    """What one voter knows of a service."""

    term: int
    leader: str
    leads: bool = False
    """Its own cluster runs as a primary now."""


class Answer(enum.Enum):
    """Whether a cluster may start as the primary."""

    MAY = "may"
    WAIT = "wait"
    NEVER = "never"


def decide(
    host: str, records: Mapping[str, Record | None], *, needed: int, told_to: bool = False
) -> tuple[Answer, str]:
    """Return whether a host may lead, and why not; `records` has all voters, None is silent.

    `told_to`: a person has seen that nobody else leads; silence has no say then.
    """
    heard = {name: one for name, one in records.items() if one is not None}
    own = heard.get(host)
    if own is None:
        return Answer.WAIT, "nothing here says who its primary is"
    newest = max(one.term for one in heard.values())
    for name, one in heard.items():
        if one.leads and name != host:
            return Answer.NEVER, f"{name} leads it now"
        if one.term == newest and one.leader != host:
            return Answer.NEVER, f"{one.leader} was made its primary (term {newest})"
    if own.term < newest:
        # Its own record was lost or never came: whoever wrote the newer one says so to it, too.
        return Answer.WAIT, f"others know of term {newest}, and it of {own.term} only"
    if len(heard) < needed and not told_to:
        silent = ", ".join(sorted(set(records) - set(heard)))
        why = f"it hears {len(heard)} of {len(records)} voters and needs {needed}; silent: {silent}"
        return Answer.WAIT, why
    return Answer.MAY, ""


def may_lead(version: str, cluster: str) -> Answer:
    """Ask all voters; keep the answer for whoever looks at this host."""
    if (DATA / version / cluster / "standby.signal").exists():
        return _said(cluster, Answer.MAY, "")
    try:
        voters = json.loads((VOTERS / f"{cluster}.json").read_text())
    except FileNotFoundError:
        return _said(cluster, Answer.WAIT, "nothing here says who votes for its primary")
    token = SAID / f"{cluster}.told-to"
    told_to = token.exists()
    token.unlink(missing_ok=True)
    # First it only asks; then it says that it starts, and each voter holds to that: who is told of
    # a new primary afterwards knows of this one, and who was told before says so now.
    for starting in (False, True):
        records = _ask_all(voters, cluster, starting=starting)
        answer, why = decide(voters["host"], records, needed=voters["needed"], told_to=told_to)
        if answer is not Answer.MAY:
            break
    return _said(cluster, answer, why)


def _ask_all(
    voters: Mapping[str, Any], cluster: str, *, starting: bool
) -> dict[str, Record | None]:
    host = voters["host"]
    others = {name: address for name, address in voters["voters"].items() if name != host}
    own = known(cluster)
    term = own.term if own else 0
    asked = json.dumps({"cluster": cluster, "starting": starting, "term": term})
    with ThreadPoolExecutor(max(1, len(others))) as pool:
        told = pool.map(lambda one: ask(*one, asked), others.items())
        records = dict(zip(others, told, strict=True))
    if starting:
        _note_start(cluster, host)
    return {**records, host: known(cluster)}


def known(cluster: str) -> Record | None:
    """Return what this host knows of a service."""
    try:
        found = json.loads((TERMS / f"{cluster}.json").read_text())
    except FileNotFoundError:
        return None
    return Record(found["term"], found["leader"], _leads(cluster))


def _leads(cluster: str) -> bool:
    for pid_file in DATA.glob(f"*/{cluster}/postmaster.pid"):
        pid = pid_file.read_text().split()[0]
        runs = (Path("/proc") / pid).exists()
        if runs and not (pid_file.parent / "standby.signal").exists():
            return True
    return False


def ask(name: str, address: str, asked: str) -> Record | None:
    """Ask one voter; None: it says nothing, or nothing that can be believed."""
    try:
        with (
            socket.create_connection((address, PORT), ANSWER_SECONDS) as plain,
            _context(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(plain, server_hostname=name) as secure,
        ):
            secure.sendall(f"{asked}\n".encode())
            told = json.loads(_line(secure))
            return None if told is None else Record(*told)
    except (OSError, ValueError, TypeError):
        return None


def answer_one() -> None:
    """Tell the voter at the other end of the input; nobody else is told anything."""
    with socket.socket(fileno=os.dup(0)) as plain:
        plain.settimeout(ANSWER_SECONDS)
        try:
            with _context(ssl.PROTOCOL_TLS_SERVER).wrap_socket(plain, server_side=True) as secure:
                told = _for(secure, json.loads(_line(secure)))
                secure.sendall(f"{json.dumps(told)}\n".encode())
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.stderr.write(f"no answer to {plain.getpeername()[0]}: {error}\n")


def _for(secure: ssl.SSLSocket, asked: Mapping[str, Any]) -> Record | None:
    subject: Any = (secure.getpeercert() or {}).get("subject", ())
    who = {value for part in subject for key, value in part if key == "commonName"}
    cluster = str(asked["cluster"])
    if "/" in cluster or cluster.startswith("."):
        raise ValueError("that is no cluster's name")
    voters = json.loads((VOTERS / f"{cluster}.json").read_text())["voters"]
    (name,) = who & set(voters)  # nobody else is answered
    found = known(cluster)
    knows_better = found is not None and found.leader != name and found.term >= asked["term"]
    if asked["starting"] and not knows_better:
        _note_start(cluster, name)
    return found


def _note_start(cluster: str, host: str) -> None:
    """Keep that a host starts as the primary: none is put in its place for two minutes.

    `claim` in orchestrator/providers/postgresql/on_host.py reads this. Within one boot the time is
    of a clock that nobody sets; a voter that boots meanwhile still has the time of the day.
    """
    TERMS.mkdir(mode=0o755, exist_ok=True)
    note = {
        "host": host,
        "at": time.monotonic(),
        "boot": BOOT.read_text().strip(),
        "clock": time.time(),
    }
    _write(TERMS / f"{cluster}.starts", note)


def _line(secure: ssl.SSLSocket) -> str:
    text = b""
    while not text.endswith(b"\n") and len(text) < LONGEST_REQUEST:
        more = secure.recv(LONGEST_REQUEST)
        if not more:
            break
        text += more
    return text.decode()


def _context(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(TLS / "ca.crt")
    context.load_cert_chain(TLS / "current/server.crt", TLS / "current/server.key")
    return context


def wait(version: str, cluster: str) -> None:
    """Ask again until the cluster may start, and start it; where another one leads, end.

    This has no end of its own: voters may come back days after a blackout. It does nothing for a
    cluster that failed for another reason.
    """
    said = SAID / f"{cluster}.json"
    while said.exists() and json.loads(said.read_text())["answer"] == Answer.WAIT.value:
        time.sleep(AGAIN_SECONDS)
        if said.exists() and may_lead(version, cluster) is Answer.MAY:
            unit = f"postgresql@{version}-{cluster}.service"
            started = ["systemctl", "start", "--no-block", unit]
            subprocess.run(started, check=True, timeout=30)  # noqa: S603 - our own words, no shell
            return


def _said(cluster: str, answer: Answer, why: str) -> Answer:
    file = SAID / f"{cluster}.json"
    SAID.mkdir(mode=0o755, exist_ok=True)
    if answer is Answer.MAY:
        file.unlink(missing_ok=True)
        return answer
    _write(file, {"answer": answer.value, "why": why})
    sys.stderr.write(f"{cluster} is not started as the primary: {why}\n")
    return answer


def _write(file: Path, value: Mapping[str, Any]) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("w") as written:
        written.write(json.dumps(value) + "\n")
        written.flush()
        os.fsync(written.fileno())
    draft.replace(file)


def main() -> int:
    """Do what the command line says."""
    words = sys.argv[1:]
    if words == ["--answer"]:
        answer_one()
    elif words[0] == "--wait":
        version, _, cluster = words[1].partition("-")
        wait(version, cluster)
    else:
        return 0 if may_lead(words[0], words[1]) is Answer.MAY else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
