"""What is in a dump of mariadb-dump: counted as it passes, so that counts are of the dump itself.

mariadb-dump (10.11) writes one row a line, whatever is in it: ends of lines are escaped. Rows
follow a line `INSERT INTO ... VALUES`, and nothing else is among them. Where another one writes
otherwise, the dump is refused and not counted wrongly.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .ground import ActError, Answer

SENTINEL = "orchestrator.sentinel"
END = b"-- Dump completed"
"""Its last line: a dump without it was cut off."""
DIGEST_BYTES = 8
SHOWN_BYTES = 60

NAME = rb"`((?:[^`]|``)+)`"
USE = re.compile(rb"USE " + NAME + rb";$")
CREATE_DATABASE = re.compile(rb"CREATE DATABASE .*?" + NAME + rb" ")
CREATE_TABLE = re.compile(rb"CREATE TABLE " + NAME + rb" \($")
ENGINE = re.compile(rb"\) ENGINE=(\w+)")
DELIMITER, DELIMITER_ENDS = b"DELIMITER ", b"DELIMITER ;"
"""Between them is what somebody wrote: a body may have lines that look like any of the dump's."""
SANDBOX = (b"/*!999999\\-", b"/*M!999999\\-")
"""The first line of a dump from 10.5.25, 10.6.18, 10.11.8 and 11.4.2 (May 2024): an older client
stops there with "Unknown command '\\-'". It is dropped: root's own dump needs no sandbox."""
ROWS = re.compile(rb"INSERT INTO " + NAME + rb"(?: \(.*\))? VALUES$")
ROWS_OF_ONE_LINE = re.compile(rb"INSERT INTO " + NAME + rb"(?: \([^)]*\))? VALUES \(")
"""As mariadb-dump of 10.5 writes them (MDEV-25152 asks for the other way, which 10.11 has)."""
ROUTINE = re.compile(
    rb"CREATE (?:DEFINER=.+? )?(?:AGGREGATE )?(?:PROCEDURE|FUNCTION|PACKAGE(?: BODY)?) "
)
DEFINITIONS = (
    ("views", re.compile(rb"/\*!50001 VIEW ")),
    ("triggers", re.compile(rb"/\*!50003 CREATE\*/ .*/\*!50003 TRIGGER ")),
    ("events", re.compile(rb"/\*!50106 CREATE\*/ .*/\*!50106 EVENT ")),
    ("routines", ROUTINE),
    ("sequences", re.compile(rb"CREATE SEQUENCE ")),
)
"""Beside tables; as the dump begins each of them."""
SENTINEL_ROW = re.compile(rb"\((\d+),'(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6})',")
STEADY_ENGINE = "InnoDB"


class Dump:
    """A dump that passes, in pieces of any size."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._rest: list[bytes] = []
        """The pieces of a line without its end yet: joined once, however long it is."""
        self._table = ""
        """Whose rows these are."""
        self._rows, self._sum = 0, 0
        self._database = ""
        self._making = ""
        self._ended = False
        self._in_body = False
        self._tables: dict[str, dict[str, Any]] = {}
        self._engines: dict[str, str] = {}
        self._kinds: dict[str, Counter[str]] = {}
        self._sentinel: dict[str, Any] | None = None

    def take(self, chunk: bytes) -> list[bytes]:
        """Count a piece; return the lines that it completed, without their ends."""
        first, *others = chunk.split(b"\n")
        self._rest.append(first)
        if not others:
            return []
        lines = [b"".join(self._rest), *others[:-1]]
        self._rest = [others[-1]]
        for line in lines:
            if self._table:
                self._row(line)
            else:
                self._other(line)
        return lines

    def end(self) -> None:
        """Refuse a dump that was cut off, whatever said that it ended well."""
        if any(self._rest) or self._table or not self._ended:
            raise ActError("mismatch", "the dump has no end: it was cut off", broken=["dump.sql"])

    def facts(self) -> Answer:
        """Return what was counted, of each table by its database and name."""
        return {
            "tables": self._tables,
            "sentinel": self._sentinel,
            "properties": {
                f"definitions of {name}": ", ".join(
                    f"{kind} {kinds[kind]}"
                    for kind in ("tables", *(one for one, _ in DEFINITIONS))
                    if kinds[kind] or kind == "tables"
                )
                for name, kinds in self._kinds.items()
            },
            "notes": [
                f"{name} is {engine}, not {STEADY_ENGINE}: its rows are of another moment than "
                "the other tables'"
                for name, engine in sorted(self._engines.items())
                if engine != STEADY_ENGINE
            ],
        }

    def more_than_tables(self) -> list[str]:
        """Return the databases that have views, triggers, events, routines or sequences."""
        return [
            name for name, kinds in self._kinds.items() if sum(kinds.values()) > kinds["tables"]
        ]

    def _row(self, line: bytes) -> None:
        last = line.endswith(b");")
        if not line.startswith(b"(") or not (last or line.endswith(b"),")):
            shown = line[:SHOWN_BYTES]
            raise ActError(
                "failed", f"the dump of {self._table} has a line that is no row: {shown!r}"
            )
        row = line[:-1]
        self._rows += 1
        self._sum += int.from_bytes(hashlib.blake2b(row, digest_size=DIGEST_BYTES).digest(), "big")
        if self._table == SENTINEL:
            self._sentinel = _newer(self._sentinel, row)
        if last:
            self._tables[self._table] = {"rows": self._rows, "checksum": str(self._sum)}
            self._table = ""

    def _other(self, line: bytes) -> None:
        if line.startswith(DELIMITER):
            self._in_body = line != DELIMITER_ENDS
        elif self._in_body:
            self._count_definition(line)
        elif line.startswith(b"INSERT INTO "):
            self._begin_rows(line)
        elif line.startswith(b"USE "):
            self._database = _text(_used(line)[1])
            self._kinds.setdefault(self._database, Counter())
        elif made := CREATE_TABLE.match(line):
            self._making = f"{self._database}.{_text(made[1])}"
            self._tables[self._making] = {"rows": 0, "checksum": "0"}
            self._count("tables")
        elif self._making and (engine := ENGINE.match(line)):
            self._engines[self._making] = engine[1].decode()
            self._making = ""
        elif line.startswith(END):
            self._ended = True
        else:
            self._count_definition(line)

    def _count_definition(self, line: bytes) -> None:
        for kind, begin in DEFINITIONS:
            if begin.match(line):
                self._count(kind)

    def _count(self, kind: str) -> None:
        if self._database not in self._kinds:
            raise _foreign(f"has {kind} of no database")
        self._kinds[self._database][kind] += 1

    def _begin_rows(self, line: bytes) -> None:
        """Go on with a table's rows; a large table has several such lines."""
        found = ROWS.match(line)
        if ROWS_OF_ONE_LINE.match(line):
            raise ActError(
                "failed",
                "mariadb-dump of this host writes several rows a line, which cannot be counted: "
                "a later MariaDB is needed (that of 10.5 does so, and 10.11 does not)",
            )
        name = f"{self._database}.{_text(found[1])}" if found else ""
        if name not in self._tables:
            raise ActError("failed", f"the dump has rows of nothing: {line[:SHOWN_BYTES]!r}")
        self._table = name
        self._rows = self._tables[name]["rows"]
        self._sum = int(self._tables[name]["checksum"])


def redirected(lines: list[bytes], names: dict[str, str]) -> Iterator[bytes]:
    """Return lines of a dump as any client takes them, with other names of its databases.

    Without names they keep theirs; rows are none of these lines. A database that has no other name
    is refused: what follows would be done to the one that is there.
    """
    for line in lines:
        if line.startswith(SANDBOX):
            continue
        if names and line.startswith((b"USE ", b"CREATE DATABASE ")):
            found = _used(line)
            name = _text(found[1])
            if name not in names:
                raise _foreign(f"goes to another database, {name}")
            begin, end = found.span(1)
            line = line[:begin] + quoted(names[name])[1:-1].encode() + line[end:]
        yield line + b"\n"


def _used(line: bytes) -> re.Match[bytes]:
    """Return where a line names the database that what follows is of."""
    found = USE.match(line) or CREATE_DATABASE.match(line)
    if found is None:
        raise _foreign(f"names its database in another way: {line[:SHOWN_BYTES]!r}")
    return found


def _foreign(why: str) -> ActError:
    return ActError("mismatch", f"the dump {why}", broken=["dump.sql"])


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return "`" + name.replace("`", "``") + "`"


def _text(name: bytes) -> str:
    return name.replace(b"``", b"`").decode()


def _newer(known: dict[str, Any] | None, row: bytes) -> dict[str, Any] | None:
    found = SENTINEL_ROW.match(row)
    if found is None or (known is not None and known["id"] > int(found[1])):
        return known
    at = f"{found[2].decode()}T{found[3].decode()}+00:00"
    return {"id": int(found[1]), "written_at": at}
