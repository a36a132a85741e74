"""A copy takes the place of databases that are in use: what must hold before it may."""

from __future__ import annotations

from .ground import ActError, Answer
from .mariadb import Server

MORE_THAN_TABLES = """
SELECT JSON_QUOTE(trigger_schema) FROM information_schema.triggers
UNION SELECT JSON_QUOTE(table_schema) FROM information_schema.views
UNION SELECT JSON_QUOTE(routine_schema) FROM information_schema.routines;
"""
ONE_ACT = (10, 6)
"""Since this release a statement of many renames is carried out whole or not at all."""


def refuse_what_would_not_move(
    server: Server, names: list[str], *, version: str, notes: list[str]
) -> None:
    """Refuse, before anything is written, what the exchange of tables could not do.

    `notes`: of a copy for Galera, which tables are of an engine that it does not replicate.
    """
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2])
    if numbers < ONE_ACT:
        raise ActError(
            "refused",
            f"MariaDB {version} does not exchange many tables in one act: restore it elsewhere, "
            "and bring it from there",
        )
    more = sorted(set(server.ask(MORE_THAN_TABLES)) & set(names))
    if more:
        raise ActError(
            "refused",
            f"{', '.join(more)} has views, triggers or routines here, which stay with the old "
            "tables: remove them, or restore it elsewhere",
        )
    if notes:
        # Their rows would be on this member alone.
        raise ActError(
            "refused", f"Galera does not copy them to its other members: {'; '.join(notes)}"
        )


def unlike(found: Answer, wanted: Answer, *, drafts: dict[str, str]) -> list[str]:
    """Return the tables of drafts that are not as recorded, by the names that they are to have."""
    there = {
        f"{name}{table[len(draft) :]}": facts
        for name, draft in drafts.items()
        for table, facts in found.items()
        if table.startswith(f"{draft}.")
    }
    return sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
