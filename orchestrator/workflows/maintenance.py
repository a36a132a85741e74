"""Maintenance: carry out a plan batch by batch, and go on where a run was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from orchestrator.errors import OrchestratorError, RefusedError, StalePlanError
from orchestrator.model.maintenance import CORDONED_BY, Act, Batch, MaintenancePlan, Operation
from orchestrator.model.maintenance_report import (
    MaintenanceReport,
    OperationOutcome,
    OperationResult,
)
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.failure_domains import REDUNDANT
from orchestrator.planning.maintenance_progress import (
    Progress,
    left_of,
    progress_of,
    result_of,
)
from orchestrator.planning.windows import closed_because
from orchestrator.workflows.maintenance_acts import (
    HostWork,
    Limits,
    MaintenancePorts,
)
from orchestrator.workflows.maintenance_firmware import require_images
from orchestrator.workflows.maintenance_playbook import UnseenEndError
from orchestrator.workflows.maintenance_states import state_after, state_when_done

PATCH_PLAYBOOK = "maintenance/patch-host"
NOT_NEEDED = "it needed nothing any more when its turn came: nothing was done"

Told = Callable[[Operation, str, OperationResult | None], None]
"""Hears of each act as it begins, by name, and of each operation's end; called by any thread."""


@dataclass(kw_only=True)
class Maintenance:
    """Carries out a plan, or what is left of it; the site's lock is held by the caller."""

    site: Site
    plan: MaintenancePlan
    ports: MaintenancePorts
    limits: Limits
    patch: CataloguedPlaybook
    told: Told = lambda operation, act, result: None
    _stopped: bool = field(default=False, init=False)
    _progress: Mapping[int, Progress] = field(default_factory=dict, init=False)

    def stop(self) -> None:
        """Begin no further operation; those that run are finished."""
        self._stopped = True

    def run(self) -> MaintenanceReport:
        """Work batch by batch until nothing is left that may be begun; report every operation."""
        self._require_declared()
        self._progress = progress_of(self.ports.records.entries(self.plan.id))
        require_images(tuple(self._to_update()), self.ports.firmware)
        failed: list[tuple[Operation, Batch]] = []
        stopped, began = "", False
        for batch in self.plan.batches:
            waiting = [one for one in batch.operations if not self._is_done(one)]
            if not waiting:
                continue
            stopped = self._reason_to_stop(batch, failed)
            if stopped:
                break
            if not began:
                # Not earlier: a plan that is refused is one that can be run another time.
                self.ports.records.begin(self.plan)
            began = True
            with ThreadPoolExecutor(len(waiting), thread_name_prefix="maintain") as pool:
                ended = list(pool.map(self._one, waiting, [batch] * len(waiting)))
            failed += [
                (operation, batch)
                for operation, one in zip(waiting, ended, strict=True)
                if not one.outcome.is_well
            ]
        if stopped and not began and not self._stopped:
            raise RefusedError(
                f"{stopped}: nothing was done",
                remedy="Wait for the window, or give --outside-window.",
            )
        return self._report(stopped)

    def _to_update(self) -> Iterator[Operation]:
        """Return the operations whose firmware is still to be brought."""
        for one in self.plan.operations:
            progress = self._progress.get(one.number)
            if progress is None or not (progress.is_done or Act.FIRMWARE in progress.done):
                yield one

    def _is_done(self, operation: Operation) -> bool:
        progress = self._progress.get(operation.number)
        return progress is not None and progress.is_done

    def _require_declared(self) -> None:
        known = {server.name for server in self.site.hardware.servers}
        gone = [one.host for one in self.plan.operations if one.host not in known]
        if gone:
            raise StalePlanError(
                f"the maintenance plan {self.plan.id} has hosts that are no longer declared: "
                f"{', '.join(gone)}",
                remedy="Nothing was done. Make a plan of the hosts that are left.",
            )

    def _reason_to_stop(self, batch: Batch, failed: Sequence[tuple[Operation, Batch]]) -> str:
        if self._stopped:
            return "it was asked to stop"
        if len(failed) >= self.limits.budget:
            return f"{len(failed)} of {self.limits.budget} failures that the run may have"
        roles = {one.role for one in batch.operations} & REDUNDANT
        for one, its_batch in failed:
            if one.role in roles and its_batch.region == batch.region:
                return f"{one.host} is not well, and others of role {one.role} stand in for it"
        if self.limits.any_time:
            return ""
        local = self.ports.playbooks.clock.now().astimezone(ZoneInfo(self.site.identity.timezone))
        return closed_because(self.site.system, batch.region, local)

    def _report(self, stopped: str) -> MaintenanceReport:
        progress = progress_of(self.ports.records.entries(self.plan.id))
        return MaintenanceReport(
            plan=self.plan.id,
            results=tuple(result_of(one, progress.get(one.number)) for one in self.plan.operations),
            stopped=stopped,
            interrupted=self._stopped and bool(stopped),
        )

    def _one(self, operation: Operation, batch: Batch) -> OperationResult:
        """Carry out one operation; whatever fails is its result."""
        clock = self.ports.playbooks.clock
        begun = clock.now()
        facts: dict[str, Json] = {"plan": self.plan.id, "host": operation.host}
        self.ports.playbooks.audit.append(act="maintenance-begin", facts=facts)
        self._note(operation, "begin-operation", {})
        result = self._carry_out(operation, batch)
        seconds = round((clock.now() - begun).total_seconds(), 1)
        result = replace(result, seconds=seconds)
        ending: dict[str, Json] = {
            "outcome": result.outcome.value,
            "state": result.state,
            "act": result.act.value if result.act else None,
        }
        self.ports.playbooks.audit.append(act="maintenance-end", facts={**facts, **ending})
        more: dict[str, Json] = {"remedy": result.remedy, "seconds": seconds}
        self._note(operation, "end-operation", {**ending, **more})
        self.told(operation, "", result)
        return result

    def _carry_out(self, operation: Operation, batch: Batch) -> OperationResult:
        work = self._work(operation, batch)
        act = None
        try:
            work.reach()
            if not work.is_needed():
                return _ended(operation, OperationOutcome.SKIPPED, state=NOT_NEEDED)
            for act in left_of(operation, self._progress.get(operation.number)):
                self.told(operation, act.value, None)
                work.do(act)
        except OrchestratorError as error:
            return _failed(operation, error, act=act, state=state_after(work, act))
        return _ended(operation, OperationOutcome.DONE, state=state_when_done(operation))

    def _work(self, operation: Operation, batch: Batch) -> HostWork:
        def note(event: str, act: Act, facts: Mapping[str, Json] | None = None) -> None:
            self._note(operation, event, {"act": act.value, **(facts or {})})

        return HostWork(
            site=self.site,
            server=next(one for one in self.site.hardware.servers if one.name == operation.host),
            operation=operation,
            fellows=frozenset(one.host for one in batch.operations),
            patch=self.patch,
            ports=self.ports,
            limits=self.limits,
            note=note,
            needs=frozenset(self.plan.needs),
            reason=f"{CORDONED_BY}{self.plan.id}",
            progress=self._progress.get(operation.number) or Progress(),
        )

    def _note(self, operation: Operation, event: str, facts: Mapping[str, Json]) -> None:
        at = self.ports.playbooks.clock.now().isoformat(timespec="seconds")
        entry: dict[str, Json] = {"event": event, "operation": operation.number}
        self.ports.records.note(self.plan.id, {**entry, "host": operation.host, "at": at, **facts})


def _ended(operation: Operation, outcome: OperationOutcome, *, state: str) -> OperationResult:
    return OperationResult(
        number=operation.number, host=operation.host, outcome=outcome, state=state
    )


def _failed(
    operation: Operation, error: OrchestratorError, *, act: Act | None, state: str
) -> OperationResult:
    unseen = isinstance(error, UnseenEndError)
    return OperationResult(
        number=operation.number,
        host=operation.host,
        outcome=OperationOutcome.UNKNOWN if unseen else OperationOutcome.FAILED,
        state=f"{error.message}; {state}" if state else error.message,
        act=act,
        remedy=error.remedy,
    )
