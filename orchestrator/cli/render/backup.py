"""Backups: the standing of each subject, single copies, and how acts ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.backup import Copy
from orchestrator.model.units import Json
from orchestrator.planning.backup import Age, Standing, allowed_age
from orchestrator.workflows.backup import Prepared
from orchestrator.workflows.backup_steps import Act, Result, Step

STYLES = {
    Age.OK: "green",
    Age.LATE: "bold red",
    Age.NONE: "bold red",
    Age.DAMAGED: "bold red",
    Age.UNKNOWN: "magenta",
}
RESULT_STYLES = {Result.DONE: "green", Result.FAILED: "bold red", Result.SKIPPED: "dim"}


def size(count: int) -> str:
    """Return bytes as people read them."""
    value, units = float(count), ("B", "KiB", "MiB", "GiB", "TiB")
    for unit in units:
        if value < 1024 or unit == units[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError  # the last unit takes everything


def age_text(age: timedelta) -> str:
    """Return how long ago something was."""
    seconds = int(age.total_seconds())
    if seconds < 0:
        return f"{-seconds} s in the future"
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} d"


def standings_table(rows: Sequence[Standing], *, now: datetime) -> Table:
    """Return one line for each subject and repository."""
    return table(
        ("Subject", "Repository", "State", "Newest", "Allowed", "Copies", "Size", "From"),
        [
            (
                row.subject.name,
                row.repository,
                Text(row.age.value, STYLES[row.age]),
                _newest(row, now=now),
                age_text(allowed_age(row.subject.policy)),
                f"{row.whole}" + (f" (+{row.cut_off} cut off)" if row.cut_off else ""),
                size(row.size_bytes) if row.newest else "-",
                row.newest.host if row.newest else "-",
            )
            for row in rows
        ],
        right="Newest",
    )


def _newest(row: Standing, *, now: datetime) -> str:
    age = age_text(now - row.newest.taken_at) if row.newest else ""
    # What is damaged is told file by file, below the table.
    return "; ".join(filter(None, (age, "" if row.damaged else row.reason))) or "-"


def damaged_parts(rows: Sequence[Standing]) -> list[RenderableType]:
    """Return what of each subject cannot be read."""
    parts: list[RenderableType] = []
    for row in rows:
        if row.damaged:
            parts += ["", Text(f"{row.subject.name} in {row.repository} cannot be read:", "red")]
            parts += [f"  {name}" for name in row.damaged]
    return parts


def standings_json(
    rows: Sequence[Standing], copies: Sequence[Copy], *, now: datetime
) -> dict[str, Json]:
    """Return the same for machines; `copies` where single ones were asked for."""
    found: dict[str, Json] = {
        "at": now.isoformat(),
        "subjects": [
            {
                "subject": row.subject.name,
                "kind": row.subject.kind.value,
                "repository": row.repository,
                "state": row.age.value,
                "policy": row.subject.policy.name,
                "allowed_age_seconds": allowed_age(row.subject.policy).total_seconds(),
                "newest": copy_json(row.newest) if row.newest else None,
                "copies": row.whole,
                "cut_off": row.cut_off,
                "reason": row.reason,
                "damaged": list(row.damaged),
            }
            for row in rows
        ],
    }
    if copies:
        found["copies"] = [copy_json(copy) for copy in copies]
    return found


def copies_table(copies: Sequence[Copy]) -> Table:
    """Return every copy, the oldest first."""
    return table(
        ("Subject", "Repository", "Run", "Taken (UTC)", "State", "Size", "From"),
        [
            (
                copy.subject,
                copy.repository,
                copy.run,
                f"{copy.taken_at:%Y-%m-%d %H:%M:%S}",
                Text("whole", "green") if copy.whole else Text("cut off", "yellow"),
                size(copy.size_bytes) if copy.whole else "-",
                copy.host,
            )
            for copy in copies
        ],
    )


def copy_json(copy: Copy) -> dict[str, Json]:
    """Return one copy for machines."""
    return {
        "subject": copy.subject,
        "repository": copy.repository,
        "run": copy.run,
        "taken_at": copy.taken_at.isoformat(),
        "whole": copy.whole,
        "data_id": copy.data_id,
        "manifest_id": copy.manifest_id,
        "host": copy.host,
        "size_bytes": copy.size_bytes,
        "note": copy.note,
    }


def step_line(step: Step) -> Text:
    """Return one line that tells of a step as it ends."""
    text = Text()
    text.append(f"{step.result.value:<8}", RESULT_STYLES[step.result])
    text.append(f"{step.act.value} {step.subject} ({step.repository}) {step.seconds:.1f} s")
    told = _told(step)
    if told:
        text.append(f": {told}")
    return text


def _told(step: Step) -> str:
    if step.reason:
        return step.reason
    if step.copy:
        return size(step.copy.size_bytes) + (f"; {step.copy.note}" if step.copy.note else "")
    if step.verified:
        return f"{plural(step.verified.files_read, 'file')}, {size(step.verified.bytes_read)} read"
    by_act = {
        Act.EXPIRE: f"{size(step.freed_bytes)} freed",
        Act.PRUNE: f"{step.deleted} gone, {size(step.freed_bytes)} freed",
        Act.DELETE: "refused, as it should be",
    }
    return by_act.get(step.act, step.note)


def steps_parts(steps: Sequence[Step]) -> list[RenderableType]:
    """Return what was done, then each fault with its files and its remedy."""
    rows = [
        (
            step.subject,
            step.repository,
            step.act.value,
            Text(step.result.value, RESULT_STYLES[step.result]),
            f"{step.seconds:.1f}",
            _told(step) if step.result is not Result.FAILED else str(step.fault or ""),
        )
        for step in steps
    ]
    parts: list[RenderableType] = [
        table(("Subject", "Repository", "Act", "Result", "Seconds", "What"), rows, right="Seconds")
    ]
    for step in steps:
        if step.result is Result.FAILED:
            parts += ["", Text(f"{step.subject} in {step.repository}: {step.reason}", "bold red")]
            parts += [f"  {name}" for name in step.broken]
            parts += [f"  {step.remedy}"] if step.remedy else []
    counts = ", ".join(
        f"{count} {one.value}"
        for one in Result
        if (count := sum(step.result is one for step in steps))
    )
    return [*parts, "", Text(f"{plural(len(steps), 'step')}: {counts}.", "bold")]


def steps_json(steps: Sequence[Step]) -> dict[str, Json]:
    """Return steps for machines."""
    return {
        "summary": {one.value: sum(step.result is one for step in steps) for one in Result},
        "steps": [
            {
                "act": step.act.value,
                "subject": step.subject,
                "repository": step.repository,
                "result": step.result.value,
                "seconds": round(step.seconds, 2),
                "copy": copy_json(step.copy) if step.copy else None,
                "files_read": step.verified.files_read if step.verified else None,
                "bytes_read": step.verified.bytes_read if step.verified else None,
                "freed_bytes": step.freed_bytes,
                "deleted": step.deleted,
                "fault": step.fault.value if step.fault else None,
                "reason": step.reason,
                "remedy": step.remedy,
                "broken": list(step.broken),
                "note": step.note,
            }
            for step in steps
        ],
    }


def prunable_table(wanted: Mapping[tuple[str, str], Sequence[Copy]]) -> Table:
    """Return what would be deleted."""
    rows = [
        (
            subject,
            name,
            str(len(copies)),
            f"{min(copy.taken_at for copy in copies):%Y-%m-%d %H:%M}",
            f"{max(copy.taken_at for copy in copies):%Y-%m-%d %H:%M}",
        )
        for (subject, name), copies in wanted.items()
    ]
    return table(("Subject", "Repository", "Copies", "Oldest (UTC)", "Newest (UTC)"), rows)


def prepared_parts(done: Prepared) -> list[RenderableType]:
    """Return what was prepared."""
    parts: list[RenderableType] = [
        table(
            ("Host", "Outcome", "Reason"),
            [(one.host, one.outcome.value, one.reason) for one in done.playbook.hosts],
        ),
        "",
    ]
    for name, made in done.made.items():
        parts.append(f"{name}: {', '.join(made) if made else 'every subject has its folder'}")
    for name, error in done.failed.items():
        parts.append(Text(f"{name}: {error.message}", "bold red"))
    if done.new_keys:
        parts += [
            "",
            Text(
                f"Made {plural(len(done.new_keys), 'encryption key')}: {', '.join(done.new_keys)}.",
                "bold",
            ),
            "Without them no copy can be read. Keep the vault's password, and these keys, in a "
            "safe outside of the site.",
        ]
    if done.playbook.reason:
        parts.append(Text(done.playbook.reason, "yellow"))
    return [*parts, Text(f"{done.playbook.playbook}: {done.playbook.ending.value}.", "bold")]


def prepared_json(done: Prepared) -> dict[str, Json]:
    """Return the same for machines."""
    return {
        "ending": done.playbook.ending.value,
        "hosts": {one.host: one.outcome.value for one in done.playbook.hosts},
        "made": {name: list(made) for name, made in done.made.items()},
        "failed": {name: error.message for name, error in done.failed.items()},
        "new_keys": list(done.new_keys),
    }
