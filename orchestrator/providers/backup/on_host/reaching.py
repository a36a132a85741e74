"""The way back to a database while it is copied: the backup server opens no connection of its own.

The host opens one to the server, asks it for a backup, and answers what comes back by that line:
pgBackRest's own requests, each for one service.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .ground import RUNTIME, ActError, Answer, ended_in_any_case, lacking, said

PLACE = Path("/etc/site-archive")
SSH = (
    *(
        "ssh",
        "-F",
        "/dev/null",
        "-i",
        f"{PLACE}/id",
        "-o",
        f"UserKnownHostsFile={PLACE}/known_hosts",
    ),
    *("-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"),
    *("-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)
ANSWERED = re.compile(r"(backup|check|stanza-create|stanza-upgrade):remote")
SPEECH = re.compile(
    r"--(exec-id|process|pg|buffer-size|compress-level-network|db-timeout|io-timeout"
    r"|protocol-timeout|log-level-(console|stderr)|sck-keep-alive|neutral-umask"
    r"|tcp-keep-alive-(count|idle|interval))=[A-Za-z0-9.-]*"
)
WORDS = (
    ("not allowed to", "unprepared"),
    ("Permission denied (publickey", "unprepared"),
    ("Host key verification failed", "unprepared"),
    ("No such file or directory: '/usr/local/sbin", "unprepared"),
    ("[CryptoError]", "wrong-key"),
    ("[029]", "wrong-key"),
    ("cipher header invalid", "wrong-key"),
    ("unable to flush", "wrong-key"),
    ("No space left on device", "no-space"),
    ("unable to acquire lock", "busy"),
    ("Connection refused", "silent"),
    ("Connection timed out", "silent"),
    ("No route to host", "silent"),
    ("Network is unreachable", "silent"),
    ("Timeout, server ", "silent"),
)
"""pgBackRest ends with the number of its error, which says less than its words: these are constants
of its source and of ssh's. What is none of them is `failed`, with the words shown."""


def fault_of(words: str) -> ActError:
    """Return the fault that a program's words tell of."""
    kind = next((kind for part, kind in WORDS if part in words), "failed")
    return ActError(kind, f"pgBackRest: {said(words)}")


def ask_server(request: Answer, asked: Answer) -> None:
    """Have the backup server do its part, and answer it until it has ended."""
    archive = request["archive"]
    with _answering(request) as here:
        there = f"{archive['home']}/reach/{here.name}"
        forward = ("-o", "ExitOnForwardFailure=yes", "-R", f"{there}:{here}")
        address = f"{archive['user']}@{archive['address']}"
        given = json.dumps({**asked, "socket": here.name, "key": archive["key"]})
        try:
            child = subprocess.Popen(  # noqa: S603 - our own argument list, no shell
                [*SSH, *forward, address, "back-up"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
            )
        except FileNotFoundError:
            raise lacking("ssh") from None
        with ended_in_any_case(child):
            out, _ = child.communicate(given.encode() + b"\n")
        if child.returncode:
            raise fault_of(out.decode("utf-8", "replace"))


@contextmanager
def _answering(request: Answer) -> Iterator[Path]:
    """Listen at a socket of this host alone, as long as the block lasts."""
    RUNTIME.mkdir(mode=0o700, exist_ok=True)
    here = RUNTIME / f"reach-{secrets.token_hex(6)}"
    children: list[subprocess.Popen[bytes]] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(here))
        door.listen()
        threading.Thread(target=_serve, args=(door, request, children), daemon=True).start()
        try:
            yield here
        finally:
            here.unlink(missing_ok=True)
            for child in children:
                with ended_in_any_case(child):
                    pass


def _serve(door: socket.socket, request: Answer, children: list[subprocess.Popen[bytes]]) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return  # the door is closed: the backup has ended
        with line:
            argv = _far_end(_first_line(line), request)
            if argv is None:
                continue
            children.append(
                subprocess.Popen(  # noqa: S603 - our own argument list, no shell
                    argv, stdin=line.fileno(), stdout=line.fileno(), stderr=line.fileno(), cwd="/"
                )
            )


def _first_line(line: socket.socket) -> str:
    """Read the request, and nothing of what follows it."""
    read = b""
    while not read.endswith(b"\n"):
        one = line.recv(1)
        if not one:
            break
        read += one
    return read.decode("utf-8", "replace")


def _far_end(wanted: str, request: Answer) -> list[str] | None:
    """Return pgBackRest's end at the database, for this one service; None for anything else."""
    words = shlex.split(wanted)
    archive, cluster = request["archive"], request["cluster"]
    if f"--stanza={archive['stanza']}" not in words or "--remote-type=pg" not in words:
        return None
    if not ANSWERED.fullmatch(words[-1]):
        return None
    return [
        *("runuser", "-u", "postgres", "--", "pgbackrest", "--no-config", "--log-level-file=off"),
        *(word for word in words if SPEECH.fullmatch(word)),
        *(f"--stanza={archive['stanza']}", "--remote-type=pg", f"--pg1-path={archive['data']}"),
        *(f"--pg1-port={int(cluster['port'])}", words[-1]),
    ]
