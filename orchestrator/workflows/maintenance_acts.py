"""What maintenance does to one host: each act looks first, so that it may be done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.errors import HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.maintenance import (
    Act,
    ComputeHost,
    HostFacts,
    Need,
    Operation,
)
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.failure_domains import partners_of
from orchestrator.planning.host_needs import acts_on
from orchestrator.planning.maintenance_progress import DISTURBS, ONCE, REBOOTS, Progress
from orchestrator.ports import Clock
from orchestrator.ports.bmc import Bmcs
from orchestrator.ports.firmware import Firmware
from orchestrator.ports.host import Hosts
from orchestrator.ports.maintenance import (
    Computes,
    HostCertificates,
    MaintenanceRecords,
    Primaries,
)
from orchestrator.workflows.host_facts import boot_of, facts_of
from orchestrator.workflows.maintenance_check import HostCheck
from orchestrator.workflows.maintenance_drain import empty
from orchestrator.workflows.maintenance_firmware import update
from orchestrator.workflows.maintenance_hand_over import hand_over
from orchestrator.workflows.maintenance_playbook import require_well
from orchestrator.workflows.maintenance_reboot import Reboot
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, play


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenancePorts:
    """Everything that maintenance needs from outside; `cli.wiring` fills it."""

    playbooks: PlaybookPorts
    hosts: Hosts
    computes: Computes
    primaries: Primaries
    certificates: HostCertificates
    firmware: Firmware
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
    needs: frozenset[Need]
    """What the plan was asked for."""
    reason: str
    """What Nova is told why it takes nothing."""
    progress: Progress

    def do(self, act: Act) -> None:
        """Do one act, with the journal before and after it.

        Raises:
            OrchestratorError: it is not done; the message says how things are.
        """
        if act in DISTURBS and self.operation.services and not self._is_rebooting:
            # A primary may have come since: by hand, or because a planned replica was not able.
            self._hand_over()
        if act in REBOOTS:
            self._reboot(act)
            return
        acts: Mapping[Act, Callable[[], None]] = {
            Act.RENEW: self._renew,
            Act.HAND_OVER: self._hand_over,
            Act.CORDON: self._cordon,
            Act.DRAIN: self._drain,
            Act.FIRMWARE: self._update_firmware,
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
        if self._is_rebooting:
            return
        boot_of(self.server, self.ports.hosts)
        if not self.progress.is_fresh:
            return
        for partner in partners_of(self.server, self.site):
            try:
                boot_of(partner, self.ports.hosts)
            except HostError as error:
                raise _failed(
                    f"{error.message}, and it stands in for {self.server.name}"
                ) from error

    def is_needed(self) -> bool:
        """Say whether there is still anything to do, where nothing was begun yet.

        Somebody may have done it by hand since, or another plan.
        """
        if not self.progress.is_fresh or not set(ONCE) & set(self.operation.acts):
            return True
        asked = bool({Need.PATCH, Need.KERNEL} & self.needs)
        facts = facts_of(self.server, self.ports.hosts, self._clock, pending=asked)
        return (
            bool(acts_on(facts, self.needs))
            or self._has_old_certificate()
            or any(self._after.other_firmware())
        )

    def _has_old_certificate(self) -> bool:
        planned = self.operation.certificate_until
        if not planned:
            return False
        until = self.ports.certificates.until([self.server]).get(self.server.name)
        return not isinstance(until, datetime) or until <= datetime.fromisoformat(planned)

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
        self.note("put-back", Act.UNCORDON)
        return "its compute service is enabled again"

    def _hand_over(self) -> None:
        hand_over(self.operation, self.fellows, self.ports.primaries)

    def _renew(self) -> None:
        ending = datetime.fromisoformat(self.operation.certificate_until)
        self.ports.certificates.renew(self.server, ending=ending)

    def _update_firmware(self) -> None:
        update(self.server, self.operation.firmware, self.ports.firmware)

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
        require_well(result, self.server.name)

    def _reboot(self, act: Act) -> None:
        """Boot the host, unless it did since an earlier run asked for it and saw no end."""
        before = self.progress.boot_before if self._is_rebooting else ""
        if not before:
            facts = facts_of(self.server, self.ports.hosts, self._clock, pending=False)
            if not self._needs(act, facts):
                self.note("end", act, {"needed": False})
                return
            before = facts.boot_id
        self.note("begin", act, {"boot_id": before})
        reboot = Reboot(
            server=self.server,
            hosts=self.ports.hosts,
            bmcs=self.ports.bmcs,
            clock=self._clock,
            seconds=self.limits.boot_seconds,
            power_cycle=self.limits.power_cycle,
        )
        (reboot.by_power_out_of if act is Act.POWER_CYCLE else reboot.out_of)(before)
        self.note("end", act)

    def _needs(self, act: Act, facts: HostFacts) -> bool:
        """Say whether a host has to go down for an act; a BMC's own firmware runs without that."""
        if act is Act.REBOOT or facts.reboot_reasons:
            return True
        return act is Act.POWER_CYCLE and (
            Need.REBOOT in self.needs or any(self._after.other_firmware())
        )

    def _check(self) -> None:
        faults = self._after.faults()
        if faults:
            raise _failed("; ".join(faults))

    @property
    def _after(self) -> HostCheck:
        return HostCheck(
            server=self.server,
            operation=self.operation,
            hosts=self.ports.hosts,
            computes=self.ports.computes,
            primaries=self.ports.primaries,
            firmware=self.ports.firmware,
            clock=self._clock,
        )

    @property
    def _clock(self) -> Clock:
        return self.ports.playbooks.clock


def _failed(message: str) -> HostError:
    return HostError(message, fault=HostFault.FAILED)
