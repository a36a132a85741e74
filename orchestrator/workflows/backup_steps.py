"""Acts on subjects and repositories: what they need, how they ended, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.errors import BackupError, OrchestratorError
from orchestrator.model.backup import BackupFault, Copy, Verified
from orchestrator.model.units import Json
from orchestrator.ports import AuditLog, Clock, SecretStore, SiteLock
from orchestrator.ports.backup import BackupEngine, Store
from orchestrator.workflows.backup_settings import SettingsPorts


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupPorts:
    """Everything that backups need from outside; `cli.wiring` fills it."""

    engine: BackupEngine
    secrets: SecretStore
    clock: Clock
    lock: SiteLock
    audit: AuditLog
    work_lock: SiteLock
    """Of backups alone: they go on while somebody else changes the site."""
    settings: SettingsPorts | None = None
    """None: no device or BMC is read."""


class Act(StrEnum):
    """What is done with a subject and a repository."""

    BACK_UP = "back up"
    VERIFY = "verify"
    DELETE = "try to delete"
    PRUNE = "prune"
    MAKE_ARCHIVE = "make archive"
    ARCHIVE = "archive"
    """The log, up to a row that was written just before."""
    COPY_CLUSTER = "copy cluster"
    """For the log to begin from."""
    VERIFY_ARCHIVE = "verify archive"
    EXPIRE = "expire archive"


class Result(StrEnum):
    """How it ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One act on one subject in one repository, and how it ended."""

    act: Act
    subject: str
    repository: str
    result: Result = Result.DONE
    seconds: float = 0.0
    copy: Copy | None = None
    verified: Verified | None = None
    freed_bytes: int = 0
    deleted: int = 0
    fault: BackupFault | None = None
    reason: str = ""
    remedy: str = ""
    broken: tuple[str, ...] = ()
    note: str = ""
    """Of archives: which segment, which copy."""


Told = Callable[[Step], None]
"""Hears of each step as it ends; called from any thread."""


def counted(steps: Sequence[Step]) -> dict[str, Json]:
    """Return how steps ended, as the audit log keeps it."""
    return {
        "steps": [
            {
                "act": one.act.value,
                "subject": one.subject,
                "repository": one.repository,
                "result": one.result.value,
                **({"reason": one.reason} if one.reason else {}),
            }
            for one in steps
        ]
    }


def unended(wanted: Mapping[str, Sequence[str]], steps: Sequence[Step]) -> dict[str, Json]:
    """Return what an interrupted run did not see the end of, as the audit log keeps it."""
    ended_ones = {(step.subject, step.repository) for step in steps}
    left: list[Json] = [
        f"{subject} in {name}"
        for subject, names in wanted.items()
        for name in names
        if (subject, name) not in ended_ones
    ]
    return {"not ended": left} if left else {}


def proved(empty: Step, found: Verified, *, otherwise: str) -> Step:
    """Return a step of reading with what was found; `otherwise`: what is wrong, unless it says."""
    return replace(
        empty,
        verified=found,
        result=Result.DONE if found.sound else Result.FAILED,
        fault=None if found.sound else BackupFault.BROKEN,
        reason="" if found.sound else found.complaint or otherwise,
        broken=found.broken,
    )


def ended(empty: Step, act: Callable[[Store], Step], ports: BackupPorts, *, told: Told) -> Step:
    """Do one act and say how it ended; what fails stops nothing else."""
    begun = ports.clock.now()
    try:
        store = ports.engine.stores.get(empty.repository)
        if store is None:
            raise BackupError(
                f"repository {empty.repository} has no server", fault=BackupFault.ABSENT
            )
        step = act(store)
    except OrchestratorError as error:
        fault = error.fault if isinstance(error, BackupError) else BackupFault.FAILED
        broken = error.broken if isinstance(error, BackupError) else ()
        step = replace(
            empty,
            result=Result.FAILED,
            fault=fault,
            broken=broken,
            reason=error.message,
            remedy=error.remedy,
        )
    step = replace(step, seconds=(ports.clock.now() - begun).total_seconds())
    told(step)
    return step
