"""What hosts answer, as our own values; what cannot be read is a fault, not a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    PARTS,
    BackupFault,
    Copy,
    Facts,
    FileFacts,
    Listing,
    Manifest,
    Sentinel,
    TableFacts,
)

DATA, MANIFEST = "data", "manifest"
TRIAL = "trial"
"""A snapshot that was written to see whether it can be deleted: no part of any copy."""


def facts_of(told: Mapping[str, Any]) -> Facts:
    """Read what was counted."""
    try:
        sentinel = told.get("sentinel")
        return Facts(
            tables={
                name: TableFacts(rows=int(one["rows"]), checksum=str(one["checksum"]))
                for name, one in told.get("tables", {}).items()
            },
            extensions={str(k): str(v) for k, v in told.get("extensions", {}).items()},
            roles=tuple(told.get("roles", ())),
            server_version=str(told.get("server_version", "")),
            sentinel=None
            if sentinel is None
            else Sentinel(id=int(sentinel["id"]), written_at=moment(sentinel["written_at"])),
            files={
                name: FileFacts(size_bytes=int(one["size_bytes"]), sha256=str(one["sha256"]))
                for name, one in told.get("files", {}).items()
            },
            properties={str(k): str(v) for k, v in told.get("properties", {}).items()},
            notes=tuple(str(note) for note in told.get("notes", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable("what was counted", error) from error


def manifest_of(told: Mapping[str, Any]) -> Manifest:
    """Read a manifest."""
    try:
        return Manifest(
            run=str(told["run"]),
            subject=str(told["subject"]),
            taken_at=moment(told["taken_at"]),
            host=str(told["host"]),
            facts=facts_of(told["facts"]),
            data_id=str(told["data_id"]),
            data_bytes=int(told["data_bytes"]),
            data_sha256=str(told.get("data_sha256", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable("the manifest", error) from error


def listing_of(repository: str, told: Mapping[str, Any]) -> Listing:
    """Read what a repository's server tells of some subjects."""
    copies: list[Copy] = []
    damaged: dict[str, list[str]] = {}
    try:
        for subject, names in told.get("damaged", {}).items():
            damaged.setdefault(subject, []).extend(str(name) for name in names)
        for subject, snapshots in told["snapshots"].items():
            found, strange = _copies_of(repository, subject, snapshots)
            copies += found
            if strange:
                damaged.setdefault(subject, []).extend(strange)
        read = {subject: _read_parts(parts) for subject, parts in told.get("read", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(f"the list of snapshots in {repository}", error) from error
    return Listing(
        copies=tuple(sorted(copies, key=lambda copy: (copy.taken_at, copy.subject, copy.run))),
        damaged={subject: tuple(names) for subject, names in damaged.items()},
        read=read,
    )


def _copies_of(
    repository: str, subject: str, snapshots: Iterable[Mapping[str, Any]]
) -> tuple[list[Copy], list[str]]:
    """Read restic's list of snapshots: those of one run are one copy.

    Also returns the snapshots that are none of ours: they hide no copy that is.
    """
    runs: dict[str, dict[str, Mapping[str, Any]]] = {}
    strange: list[str] = []
    for one in snapshots:
        try:
            tags, at = _tags(one.get("tags") or ()), moment(str(one["time"]))
            run, part = tags["run"], tags["part"]
            size = int(tags["bytes"]) if part == MANIFEST else 0
            known = {"id": str(one["id"]), "at": at, "host": str(one["hostname"]), "size": size}
        except (KeyError, TypeError, ValueError):
            strange.append(f"snapshot {one.get('id', 'without a name')}")
            continue
        if part != TRIAL:
            # Of a part that was saved twice the last one counts.
            runs.setdefault(run, {})[part] = known
    return [_copy(run, subject, parts=p, repository=repository) for run, p in runs.items()], strange


def _read_parts(parts: Mapping[str, Any]) -> tuple[datetime | None, ...]:
    """Read when each part was found sound; what is none of the parts tells nothing."""
    return tuple(
        datetime.fromtimestamp(float(parts[str(number)]), UTC) if str(number) in parts else None
        for number in range(PARTS)
    )


def _copy(
    run: str, subject: str, *, parts: Mapping[str, Mapping[str, Any]], repository: str
) -> Copy:
    some = next(iter(parts.values()))
    manifest, data = parts.get(MANIFEST), parts.get(DATA)
    return Copy(
        subject=subject,
        repository=repository,
        run=run,
        taken_at=some["at"],
        data_id=data["id"] if data else "",
        manifest_id=manifest["id"] if manifest else "",
        host=some["host"],
        size_bytes=manifest["size"] if manifest else 0,
    )


def _tags(tags: Iterable[str]) -> dict[str, str]:
    return dict(tag.split("=", 1) for tag in tags)


def moment(text: str) -> datetime:
    """Read a moment; restic writes nanoseconds, which Python does not read."""
    head, dot, rest = text.replace("Z", "+00:00").partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{head}.{rest[: min(digits, 6)].ljust(6, '0')}{rest[digits:]}"
    else:
        text = head
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found.astimezone(UTC)


def unreadable(what: str, error: Exception) -> BackupError:
    """Return the error of an answer that is not what it should be."""
    return BackupError(
        f"{what} cannot be read ({type(error).__name__}: {error})", fault=BackupFault.BROKEN
    )
