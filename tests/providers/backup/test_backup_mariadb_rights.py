"""Which rights a copy of MariaDB's databases has, and what a restore makes of its users."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.providers.backup.on_host import mariadb
from orchestrator.providers.backup.on_host.ground import ActError
from orchestrator.providers.backup.on_host.mariadb_rights import narrowed


def test_rights_are_shown_without_the_hash_of_a_password() -> None:
    hashed = "GRANT USAGE ON *.* TO `nova`@`%` IDENTIFIED BY PASSWORD '*2B60'"
    user = {"grants": [hashed, "GRANT ALL PRIVILEGES ON `nova`.* TO `nova`@`%`"]}
    shown = mariadb.rights_of(user)
    assert "2B60" not in shown and "GRANT USAGE ON *.* TO `nova`@`%`" in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*2B60' REQUIRE SSL "
            "WITH MAX_USER_CONNECTIONS 5",
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '...' REQUIRE SSL "
            "WITH MAX_USER_CONNECTIONS 5",
        ),
        (
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED VIA ed25519 USING '2B''6\\'0' "
            "OR unix_socket OR gssapi USING '2B60' REQUIRE ISSUER '/CN=ca'",
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED VIA ed25519 USING '...' "
            "OR unix_socket OR gssapi USING '...' REQUIRE ISSUER '/CN=ca'",
        ),
        ("CREATE USER `a`@`%` IDENTIFIED VIA x USING '2B60", "CREATE USER `a`@`%`"),
        ("CREATE USER `a`@`%` IDENTIFIED VIA x OR y USING '2B60", "CREATE USER `a`@`%`"),
        ("CREATE USER `a`@`%` IDENTIFIED BY '2B60'z", "CREATE USER `a`@`%`"),
    ],
)
def test_how_somebody_logs_in_is_shown_and_what_is_not_understood_is_cut(
    line: str, shown: str
) -> None:
    assert mariadb.rights_of({"grants": [line]}) == shown


NAMES = ["nova", "nova_api", "glance"]


@pytest.mark.parametrize(
    "line",
    [
        "GRANT USAGE ON *.* TO `a`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 5",
        "GRANT ALL PRIVILEGES ON `nova`.* TO `a`@`%` WITH GRANT OPTION",
        r"GRANT ALL PRIVILEGES ON `nova\_api`.* TO `a`@`%`",
        "GRANT ALL PRIVILEGES ON `nova_api`.* TO `a`@`%`",
        "GRANT SELECT (`x ON ``y`), INSERT ON `nova_api`.`t` TO `a`@`%`",
        "GRANT EXECUTE ON PROCEDURE `nova`.`p` TO `a`@`%`",
        "GRANT EXECUTE ON PACKAGE BODY `nova`.`p` TO `a`@`%`",
    ],
)
def test_rights_in_copied_databases_are_kept_as_they_are(line: str) -> None:
    assert narrowed(line, NAMES) == [line]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("GRANT `reader` TO `a`@`%`", []),
        ("SET DEFAULT ROLE `reader` FOR `a`@`%`", []),
        ("GRANT PROXY ON ''@'%' TO 'a'@'%' WITH GRANT OPTION", []),
        ("GRANT ALL PRIVILEGES ON `keystone`.* TO `a`@`%`", []),
        ("GRANT SELECT ON `mysql`.`user` TO `a`@`%`", []),
        ("GRANT SELECT ON `novaXapi`.`t` TO `a`@`%`", []),
        (r"GRANT SELECT ON `nova\_ap`.* TO `a`@`%`", []),
        (
            "GRANT ALL PRIVILEGES ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*2B60' "
            "WITH GRANT OPTION MAX_USER_CONNECTIONS 5",
            [
                "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*2B60' "
                "WITH MAX_USER_CONNECTIONS 5"
            ],
        ),
        (
            "GRANT USAGE ON *.* TO `a`@`%` WITH GRANT OPTION",
            ["GRANT USAGE ON *.* TO `a`@`%`"],
        ),
        (
            "GRANT SELECT ON `nova%`.* TO `a`@`%`",
            [
                "GRANT SELECT ON `nova`.* TO `a`@`%`",
                r"GRANT SELECT ON `nova\_api`.* TO `a`@`%`",
            ],
        ),
    ],
)
def test_rights_beyond_the_copied_databases_are_left_out(line: str, kept: list[str]) -> None:
    assert narrowed(line, NAMES) == kept
    # What a restored server says of them is the same again.
    assert [one for some in kept for one in narrowed(some, NAMES)] == kept


class Accounts(mariadb.Server):
    """A server that has accounts alone, and lacks a plugin and a table."""

    def __init__(self, *, grants: dict[str, list[str]]) -> None:
        super().__init__({"name": "", "port": 3306, "databases": NAMES})
        self.grants = grants
        """Of each account, as in `'nova'@'%'`."""

    def ask(self, sql: str) -> list[Any]:
        pairs = [one.strip("'").split("'@'") for one in self.grants]
        return pairs if "JSON_ARRAY" in sql else ["@".join(pair) for pair in pairs]

    def say(self, sql: str) -> str:
        told: list[str] = []
        for line in sql.split(";\n") if "\n" in sql else [sql.rstrip(";")]:
            verb, _, rest = line.partition(" ")
            if line.startswith("SHOW GRANTS FOR "):
                told += self.grants[line.removeprefix("SHOW GRANTS FOR ")]
            elif line.startswith("SHOW CREATE USER "):
                told.append(f"CREATE USER {line.removeprefix('SHOW CREATE USER ')}")
            elif verb in {"CREATE", "DROP", "GRANT"}:
                self._change(verb, line, rest)
        return "\n".join(told)

    def _change(self, verb: str, line: str, rest: str) -> None:
        if "VIA absent" in line or "`gone`" in line:
            raise ActError("failed", f"ERROR 1524 or 1146 in {line}")
        if verb == "CREATE":
            who = rest.split()[1]
            assert who not in self.grants
            self.grants[who] = [f"GRANT USAGE ON *.* TO {who}"]
        elif verb == "DROP":
            self.grants.pop(rest.split()[-1].rstrip(";"), None)
        else:
            self.grants[rest.partition(" TO ")[2].split()[0].rstrip(";")].append(line.rstrip(";"))


def account(name: str, *, method: str = "", on: str = "nova") -> dict[str, Any]:
    who = f"'{name}'@'%'"
    login = f"GRANT USAGE ON *.* TO {who} IDENTIFIED BY PASSWORD '*2B60'"
    rights = f"GRANT ALL PRIVILEGES ON `{on}`.* TO {who}"
    made = f"CREATE USER {who}{method}"
    return {"name": f"{name}@%", "make": made, "grants": [login, rights], "left_out": []}


def test_users_come_with_their_rights_in_the_copy_and_words_about_others() -> None:
    login, rights = account("nova")["grants"]
    server = Accounts(
        grants={
            "'nova'@'%'": [login, rights, "GRANT `reader` TO 'nova'@'%'"],
            "'admin'@'%'": [login.replace("USAGE", "ALL PRIVILEGES"), rights],
            "'other'@'%'": [login, "GRANT SELECT ON `novaXapi`.`t` TO 'other'@'%'"],
        }
    )
    nova, admin = mariadb.users(server, NAMES)
    assert nova["grants"] == admin["grants"] == [login, rights]
    (note,) = nova["left_out"]
    assert note.startswith("nova@% has more") and note.endswith("GRANT `reader` TO 'nova'@'%'")
    (note,) = admin["left_out"]
    assert "ALL PRIVILEGES ON *.*" in note and "2B60" not in note


def test_a_user_that_is_there_keeps_its_rights_and_a_half_made_one_gets_them() -> None:
    other = ["GRANT USAGE ON *.* TO 'glance'@'%'", "GRANT SELECT ON `glance`.* TO 'glance'@'%'"]
    half = ["GRANT USAGE ON *.* TO 'nova'@'%' IDENTIFIED BY PASSWORD '*NEWER'"]
    server = Accounts(grants={"'glance'@'%'": [*other], "'nova'@'%'": [*half]})
    wanted = [account(name) for name in ("glance", "nova", "new")]
    mariadb.make_users(server, wanted)
    assert server.grants == {
        "'glance'@'%'": other,
        "'nova'@'%'": [*half, wanted[1]["grants"][1]],
        "'new'@'%'": ["GRANT USAGE ON *.* TO 'new'@'%'", wanted[2]["grants"][1]],
    }


@pytest.mark.parametrize(
    "refused",
    [account("bad", method=" IDENTIFIED VIA absent USING '2B60'"), account("bad", on="gone")],
)
def test_an_account_that_is_not_taken_is_named_and_none_of_this_run_stays(
    refused: dict[str, Any],
) -> None:
    there = {"'glance'@'%'": account("glance")["grants"]}
    server = Accounts(grants={**there})
    with pytest.raises(ActError, match="the account bad@%") as told:
        mariadb.make_users(server, [account("glance"), account("new"), refused])
    assert server.grants == there
    assert "2B60" not in told.value.message
    assert ("VIA absent" in refused["make"]) == ("VIA absent" in told.value.message)
