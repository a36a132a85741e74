"""What the part that runs on hosts makes of a MariaDB dump, and which host it is asked of."""

from __future__ import annotations

import time
from configparser import ConfigParser
from dataclasses import replace

import pytest

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault
from orchestrator.providers.backup.members import Member, chosen_member
from orchestrator.providers.backup.on_host import mariadb, mariadb_made
from orchestrator.providers.backup.on_host.ground import ActError
from orchestrator.providers.backup.on_host.mariadb_dump import Dump, redirected

HEAD = """-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `keystone` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;

USE `keystone`;
"""
USER = """CREATE TABLE `user` (
  `id` int(11) NOT NULL,
  `extra` text DEFAULT ') ENGINE=MyISAM'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
ROWS = r"""INSERT INTO `user` VALUES
(1,'a\nUSE `keystone`;'),
(2,');\nINSERT INTO `other` VALUES');
INSERT INTO `user` (`id`, `extra`) VALUES
(3,'城');
"""
SENTINEL = """USE `orchestrator`;
CREATE TABLE `sentinel` (
  `id` bigint(20) NOT NULL
) ENGINE=InnoDB AUTO_INCREMENT=10;
INSERT INTO `sentinel` VALUES
(9,'2026-11-22 12:00:00.250000','run-b'),
(8,'2026-11-22 11:00:00.000000','run-a');
"""
END = "-- Dump completed\n"
WHOLE = (HEAD + USER + ROWS + SENTINEL + END).encode()


def read(text: bytes, *, piece: int = 0) -> Dump:
    dump = Dump()
    for begin in range(0, len(text), piece or len(text)):
        dump.take(text[begin : begin + (piece or len(text))])
    dump.end()
    return dump


def test_rows_are_counted_in_pieces_of_any_size_and_whatever_is_in_them() -> None:
    whole = read(WHOLE).facts()
    assert {name: one["rows"] for name, one in whole["tables"].items()} == {
        "keystone.user": 3,
        "orchestrator.sentinel": 2,
    }
    for piece in (1, 7, 64, 4096):
        assert read(WHOLE, piece=piece).facts() == whole


def test_one_changed_letter_is_another_checksum_and_another_order_is_not() -> None:
    def checksum(rows: str) -> str:
        told = read((HEAD + USER + f"INSERT INTO `user` VALUES\n{rows};\n" + END).encode())
        return str(told.facts()["tables"]["keystone.user"]["checksum"])

    assert checksum("(1,'a'),\n(2,'b')") == checksum("(2,'b'),\n(1,'a')")
    assert checksum("(1,'a'),\n(2,'b')") != checksum("(1,'a'),\n(2,'c')")


def test_the_newest_sentinel_of_the_dump_is_the_one_that_counts() -> None:
    assert read(WHOLE).facts()["sentinel"] == {
        "id": 9,
        "written_at": "2026-11-22T12:00:00.250000+00:00",
    }


@pytest.mark.parametrize("kept", [len(WHOLE) - 1, WHOLE.index(b"(9,"), WHOLE.index(b",'run-b")])
def test_a_dump_that_was_cut_off_is_refused(kept: int) -> None:
    dump = Dump()
    dump.take(WHOLE[:kept])
    with pytest.raises(ActError) as refused:
        dump.end()
    assert (refused.value.kind, refused.value.broken) == ("mismatch", ["dump.sql"])


@pytest.mark.parametrize("line", ["INSERT INTO `none` VALUES\n", "INSERT INTO `user` SELECT 1;\n"])
def test_a_dump_that_is_written_otherwise_is_not_counted_wrongly(line: str) -> None:
    with pytest.raises(ActError, match="rows of nothing"):
        Dump().take((HEAD + USER + line).encode())
    with pytest.raises(ActError, match="no row"):
        Dump().take((HEAD + USER + "INSERT INTO `user` VALUES\nUPDATE x;\n").encode())


def test_a_table_that_no_transaction_holds_still_is_named() -> None:
    text = HEAD + USER.replace(") ENGINE=InnoDB", ") ENGINE=MyISAM") + END
    (note,) = read(text.encode()).facts()["notes"]
    assert note.startswith("keystone.user is MyISAM")
    assert read(WHOLE).facts()["notes"] == []


def test_what_cannot_be_given_another_database_is_known() -> None:
    view = "/*!50001 VIEW `v` AS select 1 */;\n"
    found = read((HEAD + USER + view + SENTINEL + END).encode())
    assert found.more_than_tables() == ["keystone"]
    assert found.facts()["properties"]["definitions of keystone"] == "tables 1, views 1"
    assert read(WHOLE).more_than_tables() == []


def test_a_draft_has_other_names_of_databases_and_the_same_rows() -> None:
    names = {"keystone": "keystone.restoring", "orchestrator": "orchestrator.restoring"}
    lines = Dump().take(WHOLE)
    got = b"".join(redirected(lines, names)).decode()
    assert got == WHOLE.decode().replace("\nUSE `keystone`", "\nUSE `keystone.restoring`").replace(
        "*/ `keystone`", "*/ `keystone.restoring`"
    ).replace("\nUSE `orchestrator`", "\nUSE `orchestrator.restoring`")
    assert r"a\nUSE `keystone`;" in got


@pytest.mark.parametrize("mark", ["/*!999999\\-", "/*M!999999\\-"])
def test_a_client_that_knows_no_sandbox_can_take_a_dump_that_begins_with_one(mark: str) -> None:
    text = f"{mark} enable the sandbox mode */ \n".encode() + WHOLE
    assert b"".join(redirected(Dump().take(text), {})) == WHOLE
    assert read(text).facts() == read(WHOLE).facts()


@pytest.mark.parametrize(
    "line", [b"USE keystone;", b"USE `keystone` ;", b"USE `mysql`;", b"CREATE DATABASE `mysql` ;"]
)
def test_a_draft_never_leaves_the_databases_that_were_given_to_it(line: bytes) -> None:
    with pytest.raises(ActError) as refused:
        list(redirected([line, b"DROP TABLE `user`;"], {"keystone": "keystone.restoring"}))
    assert (refused.value.kind, refused.value.broken) == ("mismatch", ["dump.sql"])


@pytest.mark.parametrize("line", ["USE keystone;", "USE `keystone` ;"])
def test_a_database_that_is_named_in_another_way_is_refused_when_counted(line: str) -> None:
    with pytest.raises(ActError, match="another way") as refused:
        Dump().take((HEAD + USER + line + "\n").encode())
    assert refused.value.kind == "mismatch"


@pytest.mark.parametrize("line", [USER, "/*!50001 VIEW `v` AS select 1 */;\n"])
def test_what_is_of_no_database_is_refused(line: str) -> None:
    with pytest.raises(ActError, match="of no database") as refused:
        Dump().take(line.encode())
    assert refused.value.kind == "mismatch"


@pytest.mark.parametrize("columns", ["", " (`id`, `extra`)"])
def test_a_dump_of_several_rows_a_line_names_its_cause(columns: str) -> None:
    line = f"INSERT INTO `user`{columns} VALUES (1,'a'),(2,'b');\n"
    with pytest.raises(ActError, match=r"several rows a line.*10\.11"):
        Dump().take((HEAD + USER + line).encode())


def test_a_routines_body_is_its_own_whatever_its_lines_look_like() -> None:
    body = """DELIMITER ;;
CREATE DEFINER=`a b`@`%` PROCEDURE `p`()
BEGIN
INSERT INTO `other` VALUES
(1,'x');
INSERT INTO `user` VALUES (1,'a');
USE elsewhere;
CREATE TABLE `user` (
-- Dump completed
END ;;
DELIMITER ;
"""
    found = read((HEAD + USER + ROWS + body + SENTINEL + END).encode()).facts()
    assert found["tables"] == read(WHOLE).facts()["tables"]
    assert found["properties"]["definitions of keystone"] == "tables 1, routines 1"
    with pytest.raises(ActError, match="cut off"):
        read((HEAD + USER + body.partition("END ;;")[0]).encode())


@pytest.mark.parametrize(
    "begin",
    [
        "CREATE PROCEDURE `p`()",
        "CREATE DEFINER=`a b`@`%` FUNCTION `f`() RETURNS int(11)",
        "CREATE DEFINER=`a`@`%` AGGREGATE FUNCTION `f`(x INT) RETURNS int(11)",
        "CREATE DEFINER=`a`@`%` PACKAGE BODY `p` AS",
    ],
)
def test_every_kind_of_routine_is_known(begin: str) -> None:
    text = HEAD + USER + f"DELIMITER ;;\n{begin}\nEND ;;\nDELIMITER ;\n" + END
    assert read(text.encode()).more_than_tables() == ["keystone"]


def test_the_time_of_a_long_line_grows_with_its_length_alone() -> None:
    # Joined anew at each piece, this is 32 GiB of copying (21 seconds, tried on 2026-11-22).
    size, piece = 64 << 20, 64 << 10
    dump = Dump()
    dump.take((HEAD + USER + "INSERT INTO `user` VALUES\n(1,'").encode())
    begun = time.process_time()
    for _ in range(size // piece):
        dump.take(b"x" * piece)
    dump.take(b"');\n")
    assert time.process_time() - begun < 3
    assert dump.facts()["tables"]["keystone.user"]["rows"] == 1


def test_texts_and_names_cannot_leave_their_quotes() -> None:
    assert mariadb.literal("a'b\\") == r"'a''b\\'"
    assert mariadb.quoted("a`b") == "`a``b`"


def test_a_restored_server_reads_none_of_the_hosts_settings() -> None:
    one = mariadb.Server({"name": "restored", "port": 13306, "databases": []})
    assert "--no-defaults" in one.argv("mariadb")
    assert f"--socket={one.socket}" in one.argv("mariadb")
    told = ConfigParser(allow_no_value=True)
    told.read_string(mariadb_made.CONFIGURATION)
    assert told.sections() == ["mariadbd"]
    settings = dict(told["mariadbd"])
    assert (settings["loose-wsrep-on"], settings["bind-address"]) == ("OFF", "127.0.0.1")
    assert not [name for name in settings if name.startswith(("wsrep", "!", "include"))]
    assert "--defaults-file" in mariadb_made.UNIT and "[Install]" not in mariadb_made.UNIT


def test_the_hosts_own_server_is_never_removed() -> None:
    own = mariadb.Server({"name": "", "port": 3306, "databases": ["nova"]})
    with pytest.raises(ActError, match="never removed"):
        mariadb_made.remove(own)


SYNCED = Member(role="synced", cluster="a", size=2)


@pytest.mark.parametrize(
    ("told", "chosen"),
    [
        ({"ctl-1": SYNCED, "ctl-2": SYNCED}, "ctl-1"),
        ({"ctl-1": Member(role="not synced", cluster="a"), "ctl-2": SYNCED}, "ctl-2"),
        ({"ctl-1": Member(role="silent"), "ctl-2": SYNCED}, "ctl-2"),
        ({"ctl-1": Member(role="replica"), "ctl-2": Member(role="primary")}, "ctl-2"),
    ],
)
def test_one_host_that_has_all_of_it_is_enough(told: dict[str, Member], chosen: str) -> None:
    assert chosen_member("openstack/city", told) == chosen


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"ctl-1": Member(role="down"), "ctl-2": Member(role="absent")}, BackupFault.SILENT),
        ({"ctl-1": Member(role="primary"), "ctl-2": Member(role="primary")}, BackupFault.REFUSED),
        ({"ctl-1": SYNCED, "ctl-2": Member(role="primary")}, BackupFault.REFUSED),
        (dict.fromkeys(("ctl-1", "ctl-2"), replace(SYNCED, size=1)), BackupFault.REFUSED),
        (dict.fromkeys(("ctl-1", "ctl-2", "ctl-3"), SYNCED), BackupFault.REFUSED),
        ({"ctl-1": SYNCED, "ctl-2": Member(role="synced", cluster="b")}, BackupFault.REFUSED),
    ],
)
def test_hosts_with_different_data_or_none_are_refused_by_name(
    told: dict[str, Member], fault: BackupFault
) -> None:
    with pytest.raises(BackupError, match="ctl-2 is") as refused:
        chosen_member("openstack/city", told)
    assert refused.value.fault is fault
