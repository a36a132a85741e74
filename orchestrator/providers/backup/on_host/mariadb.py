"""MariaDB on this host: its own server, by root's local login, and servers that restores made."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from .ground import ActError, Answer, lacking, run
from .mariadb_dump import quoted
from .mariadb_rights import LOGIN, narrowed, without_hashes

SERVER = "/usr/sbin/mariadbd"
OWN_SOCKET = Path("/run/mysqld/mysqld.sock")
OWN_UNIT = "mariadb.service"
RESTORED = Path("/var/lib/orchestrator-mariadb")
"""A folder for each server that a restore made, with nothing of the host's own in it."""
MADE = "made-by-orchestrator-restore"
MADE_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")
LARGEST_PACKET = "1G"
LOCK_SECONDS = 60
"""For a lock on a table that is given another name: meanwhile all who ask for that table wait, too.
MariaDB's own limit is a day, and a statement goes on after its client is gone."""


WAIT_BRIEFLY = f"SET SESSION lock_wait_timeout = {LOCK_SECONDS};\n"
SYSTEM_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys"})


class Server:
    """One MariaDB server of this host."""

    def __init__(self, wanted: Answer) -> None:
        """Take it as the request describes it."""
        self.name, self.port = str(wanted["name"]), int(wanted["port"])
        if self.name and not MADE_NAME.fullmatch(self.name):
            # It becomes a folder that is removed with all that is in it.
            raise ActError("refused", f"{self.name!r} is no name for a server: letters, digits, _")
        self.databases = [str(name) for name in wanted["databases"]]

    @property
    def folder(self) -> Path:
        """Return the folder of a server that a restore made."""
        return RESTORED / self.name

    @property
    def unit(self) -> str:
        """Return its systemd unit."""
        return f"orchestrator-mariadb-{self.name}.service" if self.name else OWN_UNIT

    @property
    def socket(self) -> Path:
        """Return its local socket."""
        if not self.name:
            return OWN_SOCKET
        return Path(f"/run/orchestrator-mariadb-{self.name}/mariadb.sock")

    @property
    def title(self) -> str:
        """Return what messages call it."""
        return f"MariaDB {self.name}" if self.name else "the host's MariaDB"

    def is_there(self) -> bool:
        """Say whether the host has it."""
        return (self.folder / MADE).is_file() if self.name else Path(SERVER).exists()

    def is_running(self) -> bool:
        """Say whether it answers."""
        if not self.is_there():
            return False
        try:
            return self.ask("SELECT JSON_OBJECT('one', 1);") == [{"one": 1}]
        except ActError as error:
            if error.kind == "unprepared":
                raise
            return False

    def require(self) -> None:
        """Refuse to go on without a server that answers."""
        if not self.is_there():
            raise ActError("absent", f"{self.title} is not there")
        self.ask("SELECT JSON_OBJECT('one', 1);")

    def argv(self, program: str, *words: str) -> list[str]:
        """Return the command line of a client; root logs in by its socket, with no password.

        Nothing of the host's own files is read: a password there would be somebody else's.
        """
        return [
            *(program, "--no-defaults", f"--socket={self.socket}", "--user=root"),
            *("--default-character-set=utf8mb4", f"--max-allowed-packet={LARGEST_PACKET}"),
            *words,
        ]

    def say(self, sql: str) -> str:
        """Run SQL and return what it printed, row by row."""
        words = ("--batch", "--skip-column-names", "--raw")
        return run(self.argv("mariadb", *words), given=sql.encode()).decode()

    def ask(self, sql: str) -> list[Any]:
        """Run SQL whose rows are one JSON value each, and return them."""
        return [json.loads(line) for line in self.say(sql).splitlines()]

    def say_quietly(self, sql: str) -> None:
        """Run SQL that has hashes of passwords: no log shows it, and no message."""
        try:
            self.say("SET SESSION sql_log_off = 1;\n" + sql)
        except ActError:
            raise ActError("failed", f"{self.title} did not take its users") from None

    def everything(self) -> list[str]:
        """Return the databases that do not belong to the server itself."""
        rows = self.ask("SELECT JSON_QUOTE(schema_name) FROM information_schema.schemata;")
        return [name for name in rows if name not in SYSTEM_DATABASES]

    def here(self, names: list[str]) -> list[str]:
        """Return those of some databases that are there."""
        rows = self.everything()
        return [name for name in names if name in rows]

    def tables(self, names: list[str]) -> list[tuple[str, str]]:
        """Return the tables of some databases, each with its database."""
        rows = self.ask(
            "SELECT JSON_ARRAY(table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') "
            "ORDER BY table_schema, table_name;"
        )
        return [(database, table) for database, table in rows if database in names]


def literal(text: str) -> str:
    """Return a text as SQL takes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def dump(server: Server, names: list[str]) -> subprocess.Popen[bytes]:
    """Start a dump of databases in one transaction, which locks nothing."""
    words = [
        *("--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob"),
        *("--skip-add-locks", "--skip-dump-date", "--databases", *names),
    ]
    return _started(server.argv("mariadb-dump", *words), stdin=subprocess.DEVNULL)


def filling(server: Server) -> subprocess.Popen[bytes]:
    """Start to fill a server from a dump on the standard input; the first error ends it."""
    # Its words are read in the end: it must never wait for a reader of its output.
    return _started(server.argv("mariadb", "--silent"), stdin=subprocess.PIPE, quiet=True)


def _started(argv: list[str], *, stdin: int, quiet: bool = False) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own argument list
            argv,
            stdin=stdin,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
        )
    except FileNotFoundError:
        raise lacking(argv[0]) from None


def users(server: Server, names: list[str]) -> list[Answer]:
    """Return who has rights in some databases, with what makes each of them anew there.

    What they have beyond these databases is left out, and said in words. Hashes of passwords are in
    it, as in `SHOW CREATE USER`; never a password.
    """
    where = " OR ".join(f"{literal(name)} LIKE Db" for name in names)
    tables = ("db", "tables_priv", "columns_priv", "procs_priv")
    rights = " UNION ".join(f"SELECT User, Host, Db FROM mysql.{table}" for table in tables)  # noqa: S608 - fixed names
    rows = server.ask(
        "SELECT DISTINCT JSON_ARRAY(r.User, r.Host) FROM (" + rights + ") r JOIN mysql.user u "  # noqa: S608 - quoted above
        f"ON u.User = r.User AND u.Host = r.Host WHERE u.is_role = 'N' AND ({where}) ORDER BY 1;"
    )
    found = []
    for user, host in rows:
        who = f"{literal(user)}@{literal(host)}"
        lines = server.say(f"SHOW GRANTS FOR {who};").splitlines()
        kept = {line: narrowed(line, names) for line in lines}
        grants = [one for some in kept.values() for one in some]
        if all(map(_is_login, grants)):
            continue  # its right is on a database whose name is only like one of these
        # One whose password is to be changed has a second statement.
        made = ";\n".join(server.say(f"SHOW CREATE USER {who};").splitlines())
        left_out = [
            f"{user}@{host} has more than rights in these databases, which no restore gives: "
            + without_hashes(line)
            for line, some in kept.items()
            if some != [line]
        ]
        found.append(
            {"name": f"{user}@{host}", "make": made, "grants": grants, "left_out": left_out}
        )
    return found


def _is_login(line: str) -> bool:
    return line.startswith(LOGIN)


def rights_of(user: Answer) -> str:
    """Return a user's rights, and how it has to log in, without its password's hash."""
    return "; ".join(sorted(map(without_hashes, user["grants"])))


def make_users(server: Server, wanted: list[Answer]) -> None:
    """Make the users that a server lacks; who is there keeps password and rights.

    One who is there with no right at all was left by an act that was ended between the two: it is
    given its rights. Who cannot be made is named, and those made before it go again.
    """
    there = server.ask("SELECT JSON_QUOTE(CONCAT(User, '@', Host)) FROM mysql.user;")
    made: list[str] = []
    for user in wanted:
        name, _, host = user["name"].rpartition("@")
        who = f"{literal(name)}@{literal(host)}"
        lines = [line for line in user["grants"] if not _is_login(line)]
        if user["name"] not in there:
            made.append(who)
            lines = [user["make"], *lines]
        elif not all(map(_is_login, server.say(f"SHOW GRANTS FOR {who};").splitlines())):
            continue
        try:
            server.say_quietly("".join(f"{line};\n" for line in lines))
        except ActError as error:
            raise _not_made(server, user, made) from error


def _not_made(server: Server, user: Answer, made: list[str]) -> ActError:
    """Take back the users of this run, and say which one was not taken, and how it logs in."""
    left = ""
    try:
        server.say("".join(f"DROP USER IF EXISTS {who};\n" for who in made))
    except ActError:
        left = f"; look at {', '.join(made)}: they could not be removed again"
    return ActError(
        "failed",
        f"{server.title} did not take the account {user['name']}: "
        f"{without_hashes(user['make'])}, with {rights_of(user)}; the data is there{left}",
    )


def take_place(server: Server, drafts: dict[str, str], replaced: dict[str, str]) -> None:
    """Give all tables of the drafts their databases' names, in one statement that is one act.

    MariaDB 10.6 and later bring a statement of many renames to its end or undo it all, whatever
    ends the server.
    """
    names = sorted(drafts)
    kept = {draft: name for name, draft in drafts.items()}
    sets = server.ask(
        "SELECT JSON_ARRAY(schema_name, default_character_set_name, default_collation_name) "
        "FROM information_schema.schemata;"
    )
    old = server.tables(names)
    moves = [(name, table, replaced[name], table) for name, table in old]
    moves += [
        (drafts[name], table, name, table)
        for name in names
        for _, table in server.tables([drafts[name]])
    ]
    make_all = "".join(
        f"CREATE DATABASE IF NOT EXISTS {quoted(name)};\n" for name in (*names, *replaced.values())
    )
    words = ", ".join(f"{quoted(a)}.{quoted(b)} TO {quoted(c)}.{quoted(d)}" for a, b, c, d in moves)
    # New tables take these: of another set their keys would not fit those that came back.
    as_copied = "".join(
        f"ALTER DATABASE {quoted(kept[draft])} CHARACTER SET {letters} COLLATE {order};\n"
        for draft, letters, order in sets
        if draft in kept
    )
    server.say(f"{WAIT_BRIEFLY}{make_all}RENAME TABLE {words};\n{as_copied}")


def drop(server: Server, names: list[str]) -> None:
    """Remove databases; one that is not there is none to remove."""
    gone = "".join(f"DROP DATABASE IF EXISTS {quoted(name)};\n" for name in names)
    server.say(WAIT_BRIEFLY + gone)
