"""The acceptance test of a server: what its host sees, what it stood, and the report of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.inventory import Comparison
from orchestrator.model.verdict import Verdict

FORMAT = "orchestrator-acceptance/1"


class Load(StrEnum):
    """What is put under load, in this order."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What a host sees of its server; None where it could not say."""

    container: str
    """The kind of container that it runs in; empty on a machine of its own."""
    cpus: int | None
    memory_mib: int | None
    disks_gib: float | None
    kernel_errors: int | None
    """Messages of level error and worse in the kernel's log."""
    memory_errors: int | None
    """Corrected and uncorrected errors that the memory controllers count."""
    loader: bool
    """stress-ng is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Burn:
    """One load, and how the host stood it."""

    load: Load
    seconds: int
    command: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """The report on one server. Times are UTC, ISO 8601."""

    site: str
    server: str
    serial: str
    profile: str
    begun: str
    ended: str
    facts: tuple[Comparison, ...]
    burns: tuple[Burn, ...]
    counters: tuple[Comparison, ...]
    """Errors that were counted while the loads ran."""

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict; what is unknown keeps a server from passing."""
        judged = (*self.facts, *self.counters)
        verdicts = {one.verdict for one in judged} | {one.verdict for one in self.burns}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.PASS
