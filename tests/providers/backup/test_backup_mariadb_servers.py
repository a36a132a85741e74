"""Which of a host's MariaDB servers may be filled, exchanged or removed, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.providers.backup.on_host import mariadb, mariadb_home, mariadb_made, mariadb_state
from orchestrator.providers.backup.on_host.ground import ActError


@pytest.mark.parametrize("name", ["/var/lib/mysql", "..", "a/b", "a b"])
def test_a_name_is_no_way_to_another_folder(name: str) -> None:
    with pytest.raises(ActError, match="is no name"):
        mariadb.Server({"name": name, "port": 13306, "databases": []})


class Told(mariadb.Server):
    """A server of which a test says what it answers."""

    def __init__(self, answers: dict[str, str], *, name: str = "", at: Path | None = None) -> None:
        super().__init__({"name": name, "port": 3306, "databases": ["nova"]})
        self.answers, self.at = answers, at

    @property
    def folder(self) -> Path:
        return self.at or super().folder

    def say(self, sql: str) -> str:
        return next((said for begin, said in self.answers.items() if begin in sql), "")


def test_a_folder_that_no_restore_made_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "ibdata1").touch()
    one = Told({}, name="restored", at=tmp_path)
    assert not one.is_there()
    with pytest.raises(ActError, match="made by no restore"):
        mariadb_made.remove(one)
    assert (tmp_path / "ibdata1").exists()


OLD = "10.5.26-MariaDB"
NEW = "10.11.6-MariaDB-0+deb12u1"


@pytest.mark.parametrize(
    ("answers", "version", "notes", "why"),
    [
        ({}, OLD, [], "in one act"),
        ({"triggers": '"nova"\n'}, NEW, [], "nova has views, triggers"),
        ({}, NEW, ["nova.log is MyISAM"], "Galera does not copy"),
    ],
)
def test_what_would_be_lost_in_the_exchange_of_tables_is_refused_before_it(
    answers: dict[str, str], version: str, notes: list[str], why: str
) -> None:
    with pytest.raises(ActError, match=why):
        mariadb_home.refuse_what_would_not_move(
            Told(answers), ["nova"], version=version, notes=notes
        )


def test_what_can_move_is_let_through() -> None:
    others = Told({"triggers": '"sys"\n"monitor"\n'})
    mariadb_home.refuse_what_would_not_move(others, ["nova"], version=NEW, notes=[])


def test_a_draft_that_is_not_as_recorded_is_named_by_what_it_was_to_be() -> None:
    drafts = {"nova": "nova.restoring"}
    good = {"rows": 2, "checksum": "7"}
    wanted = {"nova.a": good, "nova.b": good}
    whole = {"nova.restoring.a": good, "nova.restoring.b": good, "nova.a": {"rows": 9}}
    assert mariadb_home.unlike(whole, wanted, drafts=drafts) == []
    lacking = {"nova.restoring.a": {"rows": 1, "checksum": "7"}}
    assert mariadb_home.unlike(lacking, wanted, drafts=drafts) == ["nova.a", "nova.b"]


def test_tables_that_are_exchanged_wait_for_a_lock_no_longer_than_a_minute() -> None:
    said: list[str] = []

    class Hearing(Told):
        def say(self, sql: str) -> str:
            said.append(sql)
            return super().say(sql)

    answers = {
        "default_character_set_name": '["nova.restoring", "utf8mb3", "utf8mb3_general_ci"]\n',
        "information_schema.tables": '["nova", "old"]\n["nova.restoring", "new"]\n',
    }
    mariadb.take_place(Hearing(answers), {"nova": "nova.restoring"}, {"nova": "nova.replaced"})
    assert said[-1].startswith("SET SESSION lock_wait_timeout = 60;\n")
    moves = "`nova`.`old` TO `nova.replaced`.`old`, `nova.restoring`.`new` TO `nova`.`new`;"
    assert f"RENAME TABLE {moves}" in said[-1]
    assert "ALTER DATABASE `nova` CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci" in said[-1]


@pytest.mark.parametrize(
    ("answers", "role", "size"),
    [
        (
            {"@@wsrep_on": '{"read_only": 0, "wsrep": 1, "version": "10.11.6-MariaDB"}\n'},
            "synced",
            3,
        ),
        (
            {
                "SLAVES": "dc1\t10.0.0.1\n",
                "@@wsrep_on": '{"read_only": 1, "wsrep": 1, "version": "10.11.6-MariaDB"}\n',
            },
            "replica",
            0,
        ),
        (
            {"@@wsrep_on": '{"read_only": 0, "wsrep": 0, "version": "10.11.6-MariaDB"}\n'},
            "primary",
            0,
        ),
        (
            {"@@wsrep_on": '{"read_only": 1, "wsrep": 0, "version": "10.11.6-MariaDB"}\n'},
            "read only",
            0,
        ),
    ],
)
def test_who_follows_another_server_is_no_source_in_galera_or_not(
    answers: dict[str, str], role: str, size: int
) -> None:
    membership = (
        '["wsrep_local_state", "4"]\n["wsrep_cluster_status", "Primary"]\n'
        '["wsrep_cluster_state_uuid", "a"]\n["wsrep_cluster_size", "3"]\n'
    )
    told = mariadb_state.role_of(Told({**answers, "global_status": membership}))
    assert (told["role"], told.get("size", 0)) == (role, size)
