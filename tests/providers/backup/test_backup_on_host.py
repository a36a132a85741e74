"""What the part that runs on hosts does with files, without any host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.providers.backup.on_host import files, keeping, postgres
from orchestrator.providers.backup.on_host.ground import ActError, held, said
from orchestrator.providers.backup.on_host.restic import WORDS

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
    assert said("\x1b[2Kcannot open\n\tthe pack\r\n") == "[2Kcannot open the pack"
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
