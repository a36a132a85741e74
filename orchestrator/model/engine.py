"""Database engines as data: what each is reached, backed up and kept available with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.model.service import DatabaseEngine


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """What is known of an engine. Only one that `runs_here` is ever put on a host."""

    engine: DatabaseEngine
    display: str
    port: int
    """Where it listens by habit; a service declares its own."""
    client: str
    backup_tool: str
    availability_tool: str
    licensed: bool
    """Whoever runs it needs the maker's licence: no test here can have one."""
    runs_here: bool
    versions: frozenset[str]
    extensions: Mapping[str, str]
    """What it can be extended with, each with the package that brings it; empty: it has it."""


_CONTRIB: Final = (
    "btree_gin", "btree_gist", "citext", "fuzzystrmatch", "hstore", "intarray", "ltree",
    "pg_stat_statements", "pg_trgm", "pgcrypto", "tablefunc", "unaccent", "uuid-ossp",
)  # fmt: skip
"""Debian's server package has them."""

# Ports, tools and licences: the makers' manuals as gathered for this project (openGauss 5 gs_*;
# KingbaseES V8 sys_*; DM8 dexp/dmrman). Versions of the licensed ones are those with a certificate
# for government use; nothing of them was tried here.
ENGINES: Final[Mapping[DatabaseEngine, EngineFacts]] = {
    facts.engine: facts
    for facts in (
        EngineFacts(
            engine=DatabaseEngine.POSTGRESQL,
            display="PostgreSQL",
            port=5432,
            client="psql",
            backup_tool="pg_dump, pgBackRest",
            availability_tool="streaming replication",
            licensed=False,
            runs_here=True,
            versions=frozenset({"15"}),
            extensions={
                "pgaudit": "postgresql-15-pgaudit",
                "postgis": "postgresql-15-postgis-3",
                "postgis_raster": "postgresql-15-postgis-3",
                "postgis_topology": "postgresql-15-postgis-3",
                **dict.fromkeys(_CONTRIB, ""),
            },
        ),
        EngineFacts(
            engine=DatabaseEngine.OPENGAUSS,
            display="openGauss",
            port=5432,
            client="gsql",
            backup_tool="gs_dump, gs_probackup",
            availability_tool="CM (cluster manager)",
            licensed=False,
            runs_here=False,
            versions=frozenset({"3.0", "5.0", "6.0"}),
            extensions={"postgis": ""},
        ),
        EngineFacts(
            engine=DatabaseEngine.KINGBASE,
            display="KingbaseES",
            port=54321,
            client="ksql",
            backup_tool="sys_dump, sys_rman",
            availability_tool="repmgr (KingbaseES RWC)",
            licensed=True,
            runs_here=False,
            versions=frozenset({"V8R6", "V9"}),
            extensions={"postgis": ""},
        ),
        EngineFacts(
            engine=DatabaseEngine.DM,
            display="DM8 (达梦)",
            port=5236,
            client="disql",
            backup_tool="dexp, dmrman",
            availability_tool="DM Data Watch",
            licensed=True,
            runs_here=False,
            versions=frozenset({"8"}),
            extensions={},
        ),
    )
}
