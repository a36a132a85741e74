"""A finding about the spec: what, why, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.units import NOWHERE, Source


class Severity(StrEnum):
    """How bad a finding is: errors stop the run, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """One finding. The summary is fixed text for the code; names go in the detail."""

    code: str
    severity: Severity = Severity.ERROR
    summary: str
    detail: str
    """Why, with the names and the numbers."""
    remedy: str
    """What to do."""
    source: Source = NOWHERE
