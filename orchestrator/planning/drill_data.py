"""Compare restored data with what was counted when it was copied."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.backup import Facts, FileFacts, TableFacts
from orchestrator.model.continuous import is_continuous
from orchestrator.model.drill import Assertion, Evidence, StepFault
from orchestrator.model.verdict import Verdict
from orchestrator.planning.drill_assertions import MOST_NAMES, failed, same, unseen


def compared(
    wanted: Facts, seen: Facts | StepFault | None, evidence: Evidence
) -> Iterator[Assertion]:
    """Compare what was recorded with what was found, or with why nothing was."""
    if isinstance(seen, StepFault):
        yield failed("data", "counted as the manifest was", seen)
        return
    if seen is None:
        yield unseen("data", f"{len(wanted.tables) or len(wanted.files)} tables or files")
        return
    if not wanted.tables and not wanted.files:
        yield unseen("data", "tables or files to compare", "the copy's manifest counts nothing")
    if is_continuous(evidence.subject):
        yield _still_there(wanted, seen)
        yield from _service(wanted, seen)
        yield _not_older(wanted, seen)
        return
    yield from _tables(wanted, seen)
    if wanted.files:
        yield _files(wanted, seen)
    if evidence.subject.of_database:
        yield from _service(wanted, seen)
        yield _sentinel(wanted, seen)
        for name, value in sorted(wanted.properties.items()):
            yield same(name, value, seen.properties.get(name, "missing"))


def _service(wanted: Facts, seen: Facts) -> Iterator[Assertion]:
    for name, version in sorted(wanted.extensions.items()):
        yield same(f"extension {name}", version, seen.extensions.get(name, "missing"))
    # Minor releases share their data and their dumps: only another major one is another thing.
    alike = _major(wanted.server_version) == _major(seen.server_version) != ""
    yield Assertion(
        what="server version",
        wanted=wanted.server_version or "the one that was recorded",
        found=seen.server_version or "not told",
        verdict=Verdict.PASS if alike else Verdict.FAIL,
    )
    missing = sorted(set(wanted.roles) - set(seen.roles))
    yield Assertion(
        what="roles",
        wanted=", ".join(wanted.roles),
        found=f"missing: {', '.join(missing)}" if missing else "all there",
        verdict=Verdict.FAIL if missing else Verdict.PASS,
        broken=tuple(f"role {name}" for name in missing),
    )


def _still_there(wanted: Facts, seen: Facts) -> Assertion:
    """Expect the tables of the dump, with every row read: an archive goes on after it."""
    missing = sorted(set(wanted.tables) - set(seen.tables))
    rows = sum(table.rows for table in seen.tables.values())
    return Assertion(
        what="tables",
        wanted=f"those of the dump before it ({len(wanted.tables)}), each row readable",
        found=f"tables: {len(seen.tables)}, rows: {rows:,}"
        + (f"; missing: {', '.join(missing)}" if missing else ""),
        verdict=Verdict.FAIL if missing else Verdict.PASS,
        broken=tuple(missing),
    )


def _not_older(wanted: Facts, seen: Facts) -> Assertion:
    """Expect the row that was written before that dump, or a later one."""
    if wanted.sentinel is None:
        return unseen("sentinel", "a row written just before the dump")
    newest, recorded = seen.sentinel, wanted.sentinel
    return Assertion(
        what="sentinel",
        wanted=f"row {recorded.id} of {recorded.written_at.isoformat()}, or a later one",
        found=f"row {newest.id} of {newest.written_at.isoformat()}" if newest else "none",
        verdict=Verdict.PASS if newest and newest.id >= wanted.sentinel.id else Verdict.FAIL,
        broken=() if newest and newest.id >= wanted.sentinel.id else ("orchestrator.sentinel",),
    )


def _tables(wanted: Facts, seen: Facts) -> Iterator[Assertion]:
    for name in sorted({*wanted.tables, *seen.tables}):
        recorded, restored = wanted.tables.get(name), seen.tables.get(name)
        alike = recorded == restored
        yield Assertion(
            what=f"table {name}",
            wanted=_table(recorded) if recorded else "no such table",
            found=_table(restored) if restored else "no such table",
            verdict=Verdict.PASS if alike else Verdict.FAIL,
            broken=() if alike else (name,),
        )


def _table(facts: TableFacts) -> str:
    return f"{facts.rows:,} rows, checksum {facts.checksum}"


def _files(wanted: Facts, seen: Facts) -> Assertion:
    """Compare files; of one that changed while it was copied only the presence counts."""
    differing = [
        name
        for name, recorded in sorted(wanted.files.items())
        if not _same_file(recorded, seen.files.get(name))
    ]
    shown = (*differing[:MOST_NAMES],)
    changing = sum(not recorded.sha256 for recorded in wanted.files.values())
    found = f"{len(differing):,} missing or different" if differing else "all there, all the same"
    if changing and not differing:
        found = f"all there; {changing:,} changed while they were copied and were not compared"
    verdict = Verdict.FAIL if differing else Verdict.PASS
    if verdict is Verdict.PASS and changing == len(wanted.files):
        verdict = Verdict.UNKNOWN  # not one was compared
    return Assertion(
        what="files",
        wanted=f"{len(wanted.files):,} files by their SHA-256",
        found=found,
        verdict=verdict,
        broken=shown,
    )


def _same_file(recorded: FileFacts, restored: FileFacts | None) -> bool:
    if restored is None:
        return False
    return not recorded.sha256 or recorded == restored


def _sentinel(wanted: Facts, seen: Facts) -> Assertion:
    if wanted.sentinel is None:
        return unseen("sentinel", "a row written just before the backup")
    recorded = f"row {wanted.sentinel.id} of {wanted.sentinel.written_at.isoformat()}"
    newest = seen.sentinel
    found = f"row {newest.id} of {newest.written_at.isoformat()}" if newest else "none"
    return same("sentinel", recorded, found)


def _major(version: str) -> str:
    """Return what minor releases share: PostgreSQL's first number, MariaDB's first two."""
    numbers = version.split(" ")[0].split("-")[0].split(".")
    return ".".join(numbers[: 2 if "MariaDB" in version else 1])
