"""One acting run of a stack: its journal while it lasts, its checkpoint at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestrator.engine.deployment import Deployment
from orchestrator.engine.gate import Door
from orchestrator.engine.hands import ActingHands
from orchestrator.engine.journal import Journal
from orchestrator.engine.run import Run
from orchestrator.engine.secrets import StackSecrets
from orchestrator.engine.snapshot import Snapshot
from orchestrator.engine.state_folder import StateFolder, Stored
from orchestrator.engine.tally import Tally
from orchestrator.errors import EngineError
from orchestrator.model.stack import ResourceDrift, StackName
from orchestrator.ports.provider import Provider


@dataclass(kw_only=True, slots=True)
class Acting:
    """Keeps the state of a stack while it is changed."""

    stack: StackName
    folder: StateFolder
    stored: Stored
    provider: Provider
    door: Door
    secrets: StackSecrets
    tally: Tally
    timestamp: Callable[[], str]
    _snapshot: Snapshot = field(init=False)
    _journal: Journal = field(init=False)
    _hands: ActingHands = field(init=False)
    _checkpoint_hash: str = field(init=False)

    def __post_init__(self) -> None:
        """Start from what is stored."""
        self._checkpoint_hash = self.stored.checkpoint_hash
        self._snapshot = Snapshot(self.stored.deployment)
        self._journal = self.folder.journal(self.stack, base=self.stored.checkpoint_hash)
        self._hands = ActingHands(
            self.provider,
            self.door,
            snapshot=self._snapshot,
            journal=self._journal,
            secrets=self.secrets,
        )

    def run(self, drifts: Sequence[ResourceDrift], blocked: Mapping[str, str]) -> Run:
        """Return the run, with what is known of the cloud."""
        return Run(
            stack=self.stack,
            provider=self.provider,
            snapshot=self._snapshot,
            secrets=self.secrets,
            hands=self._hands,
            tally=self.tally,
            timestamp=self.timestamp,
            drifts={drift.urn: drift for drift in drifts},
            blocked=blocked,
        )

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record what is done inside, however it ends.

        Raises:
            StateError: it could not be recorded. The old checkpoint is untouched, and the
                journal is kept as far as it was written.
        """
        self.folder.forget_digest(self.stack)
        try:
            yield
        except EngineError as error:
            if self._hands.lost_state is None:
                raise
            # The program failed because what it asked for could not be written down.
            raise self._hands.lost_state from error
        finally:
            self._journal.close()
            self._keep()
        if self._hands.lost_state is not None:
            raise self._hands.lost_state

    def keep_digest(self, digest: str) -> None:
        """Record that the stack is now wholly what a job with this digest says."""
        self.folder.save_digest(self.stack, digest, checkpoint_hash=self._checkpoint_hash)

    def _keep(self) -> None:
        before = self.stored.deployment
        after = Deployment(
            records=self._snapshot.records(),
            operations=self._snapshot.operations(),
            salt=self.secrets.salt,
        )
        if self._checkpoint_hash and after == before:
            self.folder.discard_journal(self.stack)
            return
        self._checkpoint_hash = self.folder.save(self.stack, after, written_at=self.timestamp())
