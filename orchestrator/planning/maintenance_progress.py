"""Read the journal of a plan: how far each operation came, and what is left to do of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.model.maintenance import Act, MaintenancePlan, Operation
from orchestrator.model.maintenance_report import OperationOutcome, OperationResult
from orchestrator.model.units import Json

ONCE = (
    Act.RENEW,
    Act.PATCH,
    Act.KERNEL,
    Act.REBOOT,
    Act.FIRMWARE,
    Act.REBOOT_IF_NEEDED,
    Act.POWER_CYCLE,
)
"""What is not done again once it is done; the rest looks first whether there is anything to do."""

DISTURBS = frozenset(ONCE) - {Act.RENEW}
"""What a host's databases and instances would feel."""

REBOOTS = frozenset({Act.REBOOT, Act.REBOOT_IF_NEEDED, Act.POWER_CYCLE})
"""What ends in another boot than the host was in."""

AROUND = (Act.HAND_OVER, Act.CORDON, Act.DRAIN)
"""What makes a host ready for those; without them it is not needed."""


@dataclass(kw_only=True)
class Progress:
    """How far one operation came."""

    begun: bool = False
    done: list[Act] = field(default_factory=list)
    under_way: Act | None = None
    """The act that began and whose end is not recorded."""
    boot_before: str = ""
    """The boot that the host was in when its reboot began."""
    ended: OperationResult | None = None

    @property
    def is_done(self) -> bool:
        """Say whether nothing is left to do."""
        return self.ended is not None and self.ended.outcome.is_well

    @property
    def is_fresh(self) -> bool:
        """Say whether nothing was done to the host yet, and nothing is under way."""
        return not self.done and self.under_way is None


def progress_of(entries: Iterable[Mapping[str, Json]]) -> dict[int, Progress]:
    """Return the progress of each operation that was begun, by its number."""
    found: dict[int, Progress] = {}
    for entry in entries:
        number = entry.get("operation")
        if isinstance(number, int):
            _take(found.setdefault(number, Progress()), entry)
    return found


def left_of(operation: Operation, progress: Progress | None) -> tuple[Act, ...]:
    """Return the acts that are to be done, in their order, when an operation is begun (again)."""
    if progress is None:
        return operation.acts
    done = set(progress.done)
    once = [act for act in operation.acts if act in ONCE and act not in done]
    disturbs = bool(DISTURBS & set(once))
    return tuple(
        act
        for act in operation.acts
        if act in once or (act not in ONCE and (disturbs or act not in AROUND))
    )


def result_of(operation: Operation, progress: Progress | None) -> OperationResult:
    """Return how an operation stands by the journal alone."""
    if progress is None or not progress.begun:
        return OperationResult(
            number=operation.number, host=operation.host, outcome=OperationOutcome.NOT_STARTED
        )
    if progress.ended is not None:
        return progress.ended
    during = f" during `{progress.under_way}`" if progress.under_way else ""
    return OperationResult(
        number=operation.number,
        host=operation.host,
        outcome=OperationOutcome.UNKNOWN,
        state=f"the run ended{during}",
        act=progress.under_way,
        done=tuple(progress.done),
        remedy="`orchestrator maintenance resume` looks, and goes on from there.",
    )


def left_disabled(
    journals: Iterable[tuple[MaintenancePlan, Iterable[Mapping[str, Json]]]],
) -> dict[str, str]:
    """Return the hosts that maintenance disabled and did not enable since, with the plan's id.

    `journals` are those of all plans, in the order in which they were begun. A host that somebody
    enabled by hand is among them: a journal tells of our own acts only.
    """
    found: dict[str, str] = {}
    for plan, entries in journals:
        ours = {one.host for one in plan.operations if Act.UNCORDON in one.acts}
        for entry in entries:
            host = str(entry.get("host", ""))
            match entry:
                case {"event": "begin", "act": Act.CORDON.value} if host in ours:
                    found[host] = plan.id
                case {"event": "end", "act": Act.UNCORDON.value} | {"event": "put-back"}:
                    found.pop(host, None)
    return found


def _take(progress: Progress, entry: Mapping[str, Json]) -> None:
    match entry:
        case {"event": "begin-operation"}:
            progress.begun, progress.ended = True, None
        case {"event": "begin", "act": str(act)}:
            progress.under_way = Act(act)
            progress.boot_before = str(entry.get("boot_id") or progress.boot_before)
        case {"event": "end", "act": str(act)}:
            progress.under_way = None
            if Act(act) not in progress.done:
                progress.done.append(Act(act))
        case {"event": "end-operation"}:
            progress.under_way = None
            progress.ended = _ended(progress, entry)


def _ended(progress: Progress, entry: Mapping[str, Json]) -> OperationResult:
    number, seconds, act = entry["operation"], entry.get("seconds", 0.0), entry.get("act")
    return OperationResult(
        number=number if isinstance(number, int) else 0,
        host=str(entry["host"]),
        outcome=OperationOutcome(str(entry["outcome"])),
        state=str(entry.get("state", "")),
        act=Act(str(act)) if act else None,
        done=tuple(progress.done),
        remedy=str(entry.get("remedy", "")),
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
    )
