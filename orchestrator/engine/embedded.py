"""The embedded engine: Pulumi programs, run in this process, with Pulumi's state format.

Source:
    docs/decisions/0005-embedded-engine.md and docs/reference/engine.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine import archive
from orchestrator.engine.acting import Acting
from orchestrator.engine.collector import RareCollections
from orchestrator.engine.deletion import adopt_abandoned, carry_out
from orchestrator.engine.gate import Gate
from orchestrator.engine.hands import ForeseeingHands
from orchestrator.engine.removal import (
    MayDelete,
    decide,
    everything,
    listed_only,
    spare_orphans,
)
from orchestrator.engine.run import Run
from orchestrator.engine.secrets import StackSecrets, UnwrittenSecrets, Vault
from orchestrator.engine.shown_state import show
from orchestrator.engine.snapshot import Snapshot
from orchestrator.engine.state_folder import StateFolder, Stored
from orchestrator.engine.tally import Tally
from orchestrator.errors import EngineError
from orchestrator.model.progress import ProgressEvent
from orchestrator.model.stack import (
    ResourceDrift,
    StackJob,
    StackName,
    StackPreview,
    StackResult,
    StackState,
)
from orchestrator.model.units import Json, Secret
from orchestrator.ports import Clock, Watch
from orchestrator.ports.provider import Provider

SLICE_KEY = "govcloud:slice"
"""The Pulumi configuration key under which a program finds its slice of the site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Foresight:
    """What a run without acting has shown."""

    asked: tuple[str, StackJob, tuple[ResourceDrift, ...]]
    """The state's serial, the job and the drifts that it was shown for."""
    preview: StackPreview
    blocked: Mapping[str, str]
    """By URN: why a resource must not be deleted for its replacement."""


class EmbeddedStacks:
    """The ports Stacks and StackArchive. Different stacks may be run from several threads."""

    def __init__(
        self,
        root: Path,
        programs: Path,
        provider: Provider,
        *,
        passphrase: Callable[[], Secret],
        clock: Clock,
        parallel: int = 8,
    ) -> None:
        """Take the folder of the state, that of the programs, and who does the work.

        `parallel` bounds the provider's acts in flight, of all stacks together. `passphrase` is
        asked only when a secret is met.
        """
        self._folder = StateFolder(root)
        self._programs = programs.resolve()
        self._provider = provider
        self._clock = clock
        self._parallel = parallel
        self._gate = Gate(parallel)
        self._vault = Vault(self._folder, passphrase)
        self._collector = RareCollections()
        self._foreseen: dict[StackName, _Foresight] = {}

    def stop(self) -> None:
        """Begin nothing new; acts in flight end and are recorded. For good, from any thread."""
        self._gate.stop()

    # -- Stacks -----------------------------------------------------------------------------

    def names(self) -> tuple[StackName, ...]:
        """Return the stacks that have a recorded state."""
        return self._folder.names()

    def state(self, stack: StackName) -> StackState | None:
        """Return the recorded state; secrets are hidden, and not decrypted."""
        return show(stack, self._folder.load(stack))

    def preview(self, job: StackJob, *, drifts: Sequence[ResourceDrift] = ()) -> StackPreview:
        """Return what an update would do. Nothing is written."""
        return self._foresee(job, self._folder.load(job.stack), tuple(drifts)).preview

    def update(
        self, job: StackJob, *, watch: Watch, drifts: Sequence[ResourceDrift] = ()
    ) -> StackResult:
        """Make the stack what the job says.

        Raises:
            EngineError: the program is at fault; what was done before that is recorded.
            StateError: the state cannot be read or written; nothing new was begun after that.
        """
        if self._gate.stopped:
            return StackResult(stack=job.stack, changes=(), unchanged=0, interrupted=True)
        stored = self._take_up(job.stack)
        blocked: Mapping[str, str] = {}
        if stored.deployment.records:
            # A first look finds a fault of the program before anything is touched, and learns
            # what will not be declared: an orphan must not be deleted for a replacement.
            # Whoever previewed the very same in this process has looked already.
            asked = (stored.serial, job, tuple(drifts))
            seen = self._foreseen.get(job.stack)
            if seen is None or seen.asked != asked:
                seen = self._foresee(job, stored, tuple(drifts))
            blocked = seen.blocked
        acting = self._acting(job.stack, stored, watch)
        run = acting.run(drifts, blocked)
        may_delete = listed_only(self._provider.kinds, job.removals)
        with acting.recorded():
            self._execute(job, run, may_delete)
        if run.tally.is_whole:
            acting.keep_digest(job.digest)
        return run.tally.result()

    def destroy(self, stack: StackName, *, watch: Watch) -> StackResult:
        """Delete every resource of the stack, and its state when all are gone.

        Raises:
            StateError: the state cannot be read or written.
        """
        if self._gate.stopped:
            return StackResult(stack=stack, changes=(), unchanged=0, interrupted=True)
        acting = self._acting(stack, self._take_up(stack), watch)
        run = acting.run((), {})
        with acting.recorded():
            adopt_abandoned(run, everything)
            carry_out(run, decide(run, everything), parallel=self._parallel)
        if run.tally.is_whole and not run.snapshot.records():
            self._folder.remove(stack)
        return run.tally.result()

    # -- StackArchive -----------------------------------------------------------------------

    def export(self, stack: StackName) -> Mapping[str, Json]:
        """Return the deployment as `pulumi stack export` would; secrets stay encrypted.

        Raises:
            StateError: the stack has no state.
        """
        return archive.export(self._folder, stack, written_at=self._timestamp())

    def load(self, stack: StackName, deployment: Mapping[str, Json]) -> None:
        """Replace the state by a deployment, after checking its integrity.

        Raises:
            StateError: it is not a deployment of this stack, or does not hang together.
        """
        archive.load(
            self._folder, stack, deployment, vault=self._vault, written_at=self._timestamp()
        )

    # -- runs -------------------------------------------------------------------------------

    def _foresee(
        self, job: StackJob, stored: Stored, drifts: tuple[ResourceDrift, ...]
    ) -> _Foresight:
        """Run the program without acting."""
        snapshot = Snapshot(stored.deployment)
        secrets = UnwrittenSecrets(self._vault, stored.deployment.salt)
        run = Run(
            stack=job.stack,
            provider=self._provider,
            snapshot=snapshot,
            secrets=secrets,
            hands=ForeseeingHands(snapshot, secrets),
            tally=Tally(job.stack, _unwatched),
            timestamp=self._timestamp,
            drifts={drift.urn: drift for drift in drifts},
        )
        self._execute(job, run, listed_only(self._provider.kinds, job.removals))
        seen = _Foresight(
            asked=(stored.serial, job, drifts), preview=run.tally.preview(), blocked=run.blocked
        )
        self._foreseen[job.stack] = seen
        return seen

    def _execute(self, job: StackJob, run: Run, may_delete: MayDelete) -> None:
        # Loaded here: importing Pulumi's SDK takes longer than most commands.
        from orchestrator.engine.monitor import Monitor
        from orchestrator.engine.program import run_program

        def settle_the_rest() -> None:
            if run.hands.foresees:
                run.blocked = spare_orphans(run, may_delete)
            adopt_abandoned(run, may_delete)
            carry_out(run, decide(run, may_delete), parallel=self._parallel)

        monitor = Monitor(run, parallel=self._parallel, when_declared=settle_the_rest)
        with self._collector.during():
            run_program(
                self._programs / job.stack.project,
                monitor,
                stack=job.stack,
                config={SLICE_KEY: job.slice_json},
                parallel=self._gate.width(job.stack.layer),
            )
        if run.tally.error_logs:
            raise EngineError(
                f"the program of the stack {job.stack} logged an error: "
                f"{'; '.join(run.tally.error_logs)}"
            )

    def _take_up(self, stack: StackName) -> Stored:
        """Return the state, after writing down what a killed run left in its journal."""
        stored = self._folder.load(stack)
        if not stored.has_journal:
            return stored
        self._folder.save(stack, stored.deployment, written_at=self._timestamp())
        return self._folder.load(stack)

    def _acting(self, stack: StackName, stored: Stored, watch: Watch) -> Acting:
        return Acting(
            stack=stack,
            folder=self._folder,
            stored=stored,
            provider=self._provider,
            door=self._gate.of(stack.layer),
            secrets=StackSecrets(self._vault, stored.deployment.salt),
            tally=Tally(stack, watch),
            timestamp=self._timestamp,
        )

    def _timestamp(self) -> str:
        return self._clock.now().isoformat().replace("+00:00", "Z")


def _unwatched(event: ProgressEvent) -> None:
    """Tell nobody: a preview is not progress."""
