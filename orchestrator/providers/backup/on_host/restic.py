"""restic 0.14 and later: one repository for each subject, reached by a path or over SSH."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .ground import ActError, Answer, ended_in_any_case, lacking, said, secret_pipe

CLIENT = Path("/etc/orchestrator/backup")
CACHE = Path("/var/cache/orchestrator-backup")
SURROUNDINGS = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "RESTIC_PROGRESS_FPS": "0.2",
}
REMOTE_USER = "backup-repository"
MOST_COMPLAINTS = 4
"""restic 0.14 goes on for 15 minutes after a repository failed. It says a line each time it tries
again; after so many of them the run is ended."""
SHOWN_OF_MANY = 200
"""Characters of the first of many complaints: the rest follows from it."""

WORDS = (
    ("wrong password or no key found", "wrong-key"),
    ("does not exist", "absent"),
    ("no space left on device", "no-space"),
    ("Permission denied (publickey", "unprepared"),
    ("Host key verification failed", "unprepared"),
    ("not allowed to", "unprepared"),
    ("is already locked", "busy"),
    ("ciphertext verification failed", "broken"),
    ("invalid data returned", "broken"),
    ("Connection refused", "silent"),
    ("Connection timed out", "silent"),
    ("No route to host", "silent"),
    # ssh's, after ServerAliveCountMax; and restic's own, when the line ended without a word.
    ("Timeout, server ", "silent"),
    ("stdio connection already closed", "silent"),
)
"""Before 0.17 restic ends with 1 whatever went wrong, so its words are all there is: these are
constants of its source and of ssh's. What is none of them is `failed`, with the words shown."""
CODES = {10: "absent", 11: "busy", 12: "wrong-key"}
"""Since restic 0.17."""


@dataclass
class Repository:
    """A subject's repository: its address, how it is reached, and its key."""

    url: str
    key: str
    options: Sequence[str] = ()
    user: str = ""
    """Who owns its files, where it is a path."""
    cache: bool = True

    @classmethod
    def of(cls, request: Answer) -> Repository:
        """Return the one that a request is about: local where it has a `path`."""
        wanted = request["repository"]
        if wanted.get("path"):
            url = f"{wanted['path']}/{request['subject']}"
            return cls(url=url, key=wanted["key"], user=REMOTE_USER, cache=False)
        ssh = (
            f"ssh -i {CLIENT}/id -o UserKnownHostsFile={CLIENT}/known_hosts -o BatchMode=yes "
            "-o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 "
            f"-o ServerAliveCountMax=3 {REMOTE_USER}@{wanted['address']}"
        )
        options = ("-o", f"rclone.program={ssh}")
        return cls(url=f"rclone:{request['subject']}", key=wanted["key"], options=options)

    def argv(self, *words: str, key_fd: int) -> list[str]:
        """Return a command line; the key comes through a descriptor."""
        before = ["runuser", "-u", self.user, "--"] if self.user else []
        cache = ["--cache-dir", str(CACHE)] if self.cache else ["--no-cache"]
        return [
            *before,
            *("restic", "-r", self.url, "--password-file", f"/dev/fd/{key_fd}", "--json"),
            *(*cache, *self.options, *words),
        ]

    def run(self, *words: str) -> bytes:
        """Run restic to its end and return what it printed."""
        with self.started(*words) as running:
            out = running.stdout.read()
            running.end()
        return out

    def lines(self, *words: str) -> list[Any]:
        """Run restic and return the JSON that it printed, line by line."""
        return [json.loads(line) for line in self.run(*words).splitlines() if line.strip()]

    @contextmanager
    def started(self, *words: str, feed: bool = False) -> Iterator[Running]:
        """Start restic; `feed` gives it an input to be written to."""
        key_fd = secret_pipe(self.key)
        try:
            if self.user:
                os.fchown(key_fd, _uid(self.user), -1)
            child = subprocess.Popen(  # noqa: S603 - our own argument list, no shell
                self.argv(*words, key_fd=key_fd),
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(key_fd,),
                cwd="/",
                env=SURROUNDINGS,
            )
        except FileNotFoundError:
            raise lacking("restic") from None
        finally:
            os.close(key_fd)
        with ended_in_any_case(child):
            yield Running(child)


def _uid(user: str) -> int:
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ActError("unprepared", f"the host has no user {user}") from None


@dataclass
class Running:
    """restic at work; what it complains of is read all the while, so that it never blocks."""

    child: subprocess.Popen[bytes]
    complaints: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    """Files that it could not read."""
    _reader: threading.Thread | None = None

    def __post_init__(self) -> None:
        """Begin to listen."""
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> BinaryIO:
        """Return its input."""
        assert self.child.stdin is not None  # noqa: S101 - asked for when it was started
        return self.child.stdin  # type: ignore[return-value] # a pipe is one

    @property
    def stdout(self) -> BinaryIO:
        """Return its output."""
        assert self.child.stdout is not None  # noqa: S101 - always a pipe
        return self.child.stdout  # type: ignore[return-value] # a pipe is one

    def end(self, *, fine: Iterable[int] = (0,)) -> None:
        """Wait for its end; raise a fault where it is another than a fine one."""
        code = self.child.wait()
        self.heard()
        if code not in set(fine):
            raise self.fault(code)

    def heard(self) -> list[str]:
        """Return what it complained of, to the last line once it ended."""
        if self._reader:
            self._reader.join(timeout=5)
        return self.complaints

    def fault(self, code: int) -> ActError:
        """Return why it ended."""
        words = "\n".join(self.complaints)
        kind = kind_of(code, words)
        if kind == "failed" and len(self.complaints) >= MOST_COMPLAINTS:
            first = self.complaints[0][:SHOWN_OF_MANY]
            return ActError("silent", f"the repository no longer answers: {said(first)}")
        return ActError(kind, f"restic ended with {code}: {said(words)}")

    def _listen(self) -> None:
        assert self.child.stderr is not None  # noqa: S101 - always a pipe
        for line in self.child.stderr:
            text = line.decode("utf-8", "replace").strip()
            item = _item(text)
            if item:
                self.items.append(item)
            if text and not text.startswith("github.com/"):
                self.complaints.append(text)
            if sum(not each.startswith("{") for each in self.complaints) == MOST_COMPLAINTS:
                self.child.send_signal(2)


def kind_of(code: int, words: str) -> str:
    """Return what kind of fault restic ended with."""
    told = (kind for text, kind in WORDS if text.lower() in words.lower())
    return CODES.get(code) or next(told, "failed")


def _item(text: str) -> str:
    if not text.startswith("{"):
        return ""
    try:
        return str(json.loads(text).get("item", ""))
    except ValueError:
        return ""


def save(
    repository: Repository, words: Sequence[str], feed: Callable[[BinaryIO], None] | None = None
) -> str:
    """Make one snapshot and return its id; `feed` writes its single file.

    A file that is there and cannot be read is a fault; one that went away meanwhile is not.
    """
    with repository.started("backup", *words, feed=feed is not None) as running:
        if feed is not None:
            try:
                with running.stdin as pipe:
                    feed(pipe)
            except BrokenPipeError:
                pass  # restic ended: why, its own ending says below
        summary = _summary(running.stdout)
        running.end(fine=(0, 3))
        unread = [item for item in running.items if os.path.lexists(item)]
        if running.child.returncode == 3 and (unread or not running.items):
            raise ActError("failed", "restic could not read every file", broken=unread)
    if not summary:
        raise ActError("failed", "restic told of no snapshot")
    return str(summary["snapshot_id"])


def _summary(lines: Iterable[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines:
        told = json.loads(line)
        if told.get("message_type") == "summary":
            found = told
    return found


def stamp(moment: str) -> str:
    """Return a moment as `backup --time` takes it; the process runs in UTC."""
    return moment[:19].replace("T", " ")


def tags(**values: object) -> list[str]:
    """Return `--tag` words; facts that a listing must tell without opening anything."""
    return [word for name, value in values.items() for word in ("--tag", f"{name}={value}")]


def elapsed(begun: float) -> float:
    """Return seconds since a moment of the monotonic clock."""
    return round(time.monotonic() - begun, 3)
