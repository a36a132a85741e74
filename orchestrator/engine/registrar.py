"""Takes the program's registrations, and keeps a failure from reaching more than what needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.engine.changes import without_secrets
from orchestrator.engine.gate import StoppedError
from orchestrator.engine.goal import Goal, refusal
from orchestrator.engine.run import Run
from orchestrator.engine.snapshot import Put
from orchestrator.engine.steps import Answer, Steps
from orchestrator.errors import EngineError, OrchestratorError, StateError
from orchestrator.model.stack import Action, ResourceFailure
from orchestrator.model.units import Json
from orchestrator.ports.provider import PartlyMadeError
from orchestrator.providers.values import has_unknown


class Registrar:
    """Serves the registrations of one run; called from many threads."""

    def __init__(self, run: Run) -> None:
        """Take the run."""
        self._run = run
        self._steps = Steps(run)

    def register(self, goal: Goal) -> Answer:
        """Bring one resource to its goal.

        Raises:
            EngineError: the program asks for what cannot be. All else that goes wrong is in the
                tally, and stops only what needs this resource.
        """
        self._claim(goal)
        if not goal.custom:
            return self._steps.component(goal)
        causes = [self._run.unfinished[urn] for urn in goal.needs() if urn in self._run.unfinished]
        if any(causes):
            return self._skip(goal, min(filter(None, causes)))
        if causes:
            return self._stop(goal)
        try:
            return self._steps.custom(goal)
        except (StoppedError, StateError):
            # On a StateError the hands remember why: nothing new begins, and the run ends with
            # that error.
            return self._stop(goal)
        except EngineError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is one failure
            return self._fail(goal, error)

    def register_outputs(self, urn: str, outputs: Mapping[str, Json]) -> None:
        """Record what a component, or the stack, gives out."""
        record = self._run.snapshot.live(urn)
        if record is None or self._run.hands.foresees:
            return
        before = self._run.secrets.open(record.outputs)
        # Unknown in an update: it comes from a resource that failed. Keep the last good value.
        known = {
            key: before.get(key) if has_unknown(value) else value for key, value in outputs.items()
        }
        if known != before:
            self._run.hands.note(Put(replace(record, outputs=self._run.secrets.seal(known))))

    def _claim(self, goal: Goal) -> None:
        if goal.custom and goal.kind not in self._run.provider.kinds:
            raise refusal(f"the resource type {goal.kind!r} (resource {goal.name!r})")
        with self._run.lock:
            if goal.urn in self._run.declared:
                raise EngineError(
                    f"two resources of the program are both {goal.urn}",
                    remedy="Give one of them another name.",
                )
            self._run.declared.add(goal.urn)

    def _skip(self, goal: Goal, cause: str) -> Answer:
        return self._unfinished(goal, reason=cause, cause=cause, skipped=True)

    def _fail(self, goal: Goal, error: Exception) -> Answer:
        expected = isinstance(error, OrchestratorError | PartlyMadeError)
        told = str(error) if expected else f"{type(error).__name__}: {error}"
        reason = without_secrets(told, goal.inputs)
        return self._unfinished(
            goal, reason=reason, cause=f"it needs {goal.name}, which failed", skipped=False
        )

    def _unfinished(self, goal: Goal, *, reason: str, cause: str, skipped: bool) -> Answer:
        with self._run.lock:
            self._run.unfinished[goal.urn] = cause
        existed = self._run.snapshot.live(goal.urn) is not None
        self._run.tally.failed(
            ResourceFailure(kind=goal.kind, name=goal.name, reason=reason, skipped=skipped),
            Action.UPDATE if existed else Action.CREATE,
        )
        return Answer(urn=goal.urn, failed=True)

    def _stop(self, goal: Goal) -> Answer:
        with self._run.lock:
            self._run.unfinished[goal.urn] = ""
        self._run.tally.interrupted = True
        return Answer(urn=goal.urn, failed=True)
