import multiprocessing
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.site_lock import FileSiteLock
from orchestrator.errors import SiteLockedError


class NoonClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the lock never waits")


def hold_until_killed(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with FileSiteLock(path, NoonClock()).hold(why="a long apply"):
        ready.set()
        signal.pause()


@pytest.fixture
def other_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold_until_killed, args=(tmp_path / "lock", ready))
    process.start()
    assert ready.wait(30)
    yield process
    process.kill()
    process.join(10)


def test_second_writer_is_told_who_holds_the_site_since_when_and_why(tmp_path, other_process):
    lock = FileSiteLock(tmp_path / "lock", NoonClock())

    with pytest.raises(SiteLockedError) as refused, lock.hold(why="me too"):
        raise AssertionError("two writers at once")

    assert f"pid {other_process.pid}" in refused.value.message
    assert "2026-11-22T12:00:00" in refused.value.message
    assert "a long apply" in refused.value.message
    assert refused.value.exit_code == 4


def test_a_killed_holder_leaves_no_stale_lock(tmp_path, other_process):
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.join(10)
    lock = FileSiteLock(tmp_path / "lock", NoonClock())

    assert lock.holder() is None
    with lock.hold(why="next run"):
        pass


def test_a_writer_shuts_readers_out_and_readers_share(tmp_path):
    first = FileSiteLock(tmp_path / "lock", NoonClock())
    second = FileSiteLock(tmp_path / "lock", NoonClock())

    with first.hold(why="plan", shared=True), second.hold(why="plan", shared=True):
        with pytest.raises(SiteLockedError), first.hold(why="apply"):
            raise AssertionError("a writer among readers")
    with first.hold(why="apply"):
        with pytest.raises(SiteLockedError), second.hold(why="plan", shared=True):
            raise AssertionError("a reader beside a writer")
        assert second.holder() is not None and second.holder().why == "apply"
    with second.hold(why="plan", shared=True), pytest.raises(SiteLockedError) as refused:
        with first.hold(why="drift"):
            raise AssertionError("a writer beside a reader")
    assert "for: apply" not in str(refused.value), "a run that has ended is not blamed"
