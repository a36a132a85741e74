"""What a repository's server does with archives: list, prove and thin them out, near the data."""

from __future__ import annotations

import json
import re
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from .aside import inside
from .ground import ActError, Answer, lacking, said
from .keeping import refuse_other_time
from .reaching import fault_of

NAMED = re.compile(
    r"(?:file missing|invalid checksum|invalid size) '([^']+)'|invalid result (\S+): \[",
    re.MULTILINE,
)
"""How `verify` of 2.45 names a file that is not as it was: it ends with 0 whatever it found."""
WHOLE = re.compile(r"[0-9A-F]{24}-[0-9a-f]{40}(\.[a-z0-9]+)?")
"""A segment that came to its end: until then pgBackRest 2.45 adds `.pgbackrest.tmp` to its name."""
FAILED = "status: error"
SEGMENTS_OF_A_LOG = 256
"""Of 16 MiB each, PostgreSQL's own default."""
SEGMENT = 24
"""Letters of a segment's name: timeline, log, segment."""


def archives(request: Answer) -> Answer:
    """List backups and the newest segment of each service's archive; one without has none."""
    found: dict[str, Any] = {}
    for one in request["archives"]:
        if not Path(one["folder"], "archive", one["stanza"], "archive.info").is_file():
            continue
        try:
            (told,) = json.loads(_run(one, "--output=json", "info"))
            found[one["subject"]] = {**told, "newest": _newest(one)}
        except ActError as fault:
            found[one["subject"]] = {"fault": {"kind": fault.kind, "message": fault.message}}
        except ValueError:
            words = "pgBackRest's list is not readable"
            found[one["subject"]] = {"fault": {"kind": "broken", "message": words}}
    return {"archives": found}


def _newest(one: Answer) -> Answer | None:
    """Return the newest segment that came, and when, by this server's clock."""
    files = _segments(one)
    if not files:
        return None
    newest = max(files, key=lambda file: file.name)
    return {"segment": newest.name[:SEGMENT], "at_seconds": newest.stat().st_mtime}


def _segments(one: Answer) -> list[Path]:
    root = Path(one["folder"], "archive", one["stanza"])
    return [file for file in root.glob("*/*/*-*") if WHOLE.fullmatch(file.name)]


def _run(one: Answer, *words: str) -> bytes:
    """Run pgBackRest as the user that owns this archive; the key is this process' alone."""
    argv = [
        *("runuser", "-u", one["user"], "--", "pgbackrest", "--no-config"),
        *(f"--stanza={one['stanza']}", f"--repo1-path={one['folder']}"),
        *("--log-level-file=off", "--no-log-timestamp"),
        *("--repo1-cipher-type=aes-256-cbc", *words),
    ]
    surroundings = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin",
        "LANG": "C.UTF-8",
        "PGBACKREST_REPO1_CIPHER_PASS": one["key"],
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own argument list, no shell
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=surroundings,
            check=False,
        )
    except FileNotFoundError:
        raise lacking("pgbackrest") from None
    if done.returncode:
        raise fault_of((done.stdout + done.stderr).decode("utf-8", "replace"))
    return done.stdout


def verify_archive(request: Answer) -> Answer:
    """Name segments that are missing, and, where all is read, what is not what it was."""
    one = request["archive"]
    folder = Path(one["folder"])
    if not (folder / "archive" / one["stanza"] / "archive.info").is_file():
        raise ActError("absent", f"there is no archive in {folder}")
    told = ""
    if request["whole"]:
        words = ("--log-level-console=info", "--output=text", "verify")
        told = _run(one, *words).decode("utf-8", "replace")
    broken = [_place(one, match) for match in NAMED.finditer(told)]
    missing = [str(path) for path in _missing(one)]
    files, size = inside(folder) if request["whole"] else (0, 0)
    unnamed = FAILED in told and not broken
    return {
        "files_read": files,
        "bytes_read": size,
        "broken": sorted({*broken, *missing}),
        "complaint": f"pgBackRest: {said(told)}" if unnamed else "",
    }


def _place(one: Answer, match: re.Match[str]) -> str:
    """Return the whole path of a file that is named from the repository's inside."""
    name = match[1] or match[2]
    kind = "archive" if re.match(r"[0-9.]+-[0-9]+/", name) else "backup"
    return f"{one['folder']}/{kind}/{one['stanza']}/{name}"


def _missing(one: Answer) -> list[Path]:
    """Return segments between others that are not there: pgBackRest itself counts none missing."""
    files = sorted(_segments(one), key=lambda file: (file.parents[1], file.name))
    gaps = []
    for before, after in pairwise(files):
        same = before.parents[1] == after.parents[1] and before.name[:8] == after.name[:8]
        if same:
            first, last = _number(before.name), _number(after.name)
            for number in range(first + 1, last):
                gaps.append(_named(before, number))
    return gaps


def _number(name: str) -> int:
    return int(name[8:16], 16) * SEGMENTS_OF_A_LOG + int(name[16:24], 16)


def _named(beside: Path, number: int) -> Path:
    """Return where a segment of the same timeline would be."""
    log = f"{beside.name[:8]}{number // SEGMENTS_OF_A_LOG:08X}"
    return beside.parents[1] / log / f"{log}{number % SEGMENTS_OF_A_LOG:08X}"


def expire_archive(request: Answer) -> Answer:
    """Remove what is older than every moment that the policy wants back."""
    refuse_other_time(float(request["now_seconds"]), time.time())
    one = request["archive"]
    _, before = inside(Path(one["folder"]))
    keep = f"--repo1-retention-full={int(one['keep_days'])}"
    _run(one, "--repo1-retention-full-type=time", keep, f"--lock-path={one['home']}/lock", "expire")
    _, after = inside(Path(one["folder"]))
    return {"freed_bytes": max(0, before - after)}
