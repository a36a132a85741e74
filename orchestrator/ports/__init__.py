"""What the core needs from outside, in our words. Each port is small and keyword-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.model.plan import Plan
from orchestrator.model.progress import ProgressEvent
from orchestrator.model.stack import (
    ResourceDrift,
    StackJob,
    StackName,
    StackPreview,
    StackResult,
    StackState,
)
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.ports.provider import Provider


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Watch(Protocol):
    """Whoever watches long work."""

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one event; called from any thread."""


class Stacks(Protocol):
    """Pulumi stacks, whichever engine runs them."""

    def names(self) -> tuple[StackName, ...]:
        """Return the stacks that have a recorded state."""

    def state(self, stack: StackName) -> StackState | None:
        """Return the recorded state, or None where the stack was never run.

        A killed run's journal is folded in; nothing is written.
        """

    def preview(self, job: StackJob, *, drifts: Sequence[ResourceDrift] = ()) -> StackPreview:
        """Return what an update would do, taking the drifts as the cloud's real condition."""

    def update(
        self, job: StackJob, *, watch: Watch, drifts: Sequence[ResourceDrift] = ()
    ) -> StackResult:
        """Make the stack what the job says. A failed resource stops only what needs it."""

    def destroy(self, stack: StackName, *, watch: Watch) -> StackResult:
        """Delete every resource of the stack, and its state when all are gone."""


class StackArchive(Protocol):
    """The stacks' state files, in Pulumi's own format."""

    def export(self, stack: StackName) -> Mapping[str, Json]:
        """Return the deployment as `pulumi stack export` would; secrets stay encrypted."""

    def load(self, stack: StackName, deployment: Mapping[str, Json]) -> None:
        """Replace the state by a deployment, after checking its integrity."""


class SecretStore(Protocol):
    """The site's secrets."""

    def get(self, ref: SecretRef) -> Secret:
        """Open one secret. Raises SecretError where it is missing."""

    def names(self) -> frozenset[str]:
        """Return the references that have a value."""

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        """Store secrets, replacing those of the same name, in one atomic write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockHolder:
    """Who holds a site, where, since when and what for."""

    who: str
    host: str
    pid: int
    since: str
    why: str


class SiteLock(Protocol):
    """One writer per site, or many readers."""

    def hold(self, *, why: str, shared: bool = False) -> AbstractContextManager[None]:
        """Hold the lock. Raises SiteLockedError naming who holds it, where and since when."""

    def holder(self) -> LockHolder | None:
        """Return who is working on the site now, or None."""


class AuditLog(Protocol):
    """A hash-chained record of every act."""

    def append(self, *, act: str, facts: Mapping[str, Json]) -> None:
        """Add one entry: who and when are added here."""

    def last(self) -> Mapping[str, Json] | None:
        """Return the newest entry, or None where there is none."""


class Approve(Protocol):
    """How approval is asked for."""

    def __call__(self, plan: Plan) -> bool:
        """Return whether the plan may be applied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Everything that a workflow needs from outside; `cli.wiring` fills it."""

    clock: Clock
    stacks: Stacks
    archive: StackArchive
    provider: Provider
    lock: SiteLock
    audit: AuditLog
    watch: Watch
