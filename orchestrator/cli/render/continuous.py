"""Continuous archives: how old their newest change is, and where a restore can go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.backup import STYLES, age_text, size
from orchestrator.cli.render.table import table
from orchestrator.model.continuous import Archive, Backlog, BaseCopy
from orchestrator.model.units import Json
from orchestrator.planning.continuous import ArchiveStanding, allowed_loss, wants_attention


def archives_parts(
    rows: Sequence[ArchiveStanding], *, now: datetime, whole: bool
) -> list[RenderableType]:
    """Return one line for each service and repository, and every copy (`whole`)."""
    parts: list[RenderableType] = [
        table(
            (
                "Archive of",
                "Repository",
                "State",
                "Newest",
                "Allowed",
                "Any moment from (UTC)",
                "Due",
            ),
            [
                (
                    row.subject.name,
                    row.repository,
                    Text(row.age.value, STYLES[row.age]),
                    _newest(row, now),
                    age_text(allowed_loss(row.subject)),
                    _begins(row.archive),
                    row.due.value if row.due else "-",
                )
                for row in rows
            ],
            right="Newest",
        )
    ]
    copies = [(row, copy) for row in rows if row.archive for copy in row.archive.copies]
    if whole and copies:
        lines = [
            (
                row.subject.name,
                row.repository,
                copy.label,
                copy.kind.value,
                f"{copy.ended_at:%Y-%m-%d %H:%M:%S}",
                size(copy.size_bytes),
            )
            for row, copy in copies
        ]
        heads = ("Archive of", "Repository", "Copy of the cluster", "Kind", "Ended (UTC)", "Added")
        parts += ["", table(heads, lines)]
    return parts


def _newest(row: ArchiveStanding, now: datetime) -> str:
    if row.reason:
        return row.reason
    at = row.archive.archived_at if row.archive else None
    return "-" if at is None else age_text(now - at)


def _begins(archive: Archive | None) -> str:
    span = archive.reachable if archive else None
    return f"{span[0]:%Y-%m-%d %H:%M:%S}" if span else "-"


def backlog_parts(told: Mapping[str, Backlog | str]) -> list[RenderableType]:
    """Return a line for each service whose log waits on its primary, or of whom nobody knows."""
    return [
        Text(
            f"{name}: nobody knows how much of its log waits: {one}"
            if isinstance(one, str)
            else f"{name}: {size(one.waiting_bytes)} of its log wait on {one.server} for a "
            f"repository; the disk has {size(one.free_bytes)} left, and without any the database "
            "stops.",
            "magenta" if isinstance(one, str) else "bold red",
        )
        for name, one in told.items()
        if wants_attention(one)
    ]


def archives_json(
    rows: Sequence[ArchiveStanding], told: Mapping[str, Backlog | str], *, now: datetime
) -> list[Json]:
    """Return the same for machines, with every copy."""
    return [{**_row_json(row, now), **_waiting(told.get(row.subject.name))} for row in rows]


def _waiting(told: Backlog | str | None) -> dict[str, Json]:
    known = told if isinstance(told, Backlog) else None
    return {
        "waiting_bytes": known.waiting_bytes if known else None,
        "free_bytes": known.free_bytes if known else None,
    }


def _row_json(row: ArchiveStanding, now: datetime) -> dict[str, Json]:
    archive = row.archive
    span = archive.reachable if archive else None
    at = archive.archived_at if archive else None
    return {
        "subject": row.subject.name,
        "repository": row.repository,
        "state": row.age.value,
        "policy": row.subject.policy.name,
        "allowed_age_seconds": allowed_loss(row.subject).total_seconds(),
        "age_seconds": None if at is None else (now - at).total_seconds(),
        "archived_at": at.isoformat() if at else None,
        "newest_segment": archive.newest_segment if archive else None,
        "reachable_from": span[0].isoformat() if span else None,
        "reachable_to": span[1].isoformat() if span else None,
        "due": row.due.value if row.due else None,
        "copies": [_copy_json(one) for one in archive.copies] if archive else [],
        "reason": row.reason,
    }


def _copy_json(copy: BaseCopy) -> dict[str, Json]:
    return {
        "label": copy.label,
        "kind": copy.kind.value,
        "begun_at": copy.begun_at.isoformat(),
        "ended_at": copy.ended_at.isoformat(),
        "size_bytes": copy.size_bytes,
    }
