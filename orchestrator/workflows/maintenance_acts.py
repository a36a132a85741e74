"""What maintenance does to one host: each act looks first, so that it may be done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.errors import HostError, OrchestratorError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.maintenance import (
    Act,
    ComputeHost,
    Operation,
)
from orchestrator.model.playbook import CataloguedPlaybook, Outcome, PlaybookResult
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.host_needs import DRIFT_SECONDS, clock_off
from orchestrator.planning.maintenance_progress import ONCE, Progress
from orchestrator.ports import Clock
from orchestrator.ports.bmc import Bmcs
from orchestrator.ports.host import Hosts
from orchestrator.ports.maintenance import Computes, MaintenanceRecords, Primaries
from orchestrator.workflows.host_facts import boot_of, facts_of
from orchestrator.workflows.maintenance_drain import empty
from orchestrator.workflows.maintenance_hand_over import hand_over
from orchestrator.workflows.maintenance_reboot import Reboot
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, play
from orchestrator.workflows.waiting import came_true

HEALTH_SECONDS = 300.0
"""For Nova to hear from a compute host again, and for replicas to catch up, after a reboot."""

BAD = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})
REBOOTS = frozenset({Act.REBOOT, Act.REBOOT_IF_NEEDED})


class UnseenEndError(OrchestratorError):
    """Something began on a host, and nobody saw how it ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenancePorts:
    """Everything that maintenance needs from outside; `cli.wiring` fills it."""

    playbooks: PlaybookPorts
    hosts: Hosts
    computes: Computes
    primaries: Primaries
    bmcs: Bmcs
    records: MaintenanceRecords


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far a run may go."""

    budget: int = 1
    """Failures at which nothing new is begun."""
    move_seconds: float = 900.0
    """For one instance to be moved."""
    boot_seconds: float = 900.0
    """For a host to come back from its reboot: metal tests its memory."""
    power_cycle: bool = False
    """Let its BMC switch a host off and on that does not come back."""
    any_time: bool = False
    """Begin outside of maintenance windows and in freezes, too."""


class Note(Protocol):
    """Writes into the journal of an operation."""

    def __call__(self, event: str, act: Act, facts: Mapping[str, Json] = ...) -> None:
        """Add one entry, before or after an act."""


@dataclass(frozen=True, kw_only=True)
class HostWork:
    """The acts of one operation."""

    site: Site
    server: Server
    operation: Operation
    fellows: frozenset[str]
    """The hosts of its batch, itself included: nothing is moved to them."""
    patch: CataloguedPlaybook
    ports: MaintenancePorts
    limits: Limits
    note: Note
    reason: str
    """What Nova is told why it takes nothing."""
    progress: Progress

    def do(self, act: Act) -> None:
        """Do one act, with the journal before and after it.

        Raises:
            OrchestratorError: it is not done; the message says how things are.
        """
        if act in ONCE and self.operation.services and not self._is_rebooting:
            # A primary may have come since: by hand, or because a planned replica was not able.
            self._hand_over()
        if act in REBOOTS:
            self._reboot(act)
            return
        acts: Mapping[Act, Callable[[], None]] = {
            Act.HAND_OVER: self._hand_over,
            Act.CORDON: self._cordon,
            Act.DRAIN: self._drain,
            Act.PATCH: lambda: self._patch("all"),
            Act.KERNEL: lambda: self._patch("kernel"),
            Act.CHECK: self._check,
            Act.UNCORDON: self._uncordon,
        }
        self.note("begin", act)
        acts[act]()
        self.note("end", act)

    def reach(self) -> None:
        """Require the host to answer before anything is disturbed for it.

        A host whose reboot was begun may still be away: it is waited for later, or switched.
        """
        if not self._is_rebooting:
            boot_of(self.server, self.ports.hosts)

    @property
    def _is_rebooting(self) -> bool:
        """Say whether an earlier run asked for its reboot and did not see the end."""
        return bool(self.progress.boot_before) and not REBOOTS & set(self.progress.done)

    def as_it_was_left(self) -> str:
        """Say how an earlier run left the host, where that is not as usual."""
        if Act.CORDON not in self.progress.done or self._compute().enabled:
            return ""
        return "its compute service is still disabled"

    def put_back(self) -> str:
        """Let Nova use a host again that could not be emptied; say how it is then."""
        if Act.UNCORDON not in self.operation.acts:
            return "its compute service stays disabled, as it was before"
        self._uncordon()
        return "its compute service is enabled again"

    def _hand_over(self) -> None:
        hand_over(self.operation, self.fellows, self.ports.primaries)

    def _cordon(self) -> None:
        host = self._compute()
        if host.enabled:
            self.ports.computes.cordon(host, reason=self.reason)

    def _uncordon(self) -> None:
        host = self._compute()
        if not host.enabled:
            self.ports.computes.uncordon(host)

    def _compute(self) -> ComputeHost:
        host = self.ports.computes.hosts().get(self.server.name)
        if host is None:
            raise _failed(f"Nova does not know {self.server.name} any more")
        return host

    def _drain(self) -> None:
        empty(self.operation, self.fellows, self.ports.computes, within=self.limits.move_seconds)

    def _patch(self, only: str) -> None:
        work = PlaybookWork(
            entry=self.patch,
            servers=(self.server,),
            rehearse=False,
            any_time=True,
            variables={self.server.name: {"patch_only": only}},
        )
        result = play(self.site, work, self.ports.playbooks, watch=lambda event: None)
        _require_well(result, self.server.name)

    def _reboot(self, act: Act) -> None:
        """Boot the host, unless it did since an earlier run asked for it and saw no end."""
        before = self.progress.boot_before if self._is_rebooting else ""
        if not before:
            facts = facts_of(self.server, self.ports.hosts, self._clock, pending=False)
            if act is Act.REBOOT_IF_NEEDED and not facts.reboot_reasons:
                self.note("end", act, {"needed": False})
                return
            before = facts.boot_id
        self.note("begin", act, {"boot_id": before})
        Reboot(
            server=self.server,
            hosts=self.ports.hosts,
            bmcs=self.ports.bmcs,
            clock=self._clock,
            seconds=self.limits.boot_seconds,
            power_cycle=self.limits.power_cycle,
        ).out_of(before)
        self.note("end", act)

    def _check(self) -> None:
        facts = facts_of(self.server, self.ports.hosts, self._clock, pending=False)
        faults = [
            *(f"package {name} is not set up" for name in facts.unconfigured),
            *(
                f"unit {name} has failed"
                for name in facts.failed_units
                if name not in self.operation.failed_before
            ),
        ]
        if abs(facts.clock_ahead_seconds) > DRIFT_SECONDS:
            faults.append(f"its clock is {clock_off(facts)}")
        if REBOOTS & set(self.operation.acts):
            faults += [f"it still asks for a reboot: {one}" for one in facts.reboot_reasons]
        faults += self._awaited()
        if faults:
            raise _failed("; ".join(faults))

    def _awaited(self) -> list[str]:
        """Wait until Nova and the databases have the host back; return what has not."""
        came_true(lambda: not any(self._absent()), self._clock, within=HEALTH_SECONDS)
        return list(self._absent())

    def _absent(self) -> Iterator[str]:
        if Act.CORDON in self.operation.acts:
            host = self.ports.computes.hosts().get(self.server.name)
            if host is None or not host.up:
                yield "Nova does not hear from its compute service"
        mine = self.operation.services
        for one in self.ports.primaries.roles() if mine else ():
            if one.service in mine and self.server.name not in {one.primary, *one.standbys}:
                yield f"its replica of {one.service} does not follow the primary"

    @property
    def _clock(self) -> Clock:
        return self.ports.playbooks.clock


def _require_well(result: PlaybookResult, host: str) -> None:
    told = next((one for one in result.hosts if one.host == host), None)
    # The last failure is the playbook's own word on the first one, which it tried to mend.
    failures = [one.reason for one in told.tasks if one.outcome in BAD] if told else []
    reason = next(
        (one for one in (*reversed(failures), told.reason if told else "", result.reason) if one),
        result.ending.value,
    )
    if told is None or told.outcome is Outcome.UNKNOWN:
        raise UnseenEndError(
            f"the upgrade began and its end was not seen: {reason}",
            remedy="`orchestrator maintenance resume` looks, and goes on from there.",
        )
    if told.outcome not in {Outcome.OK, Outcome.CHANGED}:
        raise HostError(
            reason,
            fault=HostFault.FAILED,
            remedy=f"What Ansible did is in {result.record}" if result.record else "",
        )


def _failed(message: str) -> HostError:
    return HostError(message, fault=HostFault.FAILED)
