"""Measure what it costs to count a dump of MariaDB as it passes: a million rows of Nova's size."""

from __future__ import annotations

import time
from collections.abc import Iterator

from orchestrator.providers.backup.on_host.ground import CHUNK_BYTES
from orchestrator.providers.backup.on_host.mariadb_dump import Dump

ROWS = 1_000_000
ROWS_A_STATEMENT = 4_000
HEAD = b"USE `nova`;\nCREATE TABLE `instances` (\n  `id` int(11) NOT NULL\n) ENGINE=InnoDB;\n"
ROW = (
    b"(%d,'2026-11-22 12:00:00',NULL,'5b1a1501-ea71-4ac1-b006-dad69c419c06','"
    + b"x" * 200
    + b"',0)"
)


def dumped() -> Iterator[bytes]:
    """Return a dump, statement by statement."""
    yield HEAD
    for begin in range(0, ROWS, ROWS_A_STATEMENT):
        rows = b",\n".join(ROW % number for number in range(begin, begin + ROWS_A_STATEMENT))
        yield b"INSERT INTO `instances` VALUES\n" + rows + b";\n"
    yield b"-- Dump completed\n"


def main() -> None:
    """Print the figures."""
    text = b"".join(dumped())
    dump = Dump()
    begun = time.process_time()
    for at in range(0, len(text), CHUNK_BYTES):
        dump.take(text[at : at + CHUNK_BYTES])
    dump.end()
    seconds = time.process_time() - begun
    rate = len(text) / seconds / 1e6
    print(f"databases: {ROWS:,} rows, {len(text) / 1e6:.0f} MB: {seconds:.1f} s, {rate:.0f} MB/s")  # noqa: T201 - a bench prints


if __name__ == "__main__":
    main()
