"""The collector that keeps every fault of a file, so that all of them come out together."""

from __future__ import annotations

from typing import Protocol

from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.units import Source
from orchestrator.spec.kinds import FaultKind


class Place(Protocol):
    """Anything with a line and a column."""

    @property
    def line(self) -> int:
        """Return the line, from 1."""

    @property
    def column(self) -> int:
        """Return the column, from 1."""


class Faults:
    """The faults of one file, in the order in which they were met; one per code and place."""

    def __init__(self, file: str) -> None:
        """Start with none."""
        self.file = file
        self._found: dict[tuple[str, int, int], Diagnostic] = {}

    def add(
        self, kind: FaultKind, place: Place | None, detail: str, *, remedy: str | None = None
    ) -> None:
        """Note a fault; the first detail for a place wins, so a range does not repeat itself."""
        line, column = (place.line, place.column) if place else (1, 1)
        diagnostic = Diagnostic(
            code=kind.code,
            summary=kind.summary,
            detail=detail,
            remedy=kind.remedy if remedy is None else remedy,
            source=Source(file=self.file, line=line, column=column),
        )
        self._found.setdefault((kind.code, line, column), diagnostic)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return them as findings."""
        return tuple(self._found.values())
