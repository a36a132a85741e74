"""Runs an update in a child process again and again, killing it at each moment in turn.

It prints, as JSON, what each killed and then finished run left. It is a process of its own so
that the children can be forked from one that has no threads.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pulumi  # noqa: F401 - loaded before the forks, so that each child starts quickly

from orchestrator.engine import monitor, program  # noqa: F401 - likewise
from orchestrator.model.stack import StackJob
from tests.fakes.engine_site import STACK, EngineSite, job, marks, thing
from tests.fakes.memory_provider import CACHE, LOGIN, MemoryProvider

FIRST = job(
    thing("net", zone="e"),
    thing("web", refs={"owner": ["net", "id"]}),
    thing("cache", kind=CACHE, zone="e"),
    thing("old", kind=CACHE),
    thing("disk", size=1),
)
SECOND = job(
    thing("net", zone="w"),
    thing("web", refs={"owner": ["net", "id"]}),
    thing("cache", kind=CACHE, zone="w"),
    thing("new", refs={"peer": ["web", "id"]}),
    thing("disk", size=2),
)
SECRET = job(
    thing("login", kind=LOGIN, token="canary-token", secret=["token"]),
    thing("user", refs={"key": ["login", "password"]}),
)
AFTER_EACH_ACT = range(1, 100, 2)
CHILD_SECONDS = 60


def in_child(work: Callable[[], None]) -> int:
    """Do the work in a forked child; return how it ended."""
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_SECONDS)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class DiesAt:
    """Kills its process at the n-th moment."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, moment: str) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def never(moment: str) -> None:
    """Let every moment pass."""


def update(folder: Path, wanted: StackJob, at: Callable[[str], None] = never) -> None:
    result = EngineSite(folder, MemoryProvider(folder / "world.json", at=at)).update(wanted)
    assert not result.failures, result.failures


def look(folder: Path, wanted: StackJob) -> dict:
    """What is there: in the cloud, in the state, and still to be done."""
    world = MemoryProvider(folder / "world.json")
    site = EngineSite(folder, world)
    names = {key: name for name, key in world.ids().items()}
    state = site.stacks.state(STACK)
    return {
        "objects": sorted(
            (name, {key: names.get(value, value) for key, value in inputs.items()})
            for name, inputs in world.objects.items()
        ),
        "count": len(world.ids()),
        "recorded": sorted(r.name for r in state.resources),
        "ids agree": sorted(r.id for r in state.resources) == sorted(world.ids().values()),
        "pending": marks(site.preview(wanted)),
        "digest": state.digest == wanted.digest,
        "interrupted": state.interrupted,
    }


def killed_at(moments: Iterable[int], folder: Path, *, start: Path, wanted: StackJob) -> list[dict]:
    folder.mkdir()
    runs = []
    for moment in moments:
        case = folder / f"moment-{moment}"
        shutil.copytree(start, case)
        ended = in_child(lambda case=case, m=moment: update(case, wanted, DiesAt(m)))
        if ended == 0:
            return runs
        assert ended == -signal.SIGKILL, ended
        leaked = [
            str(file)
            for file in (case / "state").rglob("*")
            if file.is_file() and b"canary" in file.read_bytes()
        ]
        acts = len(MemoryProvider(case / "world.json").log)
        assert in_child(lambda case=case: update(case, wanted)) == 0
        runs.append({"moment": moment, "leaked": leaked, "acts": acts, **look(case, wanted)})
    raise AssertionError("the run never ended by itself")


def undisturbed(folder: Path, start: Path, wanted: StackJob) -> dict:
    shutil.copytree(start, folder)
    assert in_child(lambda: update(folder, wanted)) == 0
    return look(folder, wanted)


def main(folder: Path) -> None:
    empty, first = folder / "empty", folder / "first"
    empty.mkdir()
    every = range(100)
    report = {
        "creating": {
            "undisturbed": undisturbed(first, empty, FIRST),
            "killed": killed_at(every, folder / "creating", start=empty, wanted=FIRST),
        },
        "changing": {
            "undisturbed": undisturbed(folder / "second", first, SECOND),
            "killed": killed_at(every, folder / "changing", start=first, wanted=SECOND),
        },
        "secret": {
            "undisturbed": undisturbed(folder / "third", empty, SECRET),
            "killed": killed_at(AFTER_EACH_ACT, folder / "secret", start=empty, wanted=SECRET),
        },
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
