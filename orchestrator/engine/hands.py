"""Two pairs of hands for the same decisions: one acts on the cloud, one only says what would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from orchestrator.engine.gate import Door, StoppedError
from orchestrator.engine.journal import Journal
from orchestrator.engine.records import Record
from orchestrator.engine.secrets import StackSecrets
from orchestrator.engine.snapshot import Begun, Dropped, Ended, Entry, Put, Snapshot
from orchestrator.errors import StateError
from orchestrator.model.units import Json
from orchestrator.ports.provider import UNKNOWN, Made, PartlyMadeError, Provider
from orchestrator.providers.values import as_secret, has_secret, plain_properties

Properties = Mapping[str, Json]


class Hands(Protocol):
    """Carries out what was decided of a resource. Inputs are open, with secret marks.

    All may raise StoppedError (not begun), StateError (cannot be recorded: stop), or whatever
    the provider raises.
    """

    @property
    def foresees(self) -> bool:
        """Say whether values are only foreseen, so that some are unknown."""

    def create(self, record: Record, inputs: Properties, *, dooms: bool) -> Properties:
        """Make the resource, record it, and return its outputs."""

    def update(
        self, record: Record, inputs: Properties, *, recorded: Properties, old: Record
    ) -> Properties:
        """Change the resource in place, record it, and return its outputs."""

    def delete(self, record: Record, *, for_replacement: bool) -> None:
        """Delete the resource; its record waits for the replacement, or is dropped."""

    def note(self, entry: Entry) -> None:
        """Record a change of the state that is none of the cloud."""


def marked(outputs: Properties, record: Record, inputs: Properties) -> dict[str, Json]:
    """Return outputs with those marked secret that are declared so, or are so as inputs."""
    secret = {*record.secret_outputs, *(key for key in inputs if has_secret(inputs[key]))}
    return {key: as_secret(value) if key in secret else value for key, value in outputs.items()}


class ForeseeingHands:
    """Says what would be; touches neither the cloud nor the disk."""

    foresees = True

    def __init__(self, snapshot: Snapshot, secrets: StackSecrets) -> None:
        """Take a snapshot of its own, to change in memory."""
        self._snapshot = snapshot
        self._secrets = secrets

    def create(self, record: Record, inputs: Properties, *, dooms: bool) -> Properties:
        """Foresee a creation: only what is given is known."""
        outputs = marked(plain_properties(inputs), record, inputs)
        self.note(Put(replace(record, id=UNKNOWN), dooms))
        return outputs

    def update(
        self, record: Record, inputs: Properties, *, recorded: Properties, old: Record
    ) -> Properties:
        """Foresee an update: what is computed stays as it was."""
        outputs = {**self._secrets.open(old.outputs), **inputs}
        self.note(Put(record))
        return outputs

    def delete(self, record: Record, *, for_replacement: bool) -> None:
        """Foresee a deletion."""
        after = replace(record, pending_replacement=True)
        self.note(Put(after) if for_replacement else Dropped(record.urn, record.id))

    def note(self, entry: Entry) -> None:
        """Change the snapshot in memory."""
        self._snapshot.apply(entry)


class ActingHands:
    """Acts on the cloud, through the door, with a line in the journal before and after."""

    foresees = False

    def __init__(
        self,
        provider: Provider,
        door: Door,
        *,
        snapshot: Snapshot,
        journal: Journal,
        secrets: StackSecrets,
    ) -> None:
        """Take whom to ask, and where to write it down."""
        self._provider = provider
        self._door = door
        self._snapshot = snapshot
        self._journal = journal
        self._secrets = secrets
        self.lost_state: StateError | None = None
        """Why nothing can be recorded any more; nothing is begun after that."""

    def create(self, record: Record, inputs: Properties, *, dooms: bool) -> Properties:
        """Make the resource."""
        with self._door.act():
            self._begin(record, "creating")
            try:
                made = self._provider.create(record.kind, plain_properties(inputs))
            except PartlyMadeError as error:
                self._record_partly(record, inputs, error, dooms=dooms)
                raise
            except Exception:
                self.note(Ended(record.urn))
                raise
            outputs = marked(made.outputs, record, inputs)
            self._put(replace(record, id=made.id), outputs, dooms=dooms)
        return outputs

    def update(
        self, record: Record, inputs: Properties, *, recorded: Properties, old: Record
    ) -> Properties:
        """Change the resource."""
        with self._door.act():
            self._begin(record, "updating")
            try:
                changed = self._provider.update(
                    record.kind,
                    Made(id=old.id, outputs=plain_properties(self._secrets.open(old.outputs))),
                    old=plain_properties(recorded),
                    new=plain_properties(inputs),
                )
            except PartlyMadeError as error:
                self._record_partly(record, inputs, error, dooms=False)
                raise
            except Exception:
                self.note(Ended(record.urn))
                raise
            outputs = marked(changed, record, inputs)
            self._put(record, outputs, dooms=False)
        return outputs

    def delete(self, record: Record, *, for_replacement: bool) -> None:
        """Delete the resource."""
        with self._door.act():
            self._begin(record, "deleting")
            try:
                self._provider.delete(
                    record.kind,
                    Made(
                        id=record.id, outputs=plain_properties(self._secrets.open(record.outputs))
                    ),
                    plain_properties(self._secrets.open(record.inputs)),
                )
            except Exception:
                self.note(Ended(record.urn))
                raise
            after = replace(record, pending_replacement=True)
            self.note(Put(after) if for_replacement else Dropped(record.urn, record.id))

    def note(self, entry: Entry) -> None:
        """Write the entry to the journal, then change the snapshot."""
        try:
            self._journal.append(entry)
        except StateError as error:
            self.lost_state = self.lost_state or error
            if not isinstance(entry, Begun):
                # What has happened in the cloud is still true: should the final checkpoint
                # get written all the same, it holds it.
                self._snapshot.apply(entry)
            raise
        self._snapshot.apply(entry)

    def _begin(self, record: Record, act: str) -> None:
        if self.lost_state is not None:
            raise StoppedError
        self.note(Begun(record, act))

    def _put(self, record: Record, outputs: Properties, *, dooms: bool) -> None:
        self.note(Put(replace(record, outputs=self._secrets.seal(outputs)), dooms))

    def _record_partly(
        self, record: Record, inputs: Properties, error: PartlyMadeError, *, dooms: bool
    ) -> None:
        partly = replace(record, id=error.made.id, init_errors=error.reasons)
        self._put(partly, marked(error.made.outputs, record, inputs), dooms=dooms)
