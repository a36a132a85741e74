"""What is to be done for one declared resource: decided here, carried out by the run's hands."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.engine.changes import attribute_changes, change_of
from orchestrator.engine.goal import Goal, keep_ignored
from orchestrator.engine.records import Record
from orchestrator.engine.replacement import clear_the_way, refuse_protected
from orchestrator.engine.run import Run
from orchestrator.engine.snapshot import Ended, Put
from orchestrator.engine.urn import PROVIDER_PREFIX, make_urn
from orchestrator.errors import OrchestratorError
from orchestrator.model.stack import Action
from orchestrator.model.units import Json
from orchestrator.ports.provider import Diff
from orchestrator.providers.values import as_secret, has_secret, has_unknown, plain_properties

Properties = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the program learns of a resource; its outputs carry secret marks."""

    urn: str
    id: str = ""
    outputs: Properties = field(default_factory=dict)
    failed: bool = False
    """Every output is unknown; the program goes on with what does not need it."""


class RefusedInputsError(OrchestratorError):
    """The provider refuses some inputs of a resource."""


class Steps:
    """Brings one resource at a time to its goal; called from many threads."""

    def __init__(self, run: Run) -> None:
        """Take the run; what an earlier, killed one was working on is in its snapshot."""
        self._run = run
        self._interrupted = {
            operation.record.urn: operation.act for operation in run.snapshot.operations()
        }
        self._providers: dict[str, str] = {}

    def component(self, goal: Goal) -> Answer:
        """Record a resource that only groups others."""
        old = self._run.snapshot.live(goal.urn)
        record = self._record(goal, goal.inputs, old)
        self._settle(replace(record, outputs=old.outputs if old else {}), old, goal.inputs)
        return Answer(urn=goal.urn)

    def custom(self, goal: Goal) -> Answer:
        """Create, change, replace or leave one resource.

        Raises whatever the provider raises, and RefusedInputsError.
        """
        old = self._existing(goal)
        if old is None or old.pending_replacement:
            return self._create(goal, old)
        recorded = self._recorded(old)
        inputs = self._checked(goal, keep_ignored(goal, recorded))
        diff = self._diff(goal, recorded, inputs)
        if diff.replaces:
            return self._replace(goal, old, inputs=inputs, recorded=recorded, diff=diff)
        unready = old.init_errors or self._interrupted.get(goal.urn) == "updating"
        if diff.changes or unready:
            return self._update(goal, old, inputs=inputs, recorded=recorded, diff=diff)
        return self._same(goal, old, inputs)

    # -- what there is, and what should be -------------------------------------------------

    def _existing(self, goal: Goal) -> Record | None:
        old = self._run.snapshot.live(goal.urn)
        if old is None or old.pending_replacement:
            return old
        if self._run.is_gone(goal.urn):
            return None
        if self._interrupted.get(goal.urn) == "deleting":
            # A killed run may have deleted it, or not: only the cloud knows.
            inputs = plain_properties(self._run.secrets.open(old.inputs))
            if self._run.provider.read(goal.kind, old.id, inputs) is None:
                return None
        return old

    def _recorded(self, old: Record) -> dict[str, Json]:
        """Return the recorded inputs as the cloud really has them, with secret marks."""
        recorded = self._run.secrets.open(old.inputs)
        drift = self._run.drifts.get(old.urn)
        return recorded if drift is None else {**recorded, **drift.observed}

    def _checked(self, goal: Goal, declared: Properties) -> dict[str, Json]:
        """Return the inputs in the provider's normal form, with the secret marks they had."""
        checked, faults = self._run.provider.check(goal.kind, plain_properties(declared))
        if faults:
            raise RefusedInputsError(
                "; ".join(f"{fault.attribute}: {fault.reason}" for fault in faults)
            )
        inputs = {
            key: as_secret(value) if has_secret(declared.get(key)) else value
            for key, value in checked.items()
        }
        if not self._run.hands.foresees and has_unknown(inputs):
            raise RefusedInputsError("an input is still unknown, though all it needs was done")
        return inputs

    def _diff(self, goal: Goal, recorded: Properties, inputs: Properties) -> Diff:
        old, new = plain_properties(recorded), plain_properties(inputs)
        if old == new and not has_unknown(new):
            return Diff()
        return self._run.provider.diff(goal.kind, old, new)

    # -- the four ways ----------------------------------------------------------------------

    def _create(self, goal: Goal, old: Record | None) -> Answer:
        inputs = self._checked(goal, goal.inputs)
        before = self._run.secrets.open(old.inputs) if old else {}
        outputs = self._run.hands.create(self._record(goal, inputs, None), inputs, dooms=False)
        names = [name for name in {*before, *inputs} if before.get(name) != inputs.get(name)]
        self._tell(
            goal,
            Action.REPLACE if old else Action.CREATE,
            names=names,
            old=before,
            new=inputs,
        )
        return self._answer(goal, outputs)

    def _replace(
        self, goal: Goal, old: Record, *, inputs: Properties, recorded: Properties, diff: Diff
    ) -> Answer:
        if goal.protect:
            refuse_protected(old)
        kind = self._run.provider.kinds[goal.kind]
        deletes_first = kind.delete_before_replace
        if goal.delete_before_replace is not None:
            deletes_first = goal.delete_before_replace
        if deletes_first:
            clear_the_way(self._run, old)
        else:
            with self._run.lock:
                self._run.doomed.add((old.urn, old.id))
        record = self._record(goal, inputs, None)
        outputs = self._run.hands.create(record, inputs, dooms=not deletes_first)
        self._tell(goal, Action.REPLACE, names=diff.changes, old=recorded, new=inputs)
        return self._answer(goal, outputs)

    def _update(
        self, goal: Goal, old: Record, *, inputs: Properties, recorded: Properties, diff: Diff
    ) -> Answer:
        record = replace(self._record(goal, inputs, old), id=old.id, outputs=old.outputs)
        outputs = self._run.hands.update(record, inputs, recorded=recorded, old=old)
        self._tell(goal, Action.UPDATE, names=diff.changes, old=recorded, new=inputs)
        return self._answer(goal, outputs)

    def _same(self, goal: Goal, old: Record, inputs: Properties) -> Answer:
        record = replace(
            self._record(goal, inputs, old),
            id=old.id,
            outputs=old.outputs,
            modified=old.modified,
        )
        self._settle(record, old, inputs)
        if goal.urn in self._interrupted:
            self._run.hands.note(Ended(goal.urn))
        self._run.tally.same()
        return self._answer(goal, self._run.secrets.open(old.outputs))

    def _settle(self, record: Record, old: Record | None, inputs: Properties) -> None:
        """Record what is new; keep the very bytes of the old record where nothing is."""
        if old is not None and self._run.secrets.open(old.inputs) == inputs:
            # Encrypting anew would make equal inputs look different.
            record = replace(record, inputs=old.inputs, modified=old.modified)
        if record != old:
            self._run.hands.note(Put(record))

    # -- what is written and told -----------------------------------------------------------

    def _record(self, goal: Goal, inputs: Properties, old: Record | None) -> Record:
        now = self._run.timestamp()
        kind = self._run.provider.kinds.get(goal.kind)
        secret_outputs = {*goal.secret_outputs, *(kind.secret_outputs if kind else ())}
        return Record(
            urn=goal.urn,
            kind=goal.kind,
            custom=goal.custom,
            inputs=self._run.secrets.seal(inputs),
            parent=goal.parent,
            protect=goal.protect,
            dependencies=goal.dependencies,
            provider=self._provider(goal.version) if goal.custom else "",
            property_dependencies=goal.property_dependencies,
            secret_outputs=tuple(sorted(secret_outputs)),
            created=old.created if old else now,
            modified=now,
            ignore_changes=goal.ignore_changes,
        )

    def _provider(self, version: str) -> str:
        """Return the reference of the default provider, recording it when it is first used."""
        with self._run.lock:
            if version not in self._providers:
                self._providers[version] = self._record_provider(version)
            return self._providers[version]

    def _record_provider(self, version: str) -> str:
        suffix = "".join(mark if mark.isalnum() else "_" for mark in version)
        kind = f"{PROVIDER_PREFIX}{next(iter(self._run.provider.kinds)).partition(':')[0]}"
        urn = make_urn(
            stack=self._run.stack.name,
            project=self._run.stack.project,
            parent="",
            kind=kind,
            name=f"default_{suffix}" if suffix else "default",
        )
        self._run.declared.add(urn)
        record = self._run.snapshot.live(urn)
        if record is None:
            now = self._run.timestamp()
            settings: dict[str, Json] = {"version": version} if version else {}
            record = Record(
                urn=urn,
                kind=kind,
                custom=True,
                id=str(uuid.uuid4()),
                inputs=settings,
                outputs=settings,
                created=now,
                modified=now,
            )
            self._run.hands.note(Put(record))
        return f"{urn}::{record.id}"

    def _tell(
        self, goal: Goal, action: Action, *, names: Iterable[str], old: Properties, new: Properties
    ) -> None:
        changed = tuple(names)
        drift = self._run.drifts.get(goal.urn)
        drifted = drift is not None and (
            drift.gone or not drift.observed.keys().isdisjoint(changed)
        )
        self._run.tally.changed(
            change_of(
                goal.urn,
                action,
                kind=goal.kind,
                attributes=attribute_changes(changed, old, new),
                drifted=drifted,
            )
        )

    def _answer(self, goal: Goal, outputs: Properties) -> Answer:
        record = self._run.snapshot.live(goal.urn)
        known_id = record.id if record and not has_unknown(record.id) else ""
        return Answer(urn=goal.urn, id=known_id, outputs=outputs)
