"""What the part that runs on hosts does with files, without any host."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.providers.backup.on_host import (
    counting,
    files,
    keeping,
    postgres,
    reading,
    soundness,
)
from orchestrator.providers.backup.on_host.ground import ActError, held, said
from orchestrator.providers.backup.on_host.restic import WORDS, kind_of

SERVE = Path("playbooks/roles/backup_repository/templates/serve-backups.j2")
SUBJECT = "gongan/population"


def repository(folder: Path, *kinds: str) -> Path:
    """Return a repository without a configuration, with one file of each of some kinds."""
    made = folder / SUBJECT
    for kind in kinds:
        (made / kind).mkdir(parents=True)
        (made / kind / "ab").write_text("x")
    return made


def request(folder: Path) -> dict[str, object]:
    return {
        "repository": {"path": str(folder), "key": "k"},
        "subjects": [SUBJECT],
        "subject": SUBJECT,
        "content": "",
        "files": {},
    }


@pytest.mark.parametrize("kind", ["data", "index", "snapshots"])
def test_the_keys_of_a_repository_that_lost_its_configuration_stay(
    kind: str, tmp_path: Path
) -> None:
    made = repository(tmp_path, "keys", kind)
    with pytest.raises(ActError, match="config is gone") as refused:
        keeping.prepare(request(tmp_path))
    assert (refused.value.kind, refused.value.broken) == ("broken", [str(made / "config")])
    assert (made / "keys" / "ab").is_file()


def test_the_sites_records_go_into_no_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ActError, match="there is no repository") as refused:
        keeping.keep_site(request(tmp_path))
    assert refused.value.kind == "absent"


def test_a_file_that_went_away_is_not_asked_for_again(tmp_path: Path) -> None:
    for name in ("steady", "changing", "gone"):
        (tmp_path / name).write_text(name)
    found = files.digests([str(tmp_path)])
    (tmp_path / "gone").unlink()
    os.utime(tmp_path / "changing", ns=(1, 1))
    settled = files.settled(found)
    assert {Path(name).name: bool(one["sha256"]) for name, one in settled.items()} == {
        "steady": True,
        "changing": False,
    }
    assert set(settled[str(tmp_path / "steady")]) == {"size_bytes", "sha256"}


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [("flock -s", "busy"), ("there is no repository", "unprepared"), ("no leave", "unprepared")],
)
def test_what_the_server_of_repositories_refuses_is_called_what_it_is(
    refusal: str, kind: str
) -> None:
    lines = (Path(__file__).parents[3] / SERVE).read_text().splitlines()
    (line,) = [one for one in lines if refusal in one]
    assert next(found for text, found in WORDS if text in line) == kind


CUT = (
    "rclone: Timeout, server 10.10.2.41 not responding.",
    "Load(<data/429a174ade>, 564306, 13984127) returned error, retrying after 720ms: client.Do: "
    'Get "http://localhost/data/429a": unexpected EOF',
    "cannot dump file: ReadFull(<data/429a174ade>): rclone stdio connection already closed",
)
"""restic 0.14 and OpenSSH 9.2, a line that was cut in the middle of `dump`."""
REFUSED = (
    "rclone: backup-repository@10.10.2.41: Permission denied (publickey).",
    "Fatal: unable to open repository: error talking HTTP to rclone: "
    "rclone stdio connection already closed",
)


@pytest.mark.parametrize(
    ("said", "kind"), [(CUT, "silent"), (CUT[1:], "silent"), (REFUSED, "unprepared")]
)
def test_a_line_that_ends_is_a_silence_unless_its_end_says_why(
    said: tuple[str, ...], kind: str
) -> None:
    assert kind_of(1, "\n".join(said)) == kind


@pytest.mark.parametrize("other", [(), ("pg_ident.conf",)])
def test_a_cluster_made_later_does_not_inherit_the_mark_of_a_restore(
    other: tuple[str, ...], tmp_path: Path
) -> None:
    configuration = tmp_path / "orchestrator_drill"
    configuration.mkdir()
    for name in (postgres.MADE, *other):
        (configuration / name).touch()
    postgres.unmark(configuration)
    postgres.unmark(configuration)
    left = [one.name for one in configuration.iterdir()] if configuration.exists() else None
    assert left == (list(other) or None)


def test_what_a_program_sends_to_terminals_is_not_in_what_is_shown() -> None:
    """restic clears lines of a terminal that is not there; a message with that hides itself."""
    assert said("\x1b[2Kcannot open\n\tthe \x1b[1;31mpack\x1b[0m\r\n") == "cannot open the pack"
    assert said("\x1b]0;a title\x07it \x1b(Bfails\x1b") == "it fails"
    assert said("拒绝".encode()) == "拒绝"


def test_a_lock_is_waited_for_so_long_and_no_longer_and_is_free_again(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with held(lock, within=0, busy="never"):
        with pytest.raises(ActError, match="somebody writes") as refused:
            with held(lock, within=0.1, busy="somebody writes"):
                pytest.fail("two hold it")
        assert refused.value.kind == "busy"
    with held(lock, within=0, busy="it was not let go"):
        pass


def test_a_cluster_that_a_killed_restore_left_half_made_is_cleared_and_no_other(
    tmp_path: Path,
) -> None:
    def left(name: str) -> Path:
        data = tmp_path / "var/lib/postgresql/15" / name
        for folder in (data, tmp_path / "etc/postgresql/15" / name):
            (folder / "base").mkdir(parents=True)
        return data

    def cluster(name: str) -> postgres.Cluster:
        return postgres.Cluster({"name": name, "version": "15", "port": 1, "database": "d"})

    killed, somebodys = left("orchestrator_drill"), left("main")
    mark = postgres.begun(cluster("orchestrator_drill"), root=tmp_path)
    mark.parent.mkdir(parents=True)
    mark.touch()
    for name in ("orchestrator_drill", "main"):
        postgres.clear_half_made(cluster(name), root=tmp_path)
    assert (killed.exists(), somebodys.exists(), mark.exists()) == (False, True, False)
    assert not (tmp_path / "etc/postgresql/15/orchestrator_drill").exists()


@pytest.mark.parametrize("ahead", [301.0, -301.0, 30 * 86_400.0])
def test_copies_are_not_deleted_by_a_clock_that_another_one_contradicts(ahead: float) -> None:
    with pytest.raises(ActError, match="two clocks do not agree") as refused:
        keeping.refuse_other_time(1_000_000.0 + ahead, 1_000_000.0)
    assert refused.value.kind == "refused"
    keeping.refuse_other_time(1_000_290.0, 1_000_000.0)


def pack(folder: Path, content: str, *, sound: bool = True) -> Path:
    digest = hashlib.sha256(content.encode()).hexdigest()
    made = folder / "data" / digest[:2] / digest
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(content if sound else f"{content}?")
    return made


def test_a_sound_part_is_remembered_and_a_broken_one_is_read_first_next_time(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "gongan" / "population"
    (folder / "snapshots").mkdir(parents=True)
    good, bad = pack(folder, "good"), pack(folder, "bad", sound=False)
    parts = [soundness.part_of(good), soundness.part_of(bad)]
    for part in parts:
        soundness.remember(folder, part, at=1.0)
    asked = request(tmp_path) | {"parts": parts}
    (folder / "config").touch()
    told = reading.verify(asked)
    assert (told["broken"], told["files_read"]) == ([str(bad)], 2)
    assert soundness.read_before(folder).keys() == {str(parts[0])}
    assert soundness.read_before(folder)[str(parts[0])] > 1.0


def test_whoever_writes_gets_the_repository_between_two_slices(tmp_path: Path) -> None:
    folder = tmp_path / "population"
    files = [pack(folder, text) for text in ("one", "two", "three")]
    asked: list[float] = []

    class Slow(reading.Found):
        def take(self, file: Path) -> None:
            asked.append(time.monotonic())
            super().take(file)

    found = Slow()
    writer = threading.Thread(target=write_meanwhile, args=(folder, asked))
    writer.start()
    reading.read_slowly(folder, files, found, slice_seconds=0.0, between=0.05)
    writer.join(timeout=5)
    assert found.files == 3 and not found.broken
    assert "written" in (folder.parent / "log").read_text()
    assert len(asked) == 3


def write_meanwhile(folder: Path, asked: list[float]) -> None:
    """Take the repository as soon as the reader lets go of it, as the server's script does."""
    while not asked:
        time.sleep(0.001)
    with folder.with_name(f"{folder.name}.in-use").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        late = len(asked) == 3
        (folder.parent / "log").write_text("too late" if late else "written")


def test_a_list_of_what_was_read_that_is_none_means_never(tmp_path: Path) -> None:
    folder = tmp_path / "population"
    folder.mkdir()
    for text in ("", "[]", '{"x": 1}', '{"1": "y"}'):
        (tmp_path / "population.read").write_text(text)
        assert soundness.read_before(folder) == {}


def test_a_session_ends_with_its_input_and_nobody_waits_for_an_interrupt_to_end_it() -> None:
    """psql goes on after an interrupt: each count of a database took five seconds for that."""

    class Psql(postgres.Cluster):
        def argv(self, program: str, *words: str, database: str | None = None) -> list[str]:
            script = (
                "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                "for line in sys.stdin: print('\"answer\"', flush=True)"
            )
            return [sys.executable, "-c", script]

    cluster = Psql({"name": "n", "version": "15", "port": 1, "database": "d"})
    begun = time.monotonic()
    with counting.one_moment(cluster) as session:
        assert session.ask("SELECT 1;") == "answer"
        asked = time.monotonic()
    assert time.monotonic() - asked < 2.5, f"after {asked - begun} s of work"
