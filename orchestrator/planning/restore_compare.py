"""Whether what came back is what was: thing by thing, and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.backup import Facts
from orchestrator.model.verdict import Verdict
from orchestrator.planning.backup_cloud import shortened


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One thing that was recorded with a copy, and what is there now."""

    what: str
    wanted: str
    found: str
    verdict: Verdict


def compare(wanted: Facts, found: Facts) -> tuple[Comparison, ...]:
    """Compare what was restored with what was recorded, thing by thing."""
    return (
        *_tables(wanted, found),
        *_files(wanted, found),
        *_extensions(wanted, found),
        *_roles(wanted, found),
        *_sentinel(wanted, found),
        *_properties(wanted, found),
    )


def _tables(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    for name, table in wanted.tables.items():
        now = found.tables.get(name)
        same = now == table
        yield Comparison(
            what=f"table {name}",
            wanted=f"{table.rows} rows, {table.checksum}",
            found="missing" if now is None else f"{now.rows} rows, {now.checksum}",
            verdict=Verdict.PASS if same else Verdict.FAIL,
        )


def _files(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    for name, file in wanted.files.items():
        now = found.files.get(name)
        if now is not None and not file.sha256:
            # It changed while it was copied: there is nothing to compare it with.
            verdict = Verdict.UNKNOWN
        else:
            verdict = Verdict.PASS if now == file else Verdict.FAIL
        yield Comparison(
            what=name,
            wanted=f"{file.size_bytes} bytes, {file.sha256[:12] or 'changing'}",
            found="missing" if now is None else f"{now.size_bytes} bytes, {now.sha256[:12]}",
            verdict=verdict,
        )


def _properties(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    for name, value in wanted.properties.items():
        now = found.properties.get(name)
        yield Comparison(
            what=name,
            wanted=shortened(value),
            found="missing" if now is None else shortened(now),
            verdict=Verdict.PASS if now == value else Verdict.FAIL,
        )


def _extensions(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    for name, version in wanted.extensions.items():
        now = found.extensions.get(name)
        yield Comparison(
            what=f"extension {name}",
            wanted=version,
            found=now or "missing",
            verdict=Verdict.FAIL if now is None else Verdict.PASS,
        )


def _roles(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    for name in wanted.roles:
        there = name in found.roles
        yield Comparison(
            what=f"role {name}",
            wanted="there",
            found="there" if there else "missing",
            verdict=Verdict.PASS if there else Verdict.FAIL,
        )


def _sentinel(wanted: Facts, found: Facts) -> Iterator[Comparison]:
    if wanted.sentinel is None:
        return
    now = found.sentinel
    yield Comparison(
        what="sentinel row",
        wanted=f"{wanted.sentinel.id} of {wanted.sentinel.written_at:%Y-%m-%d %H:%M:%S}",
        found="missing" if now is None else f"{now.id} of {now.written_at:%Y-%m-%d %H:%M:%S}",
        verdict=Verdict.PASS if now == wanted.sentinel else Verdict.FAIL,
    )


class Outcome(StrEnum):
    """What is proved of what came back."""

    WHOLE = "whole"
    """Everything that was recorded is there again."""
    UNPROVED = "unproved"
    """Nothing is missing, and of some of it nobody knows whether it is what it was."""
    DIFFERENT = "different"
    """Something is missing, or not what was recorded."""


def outcome_of(comparisons: Sequence[Comparison]) -> Outcome:
    """Return what comparisons prove together; none at all proves nothing."""
    verdicts = {one.verdict for one in comparisons}
    if Verdict.FAIL in verdicts:
        return Outcome.DIFFERENT
    return Outcome.WHOLE if verdicts == {Verdict.PASS} else Outcome.UNPROVED
