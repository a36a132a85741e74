"""Stacks without a Pulumi program: every named thing of a job's slice is one resource.

What the plan, drift and removal rules say about resources holds for these as for real ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.errors import StateError
from orchestrator.model.progress import ResourceFinished
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    ResourceDrift,
    ResourceFailure,
    ResourceState,
    StackJob,
    StackName,
    StackPreview,
    StackResult,
    StackState,
    thing_of,
)
from orchestrator.model.units import Json
from orchestrator.ports import Watch
from orchestrator.ports.provider import Kind

_WORDS = {
    "pdus": "pdu",
    "ups": "ups",
    "sensors": "sensor",
    "servers": "server",
    "images": "image",
    "flavors": "flavor",
    "aggregates": "aggregate",
    "address_scopes": "address-scope",
    "subnet_pools": "subnet-pool",
    "provider_networks": "provider-network",
    "volume_types": "volume-type",
    "projects": "project",
}
KINDS = {
    f"govcloud:fake:{word}": Kind(token=f"govcloud:fake:{word}", holds=word != "aggregate")
    for word in (*_WORDS.values(), "tenant")
}

Things = dict[str, "Thing"]


@dataclass(frozen=True)
class Thing:
    """A declared or recorded resource."""

    kind: str
    inputs: dict[str, Json]


@dataclass
class Record:
    """A stack's recorded state."""

    things: Things = field(default_factory=dict)
    digest: str | None = None
    serial: int = 0
    interrupted: tuple[str, ...] = ()


class FakeStacks:
    """Stacks and their archive over the in-memory cloud."""

    def __init__(self, cloud: dict[str, Thing]) -> None:
        self._cloud = cloud
        self.records: dict[StackName, Record] = {}
        self.broken: dict[str, str] = {}
        """Resources that the cloud refuses, with its reason."""
        self.stops_after: int | None = None
        """Resources after which the run is asked to stop, as Ctrl-C would."""
        self._stopped = False

    def names(self) -> tuple[StackName, ...]:
        return tuple(sorted(self.records))

    def state(self, stack: StackName) -> StackState | None:
        record = self.records.get(stack)
        if record is None:
            return None
        return StackState(
            stack=stack,
            resources=tuple(
                ResourceState(
                    kind=thing.kind,
                    name=name,
                    urn=_urn(stack, name),
                    id=name,
                    inputs=thing.inputs,
                )
                for name, thing in record.things.items()
            ),
            digest=record.digest,
            serial=str(record.serial),
            interrupted=record.interrupted,
        )

    def preview(self, job: StackJob, *, drifts: Sequence[ResourceDrift] = ()) -> StackPreview:
        recorded = _overlaid(self._recorded(job.stack), drifts)
        drifted = {drift.name for drift in drifts}
        wanted = things_of(job.slice_json)
        changes = [
            change
            for name, thing in wanted.items()
            if (change := _change(name, thing, recorded.get(name), drifted)) is not None
        ]
        changes += [
            _removal(name, thing, job) for name, thing in recorded.items() if name not in wanted
        ]
        kept = sum(change.action is Action.KEEP_ORPHAN for change in changes)
        touched = sum(change.action in {Action.UPDATE, Action.DELETE} for change in changes)
        unchanged = len(recorded) - touched - kept
        return StackPreview(stack=job.stack, changes=tuple(changes), unchanged=unchanged)

    def update(
        self, job: StackJob, *, watch: Watch, drifts: Sequence[ResourceDrift] = ()
    ) -> StackResult:
        preview = self.preview(job, drifts=drifts)
        record = self.records.setdefault(job.stack, Record())
        wanted = things_of(job.slice_json)
        result = self._carry_out(preview, record, wanted, watch)
        whole = not result.failures and not result.interrupted
        record.digest = job.digest if whole else None
        return result

    def destroy(self, stack: StackName, *, watch: Watch) -> StackResult:
        record = self.records[stack]
        changes = tuple(
            ResourceChange(kind=thing.kind, name=name, action=Action.DELETE)
            for name, thing in record.things.items()
        )
        preview = StackPreview(stack=stack, changes=changes, unchanged=0)
        result = self._carry_out(preview, record, {}, watch)
        if not record.things:
            del self.records[stack]
        return result

    def stop(self) -> None:
        self._stopped = True

    def resume(self) -> None:
        """Forget that a stop was asked for, as a new process does."""
        self._stopped = False

    def export(self, stack: StackName) -> Mapping[str, Json]:
        things: list[Json] = [
            {"name": name, "kind": thing.kind, "inputs": thing.inputs}
            for name, thing in self.records[stack].things.items()
        ]
        return {"version": 3, "deployment": {"resources": things}}

    def load(self, stack: StackName, deployment: Mapping[str, Json]) -> None:
        if deployment.get("version") != 3:
            raise StateError("only version 3 of Pulumi's deployment format is understood")
        resources = deployment["deployment"]["resources"]  # type: ignore[index,call-overload] # own format
        things = {entry["name"]: Thing(entry["kind"], entry["inputs"]) for entry in resources}
        self.records[stack] = Record(things=things, serial=1)

    def _recorded(self, stack: StackName) -> Things:
        record = self.records.get(stack)
        return record.things if record else {}

    def _carry_out(
        self, preview: StackPreview, record: Record, wanted: Things, watch: Watch
    ) -> StackResult:
        done: list[ResourceChange] = []
        failures: list[ResourceFailure] = []
        for change in preview.changes:
            if change.action is Action.KEEP_ORPHAN:
                continue
            if self._stopped or len(done) == self.stops_after:
                self._stopped = True
                break
            error = self.broken.get(change.name)
            if error:
                failures.append(ResourceFailure(kind=change.kind, name=change.name, reason=error))
            else:
                self._act(change, record, wanted)
                done.append(change)
            watch(
                ResourceFinished(
                    stack=preview.stack,
                    kind=change.kind,
                    name=change.name,
                    action=change.action,
                    error=error,
                )
            )
        record.serial += 1
        return StackResult(
            stack=preview.stack,
            changes=tuple(done),
            unchanged=preview.unchanged,
            failures=tuple(failures),
            interrupted=self._stopped,
        )

    def _act(self, change: ResourceChange, record: Record, wanted: Things) -> None:
        if change.action is Action.DELETE:
            record.things.pop(change.name)
            self._cloud.pop(change.name, None)
        else:
            record.things[change.name] = self._cloud[change.name] = wanted[change.name]


def things_of(slice_json: str) -> Things:
    """Return every named thing of a slice as a resource; a tenant owns its projects' names."""
    data = json.loads(slice_json)
    found: Things = {}
    owner = ""
    if "projects" in data:
        owner = f"{data['name']}/"
        scalars = {key: value for key, value in data.items() if key != "projects"}
        found[f"tenant/{data['name']}"] = Thing("govcloud:fake:tenant", scalars)
    for key, word in _WORDS.items():
        for item in data.get(key, ()):
            found[f"{word}/{owner}{item['name']}"] = Thing(f"govcloud:fake:{word}", item)
    return found


def _overlaid(recorded: Things, drifts: Sequence[ResourceDrift]) -> Things:
    """Return what is recorded, corrected by what the cloud really has."""
    found = dict(recorded)
    for drift in drifts:
        if drift.gone:
            found.pop(drift.name, None)
        else:
            thing = found[drift.name]
            found[drift.name] = replace(thing, inputs={**thing.inputs, **drift.observed})
    return found


def _change(
    name: str, thing: Thing, recorded: Thing | None, drifted: Collection[str]
) -> ResourceChange | None:
    old = recorded.inputs if recorded else {}
    if recorded is not None and old == thing.inputs:
        return None
    return ResourceChange(
        kind=thing.kind,
        name=name,
        action=Action.UPDATE if recorded else Action.CREATE,
        drifted=name in drifted,
        attributes=tuple(
            AttributeChange(path=key, old=old.get(key), new=value)
            for key, value in sorted(thing.inputs.items())
            if old.get(key) != value
        ),
    )


def _removal(name: str, thing: Thing, job: StackJob) -> ResourceChange:
    may_go = not KINDS[thing.kind].holds or thing_of(name) in job.removals
    return ResourceChange(
        kind=thing.kind, name=name, action=Action.DELETE if may_go else Action.KEEP_ORPHAN
    )


def _urn(stack: StackName, name: str) -> str:
    return f"urn:pulumi:{stack.name}::{stack.project}::fake::{name}"
