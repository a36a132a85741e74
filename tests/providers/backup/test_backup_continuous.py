"""Archives without any host: what keys may run, what is asked back, what is missing."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestrator.model.continuous import Archive, BaseKind
from orchestrator.providers.backup.continuous import archive_of, target_text
from orchestrator.providers.backup.on_host import archived, reaching
from orchestrator.providers.backup.on_host.ground import ActError

ROLE = Path("playbooks/roles/pgbackrest_repository/files")
PUSH = (
    "pgbackrest --exec-id=7-a --log-level-file=info --process=0 --remote-type=repo --repo=2 "
    "--repo2-path=/srv/other --stanza={stanza} {command}"
)
OWN = {"stanza": "gongan__population", "folder": "/srv/a/gongan__population"}
SEGMENTS = "15-1/0000000100000000"


def program(name: str) -> ModuleType:
    """Load a program of the role as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROLE / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def far_end(stanza: str, command: str) -> list[str]:
    words = PUSH.format(stanza=stanza, command=command).split()[1:]
    found: list[str] = program("serve-archive").far_end(words, **OWN)
    return found


def test_a_key_writes_to_its_own_archive_wherever_it_says_to_write() -> None:
    argv = far_end("gongan__population", "archive-push:remote")
    assert "--repo2-path=/srv/a/gongan__population" in argv
    assert not any("/srv/other" in word or "log-level-file" in word for word in argv)


@pytest.mark.parametrize(
    ("stanza", "command"),
    [
        ("another__one", "archive-push:remote"),
        ("gongan__population", "repo-rm"),
        ("gongan__population", "stanza-delete"),
        ("gongan__population", "expire"),
    ],
)
def test_a_key_runs_nothing_but_the_far_end_of_its_own_archive(stanza: str, command: str) -> None:
    with pytest.raises(SystemExit, match="not allowed to"):
        far_end(stanza, command)


@pytest.mark.parametrize("socket", ["../../run/x", "there/is/none", "none"])
def test_a_backup_without_a_way_back_of_its_own_is_refused(socket: str, tmp_path: Path) -> None:
    asked = {"socket": socket, "key": "k", "kind": "full"}
    with pytest.raises(SystemExit, match="no way back"):
        program("serve-archive").back_up(asked, home=str(tmp_path), **OWN)


def asked_back(words: str) -> list[str] | None:
    request = {
        "archive": {"stanza": "gongan__population", "data": "/var/lib/postgresql/15/x"},
        "cluster": {"port": 5501},
    }
    return reaching._far_end(words, request)


def test_a_backup_server_is_answered_about_this_cluster_s_backup_alone() -> None:
    wanted = "pgbackrest --remote-type=pg --stanza=gongan__population --pg1-path=/etc "
    argv = asked_back(wanted + "backup:remote")
    assert argv is not None and argv[:3] == ["runuser", "-u", "postgres"]
    assert "--pg1-path=/var/lib/postgresql/15/x" in argv and "--pg1-path=/etc" not in argv
    assert asked_back(wanted + "restore:remote") is None
    assert asked_back(wanted.replace("gongan", "another") + "backup:remote") is None
    assert asked_back("sh -c true") is None


def keep(folder: Path, *names: str) -> dict[str, Any]:
    place = folder / "archive" / "s" / SEGMENTS
    place.mkdir(parents=True)
    (folder / "archive" / "s" / "archive.info").touch()
    for name in names:
        (place / f"{name}-{'a' * 40}.lz4").touch()
    return {"stanza": "s", "folder": str(folder), "user": "u", "key": "k", "home": "/h"}


def verified(one: dict[str, Any]) -> dict[str, Any]:
    return archived.verify_archive({"archive": one, "whole": False})


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def test_a_missing_piece_of_the_log_is_named(tmp_path: Path) -> None:
    one = keep(tmp_path, *(segment(number) for number in (3, 4, 6, 7)))
    broken = verified(one)["broken"]
    assert broken == [f"{tmp_path}/archive/s/{SEGMENTS}/{segment(5)}"]


def test_pieces_in_a_row_over_the_end_of_a_log_miss_nothing(tmp_path: Path) -> None:
    one = keep(tmp_path, *(segment(number) for number in (254, 255, 256)))
    assert verified(one)["broken"] == []


@pytest.mark.parametrize("ahead", [-86_400.0, 86_400.0])
def test_nothing_of_an_archive_goes_by_a_clock_that_another_one_contradicts(
    ahead: float, tmp_path: Path
) -> None:
    one = keep(tmp_path, segment(3)) | {"keep_days": 2}
    with pytest.raises(ActError, match="two clocks do not agree") as refused:
        archived.expire_archive({"archive": one, "now_seconds": time.time() + ahead})
    assert refused.value.kind == "refused"


def test_a_piece_of_the_log_that_is_still_coming_did_not_come(tmp_path: Path) -> None:
    """One that was cut off lies there for good: it would pass for the newest ever after."""
    one = keep(tmp_path, segment(3))
    place = tmp_path / "archive" / "s" / SEGMENTS
    (place / f"{segment(4)}-{'a' * 40}.lz4.pgbackrest.tmp").touch()
    (place / f"{segment(5)}.partial-{'a' * 40}.lz4").touch()
    newest = archived._newest(one)
    assert newest is not None and newest["segment"] == segment(3)


def test_another_timeline_begins_where_it_begins(tmp_path: Path) -> None:
    one = keep(tmp_path, segment(3), segment(9, timeline=2), segment(10, timeline=2))
    assert verified(one)["broken"] == []


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("P01   INFO: file missing '20261122-1F/pg_data/1'", "backup/s/20261122-1F/pg_data/1"),
        ("P01   INFO: invalid checksum '15-1/0/0A'", "archive/s/15-1/0/0A"),
        ("P01   INFO: invalid result 15-1/0/0B.lz4: [29] raised", "archive/s/15-1/0/0B.lz4"),
    ],
)
def test_what_the_engine_names_gets_its_whole_path(said: str, place: str) -> None:
    one = {"folder": "/srv/a", "stanza": "s"}
    (match,) = archived.NAMED.finditer(said)
    assert archived._place(one, match) == f"/srv/a/{place}"


def told(**other: Any) -> dict[str, Any]:
    return {
        "s": {
            "backup": [
                {
                    "label": "20261122-180321F",
                    "type": "full",
                    "error": False,
                    "timestamp": {"start": 1795370601, "stop": 1795370607},
                    "archive": {"stop": "000000010000000000000008"},
                    "info": {"repository": {"delta": 6103280}},
                }
            ],
            "repo": [{"status": {"code": 0, "message": "ok"}}],
            "newest": {"segment": "000000010000000000000009", "at_seconds": 1795370618.9},
            **other,
        }
    }


def test_a_server_s_account_of_an_archive_is_read() -> None:
    archive = archive_of("s", "near", told())
    assert isinstance(archive, Archive) and archive.copies[0].kind is BaseKind.FULL
    assert archive.copies[0].timeline == "00000001" and not archive.turned
    assert archive.reachable == (
        datetime.fromtimestamp(1795370607, tz=UTC),
        datetime.fromtimestamp(1795370618.9, tz=UTC),
    )
    assert archive_of("other", "near", told()) == Archive(subject="other", repository="near")


def test_a_wrong_key_is_told_in_one_line_without_the_bytes_that_it_made() -> None:
    message = "[FormatError] unable to load info file\nFormatError: \x1b[31m\x00junk"
    wrong = told(repo=[{"status": {"code": 99, "message": message}}])
    assert archive_of("s", "near", wrong) == "[FormatError] unable to load info file"


def test_a_copy_that_ended_in_an_error_is_no_copy_to_begin_from() -> None:
    (one,) = told()["s"]["backup"]
    archive = archive_of("s", "near", told(backup=[{**one, "error": True}]))
    assert isinstance(archive, Archive) and archive.reachable is None


def test_a_moment_is_told_in_the_universal_time() -> None:
    at = datetime.fromisoformat("2026-11-22T09:30:00.5+08:00")
    assert target_text(at) == "2026-11-22 01:30:00.500000+00"
