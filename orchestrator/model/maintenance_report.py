"""How maintenance ended: each operation, and the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.maintenance import Act


class OperationOutcome(StrEnum):
    """How an operation ended."""

    DONE = "done"
    SKIPPED = "skipped"
    """Its host was at its target before its turn came: nothing was done."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It began, and nobody saw its end."""
    NOT_STARTED = "not started"

    @property
    def is_well(self) -> bool:
        """Say whether nothing is left to do, and nothing went wrong."""
        return self in {OperationOutcome.DONE, OperationOutcome.SKIPPED}


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationResult:
    """How one operation ended, and in which state it leaves its host."""

    number: int
    host: str
    outcome: OperationOutcome
    state: str = ""
    act: Act | None = None
    """The one that failed."""
    done: tuple[Act, ...] = ()
    remedy: str = ""
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceReport:
    """How a run ended, in the order of its plan."""

    plan: str
    """The plan's id."""
    results: tuple[OperationResult, ...]
    stopped: str = ""
    """Why nothing more was begun."""
    interrupted: bool = False

    def count(self, outcome: OperationOutcome) -> int:
        """Return how many operations ended so."""
        return sum(one.outcome is outcome for one in self.results)
