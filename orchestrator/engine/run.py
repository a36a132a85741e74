"""What one run of a stack works with, and the account of which resources it did not finish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.engine.hands import Hands
from orchestrator.engine.records import Record
from orchestrator.engine.secrets import StackSecrets
from orchestrator.engine.snapshot import Snapshot
from orchestrator.engine.tally import Tally
from orchestrator.model.stack import ResourceDrift, StackName
from orchestrator.ports.provider import Provider


@dataclass(kw_only=True, slots=True)
class Run:
    """One run of one stack: a foreseeing or an acting one, which only `hands` knows."""

    stack: StackName
    provider: Provider
    snapshot: Snapshot
    secrets: StackSecrets
    hands: Hands
    tally: Tally
    timestamp: Callable[[], str]
    """The time now, as Pulumi writes it."""
    drifts: Mapping[str, ResourceDrift] = field(default_factory=dict)
    """By URN: how the cloud differs from the records."""
    blocked: Mapping[str, str] = field(default_factory=dict)
    """By URN: why a resource must not be deleted for its replacement."""
    declared: set[str] = field(default_factory=set)
    """The URNs that the program has registered so far."""
    unfinished: dict[str, str] = field(default_factory=dict)
    """By URN: why a resource that needs this one is skipped; empty where the run was stopped."""
    replaced: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    """By URN of what was deleted first: the dependents that were deleted before it."""
    doomed: set[tuple[str, str]] = field(default_factory=set)
    """URN and id of what this run has replaced and deletes at its end."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def is_gone(self, urn: str) -> bool:
        """Say whether the cloud no longer has what the record says."""
        drift = self.drifts.get(urn)
        return drift is not None and drift.gone
