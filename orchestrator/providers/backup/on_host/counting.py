"""What is in a database at one moment: rows and checksums of its tables, roles, its shape."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import postgres
from .ground import ActError, Answer, ended_in_any_case, lacking, said
from .sql import (
    COUNT,
    EXTENSIONS,
    GRANTS,
    HAS_SENTINELS,
    NEWEST_SENTINEL,
    ROLES,
    SHAPE,
    STEADY,
    TABLES,
)


class Session:
    """An open transaction that sees one moment of a database, and lends it to others."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        """Take psql, and begin."""
        self._child = child
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
        self.snapshot = str(self.ask(f"{STEADY}{begin} SELECT to_json(pg_export_snapshot());"))

    def ask(self, sql: str) -> Any:  # noqa: ANN401 - JSON
        """Run a query and return the one line that it prints, read as JSON."""
        assert self._child.stdin is not None  # noqa: S101 - both are pipes
        assert self._child.stdout is not None  # noqa: S101 - both are pipes
        try:
            self._child.stdin.write(sql.encode() + b"\n")
            self._child.stdin.flush()
            # JSON values may be printed on several lines; each answer is made one of one line.
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            assert self._child.stderr is not None  # noqa: S101 - always a pipe
            raise ActError("failed", f"psql: {said(self._child.stderr.read())}")
        return json.loads(line)


@contextmanager
def one_moment(cluster: postgres.Cluster, *, database: str | None = None) -> Iterator[Session]:
    """Open a transaction in which everything is counted and dumped."""
    try:
        child = subprocess.Popen(  # noqa: S603 - our own argument list
            cluster.argv("psql", *postgres.SQL_WORDS, database=database),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
        )
    except FileNotFoundError:
        raise lacking("runuser") from None
    with child, ended_in_any_case(child):
        try:
            yield Session(child)
        finally:
            assert child.stdin is not None  # noqa: S101 - a pipe
            with suppress(BrokenPipeError):
                # psql ends with its input. An interrupt ends a query of it, and no more than that.
                child.stdin.close()


def count(session: Session) -> Answer:
    """Count a database: each table's rows and checksum, extensions, roles, sentinel, version."""
    tables: dict[str, Any] = {}
    for name, table in session.ask(_one_line(TABLES)).items():
        tables[name] = session.ask(_one_line(COUNT.format(table=table)))
    has_sentinels = session.ask(HAS_SENTINELS)
    return {
        "tables": tables,
        "extensions": session.ask(EXTENSIONS),
        "roles": [role["name"] for role in session.ask(_one_line(ROLES))],
        "server_version": session.ask("SELECT to_json(current_setting('server_version'));"),
        "sentinel": session.ask(_one_line(NEWEST_SENTINEL)) if has_sentinels else None,
    }


def shape(session: Session) -> Answer:
    """Return what is needed to make the database anew beside what is in it."""
    return {
        "database": session.ask(_one_line(SHAPE)),
        "roles": session.ask(_one_line(ROLES)),
        "grants": session.ask(_one_line(GRANTS)),
    }


def _one_line(sql: str) -> str:
    """Return a query whose JSON answer has no line ends: aggregates put some between values."""
    inner = sql.strip().rstrip(";")
    # Table names in it are quoted by PostgreSQL.
    one = f"({inner}) one(answer)"
    return f"SELECT replace(answer::text, E'\\n', '') FROM {one};"  # noqa: S608 - our own queries
