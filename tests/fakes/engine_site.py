"""A folder with an embedded engine in it, and short words for what its test programs declare."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.engine.embedded import EmbeddedStacks
from orchestrator.model.progress import ProgressEvent
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    ResourceDrift,
    StackJob,
    StackName,
    StackPreview,
    StackResult,
)
from orchestrator.model.units import Json, Secret
from orchestrator.ports.provider import Provider
from tests.fakes.memory_provider import THING

PROGRAMS = Path(__file__).resolve().parents[1] / "contract" / "programs"
PASSPHRASE = "canary-91ce-passphrase"
STACK = StackName(layer=Layer.TENANCY, name="gongxin")


class StandingClock:
    """A clock that shows one time."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the engine waits for nothing by the clock")


def thing(name: str, *, kind: str = THING, **entry: Json) -> dict[str, Json]:
    """An entry of the test program's slice."""
    known = {"refs", "secret", "depends_on", "parent", "options"}
    inputs = {key: value for key, value in entry.items() if key not in known}
    options = {key: value for key, value in entry.items() if key in known}
    return {"kind": kind, "name": name, "inputs": inputs, **options}


def job(
    *entries: dict[str, Json],
    removals: frozenset[str] = frozenset(),
    stack: StackName = STACK,
    **rest: Json,
) -> StackJob:
    sliced = json.dumps({"resources": list(entries), **rest}, sort_keys=True)
    digest = hashlib.sha256(sliced.encode()).hexdigest()
    return StackJob(stack=stack, slice_json=sliced, digest=digest, removals=removals)


class EngineSite:
    """An engine on a state folder of its own."""

    def __init__(
        self, folder: Path, provider: Provider, *, programs: Path = PROGRAMS, parallel: int = 8
    ) -> None:
        self.root = folder / "state"
        self.events: list[ProgressEvent] = []
        self.asked_for_passphrase = 0
        self.stacks = EmbeddedStacks(
            self.root,
            programs,
            provider,
            passphrase=self._passphrase,
            clock=StandingClock(),
            parallel=parallel,
        )

    def update(self, job: StackJob, *, drifts: tuple[ResourceDrift, ...] = ()) -> StackResult:
        return self.stacks.update(job, watch=self.watch, drifts=drifts)

    def preview(self, job: StackJob, *, drifts: tuple[ResourceDrift, ...] = ()) -> StackPreview:
        return self.stacks.preview(job, drifts=drifts)

    def watch(self, event: ProgressEvent) -> None:
        self.events.append(event)

    def urn(self, name: str) -> str:
        state = self.stacks.state(STACK)
        return next(r.urn for r in state.resources if r.name == name)

    def drift(self, name: str, **observed: Json) -> ResourceDrift:
        """How the cloud differs from the record of one resource; nothing observed: it is gone."""
        return ResourceDrift(
            kind=THING, name=name, urn=self.urn(name), gone=not observed, observed=observed
        )

    def _passphrase(self) -> Secret:
        self.asked_for_passphrase += 1
        return Secret(PASSPHRASE)


def marks(account: StackPreview | StackResult) -> list[str]:
    """What changes, in a form that is quick to compare: `+ web`."""
    return sorted(f"{change.action.value} {change.name}" for change in account.changes)


def failures(account: StackPreview | StackResult) -> dict[str, str]:
    return {failure.name: failure.reason for failure in account.failures}


def drifted(account: StackPreview | StackResult) -> set[str]:
    return {change.name for change in account.changes if change.drifted}


def attributes(account: StackPreview | StackResult, name: str) -> dict[str, tuple[Json, Json]]:
    change = next(c for c in account.changes if c.name == name)
    return {a.path: ("secret", "secret") if a.secret else (a.old, a.new) for a in change.attributes}
