"""Settings of this machine's kernel that hosts need; the last lab puts back what was there before.

Who uses them is remembered in /run/orchestrator-lab. Callers hold the lock of that folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from orchestrator.lab.this_machine import RUNTIME

KERNEL = Path("/proc/sys")
WANTED = {
    "net/ipv4/ip_forward": 1,
    # Root's systemds and daemons watch files, ten or more instances a host; Debian allows 128, and
    # a host beyond them does not boot ("Too many open files").
    "fs/inotify/max_user_instances": 4096,
}
"""The least that hosts need, by its file."""


def raise_settings(user: str) -> None:
    """Give a lab what it needs; a setting that is higher already is left alone."""
    before, users = _record()
    _write(before, users | {user})
    for name, least in WANTED.items():
        if int((KERNEL / name).read_text()) < least:
            (KERNEL / name).write_text(str(least))


def put_back_settings(user: str, *, alive: Iterable[str]) -> None:
    """Take note that a lab needs nothing any more; the last one of those alive puts all back."""
    before, users = _record()
    if user not in users:
        return
    # A lab that is gone without a word uses nothing.
    left = (users - {user}) & set(alive)
    if left:
        _write(before, left)
        return
    for name, value in before.items():
        (KERNEL / name).write_text(value)
    _file().unlink(missing_ok=True)


def uses_settings(user: str) -> bool:
    """Say whether a lab has raised settings and not put them back."""
    return user in _record()[1]


def _record() -> tuple[dict[str, str], set[str]]:
    """Return what the machine had before the first lab, and the labs that use it."""
    try:
        raw = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return {name: (KERNEL / name).read_text().strip() for name in WANTED}, set()
    return raw["before"], set(raw["users"])


def _write(before: dict[str, str], users: set[str]) -> None:
    draft = _file().with_suffix(".draft")
    draft.write_text(json.dumps({"before": before, "users": sorted(users)}))
    draft.replace(_file())


def _file() -> Path:
    return RUNTIME / "kernel-settings.json"
