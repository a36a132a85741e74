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
ROWS = re.compile(rb"INSERT INTO " + NAME + rb"(?: \(.*\))? VALUES$")
DEFINITIONS = (
    ("views", re.compile(rb"/\*!50001 VIEW ")),
    ("triggers", re.compile(rb"/\*!50003 CREATE\*/ .*/\*!50003 TRIGGER ")),
    ("events", re.compile(rb"/\*!50106 CREATE\*/ .*/\*!50106 EVENT ")),
    ("routines", re.compile(rb"CREATE (?:DEFINER=\S+ )?(?:PROCEDURE|FUNCTION|PACKAGE) ")),
    ("sequences", re.compile(rb"CREATE SEQUENCE ")),
)
"""Beside tables; as the dump begins each of them."""
SENTINEL_ROW = re.compile(rb"\((\d+),'(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6})',")
STEADY_ENGINE = "InnoDB"


class Dump:
    """A dump that passes, in pieces of any size."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._rest = b""
        self._table = ""
        """Whose rows these are."""
        self._rows, self._sum = 0, 0
        self._database = ""
        self._making = ""
        self._ended = False
        self._tables: dict[str, dict[str, Any]] = {}
        self._engines: dict[str, str] = {}
        self._kinds: dict[str, Counter[str]] = {}
        self._sentinel: dict[str, Any] | None = None

    def take(self, chunk: bytes) -> list[bytes]:
        """Count a piece; return the lines that it completed, without their ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if self._table:
                self._row(line)
            else:
                self._other(line)
        return lines

    def end(self) -> None:
        """Refuse a dump that was cut off, whatever said that it ended well."""
        if self._rest or self._table or not self._ended:
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
        if line.startswith(b"INSERT INTO "):
            self._begin_rows(line)
        elif used := USE.match(line):
            self._database = _text(used[1])
            self._kinds.setdefault(self._database, Counter())
        elif made := CREATE_TABLE.match(line):
            self._making = f"{self._database}.{_text(made[1])}"
            self._tables[self._making] = {"rows": 0, "checksum": "0"}
            self._kinds[self._database]["tables"] += 1
        elif self._making and (engine := ENGINE.match(line)):
            self._engines[self._making] = engine[1].decode()
            self._making = ""
        elif line.startswith(END):
            self._ended = True
        else:
            for kind, begin in DEFINITIONS:
                if begin.match(line):
                    self._kinds[self._database][kind] += 1

    def _begin_rows(self, line: bytes) -> None:
        """Go on with a table's rows; a large table has several such lines."""
        found = ROWS.match(line)
        name = f"{self._database}.{_text(found[1])}" if found else ""
        if name not in self._tables:
            raise ActError("failed", f"the dump has rows of nothing: {line[:SHOWN_BYTES]!r}")
        self._table = name
        self._rows = self._tables[name]["rows"]
        self._sum = int(self._tables[name]["checksum"])


def redirected(lines: list[bytes], names: dict[str, str]) -> Iterator[bytes]:
    """Return lines of a dump with other names of its databases; rows are none of these lines."""
    for line in lines:
        found = None
        if line.startswith((b"USE ", b"CREATE DATABASE ")):
            found = USE.match(line) or CREATE_DATABASE.match(line)
        if found is not None:
            begin, end = found.span(1)
            line = line[:begin] + quoted(names[_text(found[1])])[1:-1].encode() + line[end:]
        yield line + b"\n"


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
