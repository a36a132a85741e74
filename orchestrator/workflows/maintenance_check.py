"""See that a host is well after its maintenance, and that all who lean on it have it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.errors import BmcError
from orchestrator.model.hardware import Server
from orchestrator.model.maintenance import Act, Operation
from orchestrator.planning.firmware import other_versions
from orchestrator.planning.host_needs import DRIFT_SECONDS, clock_off
from orchestrator.planning.maintenance_progress import REBOOTS
from orchestrator.ports import Clock
from orchestrator.ports.firmware import Firmware
from orchestrator.ports.host import Hosts
from orchestrator.ports.maintenance import Computes, Primaries
from orchestrator.workflows.host_facts import facts_of
from orchestrator.workflows.waiting import came_true

HEALTH_SECONDS = 300.0
"""For Nova to hear from a compute host again, and for replicas to catch up, after a reboot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostCheck:
    """One host, compared with what its operation should have left."""

    server: Server
    operation: Operation
    hosts: Hosts
    computes: Computes
    primaries: Primaries
    firmware: Firmware
    clock: Clock

    def faults(self) -> list[str]:
        """Return what is not well; what may take a while is waited for.

        Raises:
            HostError: the host does not answer.
        """
        facts = facts_of(self.server, self.hosts, self.clock, pending=False)
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
        came_true(lambda: not any(self._absent()), self.clock, within=HEALTH_SECONDS)
        return [*faults, *self._absent()]

    def other_firmware(self) -> Iterator[str]:
        """Return what of its firmware is not what the operation brings, a sentence each."""
        changes = self.operation.firmware
        if changes:
            try:
                yield from other_versions(changes, self.firmware.versions(self.server))
            except BmcError as error:
                yield f"its firmware is unknown: {error.message}"

    def _absent(self) -> Iterator[str]:
        """Return who has not got the host back yet."""
        if Act.CORDON in self.operation.acts:
            host = self.computes.hosts().get(self.server.name)
            if host is None or not host.up:
                yield "Nova does not hear from its compute service"
        yield from self.other_firmware()
        mine = self.operation.services
        for one in self.primaries.roles() if mine else ():
            if one.service in mine and self.server.name not in {one.primary, *one.standbys}:
                yield f"its replica of {one.service} does not follow the primary"
