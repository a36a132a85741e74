"""A cluster's data while a restore brings it back, and a kill at any moment of that."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from orchestrator.providers.backup.on_host import aside, ground
from orchestrator.providers.backup.on_host.ground import ActError

FIRST, SECOND = "20261122T120000Z-a", "20261122T130000Z-b"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return whole(tmp_path / "gongan__population", "before")


def whole(folder: Path, words: str) -> Path:
    (folder / "global").mkdir(parents=True)
    (folder / "global" / "pg_control").touch()
    (folder / "rows").write_text(words)
    return folder


def half(folder: Path, *, fetched: bool) -> None:
    """What a killed restore leaves: no control file yet, or a log that is not replayed yet."""
    folder.mkdir()
    (folder / "rows").write_text("half")
    if fetched:
        (folder / "global").mkdir()
        (folder / "global" / "pg_control").touch()
        (folder / "recovery.signal").touch()


def kept(data: Path) -> dict[str, str]:
    found = data.parent.glob(f"{data.name}.before-*")
    return {one.name.partition("before-")[2]: (one / "rows").read_text() for one in found}


@pytest.mark.parametrize("fetched", [False, True])
def test_the_half_of_a_killed_restore_goes_and_what_it_had_kept_stays(
    data: Path, fetched: bool
) -> None:
    aside.put_aside(data, FIRST)
    half(data, fetched=fetched)
    assert aside.is_cut_off(data)
    again = aside.put_aside(data, SECOND)
    assert kept(data) == {FIRST: "before"} and not data.exists()
    aside.put_back(data, again)
    assert (data / "rows").read_text() == "before" and not aside.is_cut_off(data)


def test_killed_between_two_acts_nothing_is_lost(data: Path) -> None:
    aside.put_aside(data, FIRST)
    assert aside.is_cut_off(data)  # nothing was fetched yet
    aside.put_aside(data, SECOND)
    assert kept(data) == {FIRST: "before"}
    (data.parent / f"{data.name}.before-{FIRST}").rename(data)  # put back, and killed then
    assert not aside.is_cut_off(data)
    aside.put_aside(data, SECOND)
    assert kept(data) == {SECOND: "before"}


def test_what_is_put_back_is_found_again_when_that_is_cut_off_too(data: Path) -> None:
    """Once people may write to it the mark is gone: giving up then needs it again."""
    kept_at = aside.put_aside(data, FIRST)
    whole(data, "came back, and does not start")
    aside.mark_of(data).unlink()
    blocked = kept_at.with_name("away")
    kept_at.rename(blocked)
    with pytest.raises(FileNotFoundError):
        aside.put_back(data, kept_at)  # ends after it removed what is at the place
    blocked.rename(kept_at)
    assert aside.is_cut_off(data)
    aside.put_aside(data, SECOND)
    assert kept(data) == {FIRST: "before"}


@pytest.mark.parametrize("words", ["", "gongan__popu", "gongan__population.before-"])
def test_a_mark_that_was_cut_off_itself_names_nothing(data: Path, words: str) -> None:
    aside.mark_of(data).write_text(words)
    assert not aside.is_cut_off(data)
    aside.put_aside(data, FIRST)
    assert kept(data) == {FIRST: "before"}


def test_what_people_wrote_to_since_is_no_half(data: Path) -> None:
    """Killed while the log was replayed, the server goes on alone, and lets people in."""
    aside.put_aside(data, FIRST)
    whole(data, "written since")
    aside.put_aside(data, SECOND)
    assert kept(data) == {FIRST: "before", SECOND: "written since"}


def test_the_size_of_what_somebody_works_in_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"123")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert aside.inside(tmp_path) == (1, 3)
    shutil.rmtree(tmp_path)
    assert aside.inside(tmp_path) == (0, 0)


def test_a_fetch_that_is_cut_off_leaves_nobody_who_writes_on(tmp_path: Path) -> None:
    """What was there is put back then: the program behind runuser must not write into it."""
    noted = tmp_path / "child"
    script = f"sleep 60 & echo $! > {noted}; sleep 0.4; kill -ALRM {os.getpid()}; wait"

    def late(signum: int, frame: FrameType | None) -> NoReturn:
        raise ActError("silent", "it took too long")

    before = signal.signal(signal.SIGALRM, late)
    try:
        with pytest.raises(ActError, match="too long"):
            ground.run_alone(["sh", "-c", script])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert is_gone(int(noted.read_text()))


def is_gone(process: int) -> bool:
    """Say whether a process ended; nobody may have waited for it yet."""
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
