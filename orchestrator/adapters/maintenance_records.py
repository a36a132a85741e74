"""Maintenance on disk: a plan as a file with its digest, and the journal of each that was begun."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.adapters.sealed_file import read_sealed, write_sealed
from orchestrator.engine.durable import read_or_none
from orchestrator.errors import OrchestratorError, StateError
from orchestrator.model.firmware import FirmwareChange
from orchestrator.model.maintenance import (
    Act,
    Batch,
    Blocked,
    HandOver,
    MaintenancePlan,
    Move,
    Need,
    Operation,
    PackageChange,
)
from orchestrator.model.units import Json

PLAN, JOURNAL = "plan.json", "journal.jsonl"


def write_maintenance_plan(path: Path, plan: MaintenancePlan) -> None:
    """Save a plan, so that it can be carried out exactly as it was shown."""
    write_sealed(path, "maintenance", json.dumps(asdict(plan), ensure_ascii=False))


def read_maintenance_plan(path: Path) -> MaintenancePlan:
    """Read a saved plan.

    Raises:
        OrchestratorError: not a plan of this format, or changed since it was saved.
    """
    try:
        return _plan(read_sealed(path, "maintenance"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OrchestratorError(
            f"{path} is not a maintenance plan of this version, or it was changed since",
            remedy="Make it again: orchestrator maintenance plan ... --out FILE",
        ) from error


class MaintenanceFolder:
    """The MaintenanceRecords port on a folder: one folder for each plan, with its journal."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when the first plan is begun."""
        self._folder = folder

    def begin(self, plan: MaintenancePlan) -> None:
        """Keep a plan before anything is done; one that is kept already stays as it is."""
        file = self._folder / plan.id / PLAN
        if not file.exists():
            write_maintenance_plan(file, plan)

    def note(self, plan_id: str, entry: Mapping[str, Json]) -> None:
        """Add one line to a plan's journal, and wait until it is on the disk."""
        path = self._folder / plan_id / JOURNAL
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "ab") as file:
                # What a killed run left of its last line must not swallow this one.
                torn = file.tell() and os.pread(handle, 1, file.tell() - 1) != b"\n"
                file.write(b"\n" + line if torn else line)
                file.flush()
                os.fsync(handle)
        except OSError as error:
            raise StateError(
                f"cannot write the journal {path}: {error.strerror or error}",
                remedy="Free some space, then `orchestrator maintenance resume`: it goes on.",
            ) from error

    def entries(self, plan_id: str) -> tuple[Mapping[str, Json], ...]:
        """Return a plan's journal; a line that was cut off was never acted upon."""
        content = read_or_none(self._folder / plan_id / JOURNAL) or b""
        return tuple(entry for line in content.split(b"\n") if (entry := _entry(line)) is not None)

    def plans(self) -> tuple[MaintenancePlan, ...]:
        """Return the plans that were begun, the newest last."""
        found = [read_maintenance_plan(file) for file in self._folder.glob(f"*/{PLAN}")]
        return tuple(sorted(found, key=lambda plan: (plan.made, plan.id)))


def _entry(line: bytes) -> Mapping[str, Json] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


# The counterpart of asdict, written out: what is read here decides what is done to hosts. What
# plans did not have from the beginning has a default: one that was begun before an upgrade of this
# program is shown and gone on with.


def _plan(facts: dict[str, Any]) -> MaintenancePlan:
    return MaintenancePlan(
        needs=tuple(map(Need, facts.pop("needs"))),
        batches=tuple(_batch(one) for one in facts.pop("batches")),
        blocked=tuple(
            Blocked(host=one["host"], reasons=tuple(one["reasons"])) for one in facts.pop("blocked")
        ),
        idle=tuple(facts.pop("idle")),
        remarks=tuple(facts.pop("remarks", ())),
        **facts,
    )


def _batch(facts: dict[str, Any]) -> Batch:
    return Batch(operations=tuple(_operation(one) for one in facts.pop("operations")), **facts)


def _operation(facts: dict[str, Any]) -> Operation:
    return Operation(
        acts=tuple(map(Act, facts.pop("acts"))),
        moves=tuple(Move(**one) for one in facts.pop("moves")),
        hand_overs=tuple(HandOver(**one) for one in facts.pop("hand_overs")),
        packages=tuple(PackageChange(**one) for one in facts.pop("packages")),
        firmware=tuple(FirmwareChange(**one) for one in facts.pop("firmware", ())),
        services=tuple(facts.pop("services")),
        failed_before=tuple(facts.pop("failed_before")),
        notes=tuple(facts.pop("notes")),
        **facts,
    )
