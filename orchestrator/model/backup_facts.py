"""What is known of data: counted when it is copied, and counted again in what was restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.model.units import NaturalInt


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFacts:
    """What is counted of a table."""

    rows: NaturalInt
    checksum: str
    """Of all rows, whatever their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What is known of a file."""

    size_bytes: NaturalInt
    sha256: str
    """Empty: the file changed while it was copied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentinel:
    """The row that was written just before the backup: the newest that must be there again."""

    id: int
    written_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of data: recorded with a copy, and counted again in what was restored."""

    tables: Mapping[str, TableFacts] = field(default_factory=dict)
    """By `schema.table`."""
    extensions: Mapping[str, str] = field(default_factory=dict)
    """Version by name."""
    roles: tuple[str, ...] = ()
    """Those that the database's things belong to or that have rights in it."""
    server_version: str = ""
    sentinel: Sentinel | None = None
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    """By absolute path."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Of an image or a volume."""
    notes: tuple[str, ...] = ()
    """What the copy is not: nothing that could be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What is at a place now."""

    cluster: bool
    """There is such a cluster."""
    running: bool
    in_recovery: bool
    """It follows another one: a replica."""
    rows: NaturalInt
    """In all tables together; of files, how many there are."""

    @property
    def silent(self) -> bool:
        """Say whether there is a cluster that cannot be asked: its rows are not none."""
        return self.cluster and not self.running


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What a restore did, by its own account; `Facts` of the place prove it."""

    seconds: float
    fetched_bytes: NaturalInt
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step."""
