"""A plan as a value: what would be done, in which order, and against which state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.model.layer import Scope as Scope
from orchestrator.model.site import Layer
from orchestrator.model.stack import Action, ResourceDrift, StackName, StackPreview, StackResult


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanStep:
    """One stack to update (or, where `destroys`, to remove)."""

    preview: StackPreview
    job_digest: str
    state_serial: str | None
    """None: the stack does not exist yet."""
    destroys: bool = False

    @property
    def stack(self) -> StackName:
        """Return the stack."""
        return self.preview.stack


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitedRestart:
    """Settings of one server that come into force when it next restarts; nothing restarts it."""

    name: str
    """The resource."""
    paths: tuple[str, ...]
    """`bios.ProcTurboMode`"""
    written: bool
    """They wait already; else this plan writes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Decided work. `steps` holds only stacks with changes, in the order of execution."""

    site: str
    site_digest: str
    created: str
    """ISO 8601, UTC."""
    scope: Scope = field(default_factory=Scope)
    steps: tuple[PlanStep, ...]
    unchanged: int
    """Resources that stay as they are, in all stacks."""
    not_applied: Mapping[Layer, int] = field(default_factory=dict)
    """How many devices of a layer are compiled for only, as they have no login."""
    awaiting_restart: tuple[AwaitedRestart, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Say whether there is anything to do, or anything that cannot be done."""
        return any(
            step.preview.failures
            or any(change.action is not Action.KEEP_ORPHAN for change in step.preview.changes)
            for step in self.steps
        )

    def count(self, action: Action) -> int:
        """Return how many resources meet one action."""
        return sum(
            change.action is action for step in self.steps for change in step.preview.changes
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """What was found in the cloud that differs from the recorded state, per stack."""

    site: str
    observed_kinds: int
    observed_resources: int
    drifts: Mapping[StackName, tuple[ResourceDrift, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyReport:
    """How an apply ended."""

    site: str
    results: tuple[StackResult, ...]
    unchanged: int
    remaining: tuple[StackName, ...] = ()
    """Stacks that were not reached."""
    interrupted: bool = False
    """The work was told to stop before its end."""
    not_applied: Mapping[Layer, int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Say whether any resource failed, or anything was not reached."""
        return bool(self.remaining) or any(
            result.failures or result.interrupted for result in self.results
        )
