"""What hosts answer, as our own values; what cannot be read is a fault, not a guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.errors import BackupError
from orchestrator.model.backup import (
    BackupFault,
    Copy,
    Facts,
    FileFacts,
    Manifest,
    Sentinel,
    TableFacts,
)

DATA, MANIFEST = "data", "manifest"


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


def copies_of(repository: str, listed: Mapping[str, Any]) -> Iterator[Copy]:
    """Read restic's lists of snapshots: those of one run are one copy."""
    for subject, snapshots in listed.items():
        runs: dict[str, dict[str, Mapping[str, Any]]] = {}
        try:
            for one in snapshots:
                tags = _tags(one.get("tags") or ())
                # Of a part that was saved twice the last one counts.
                runs.setdefault(tags["run"], {})[tags["part"]] = {**one, "facts": tags}
            yield from (
                _copy(run, subject, parts=parts, repository=repository)
                for run, parts in runs.items()
            )
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(f"the list of snapshots of {subject}", error) from error


def _copy(
    run: str, subject: str, *, parts: Mapping[str, Mapping[str, Any]], repository: str
) -> Copy:
    some = next(iter(parts.values()))
    manifest = parts.get(MANIFEST)
    data = parts.get(DATA)
    size = int(manifest["facts"]["bytes"]) if manifest else 0
    return Copy(
        subject=subject,
        repository=repository,
        run=run,
        taken_at=moment(str(some["time"])),
        data_id=str(data["id"]) if data else "",
        manifest_id=str(manifest["id"]) if manifest else "",
        host=str(some["hostname"]),
        size_bytes=size,
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
