"""Boot a host, and see it come back in another boot than before."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import BmcError, HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import NO_PATIENCE, HostFault
from orchestrator.model.inventory import PowerAct, PowerState
from orchestrator.ports import Clock
from orchestrator.ports.bmc import Bmcs, SwitchPower
from orchestrator.ports.host import Hosts
from orchestrator.workflows.host_facts import boot_of
from orchestrator.workflows.waiting import came_true

REBOOT = "systemctl --no-block reboot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reboot:
    """One host's reboot; done again after a kill, it asks only where the host did not boot yet."""

    server: Server
    hosts: Hosts
    bmcs: Bmcs
    clock: Clock
    seconds: float
    """For the host to come back."""
    power_cycle: bool
    """Let its BMC switch the host off and on where it does not."""

    def out_of(self, before: str) -> None:
        """Leave the boot with this id behind, and wait until the next one is over.

        Raises:
            HostError: the host refuses to reboot, or did not come back in time.
        """
        self._ask(before)
        self._await(before)

    def _await(self, before: str) -> None:
        if not self._came_back(before) and not self._cycled(before):
            raise HostError(
                f"{self.server.name} did not come back from its reboot within {self.seconds:.0f} s",
                fault=HostFault.SILENT,
                remedy="Look at its console. --power-cycle lets its BMC switch it off and on; "
                "`orchestrator maintenance resume` goes on once it answers.",
            )

    def _ask(self, before: str) -> None:
        try:
            now, _ = boot_of(self.server, self.hosts)
            if now == before:
                ran = self.hosts.run(self.server, REBOOT, within=15.0)
                if ran.status:
                    why = ran.err.strip() or ran.status
                    raise HostError(f"it refuses to reboot: {why}", fault=HostFault.FAILED)
        except HostError as error:
            if error.fault in {*NO_PATIENCE, HostFault.FAILED}:
                raise
            # It went down before it could answer, or is down since a run that was killed.

    def _came_back(self, before: str) -> bool:
        return came_true(lambda: self._booted(before), self.clock, within=self.seconds)

    def _booted(self, before: str) -> bool:
        """Say whether the host is in another boot, and that boot is over."""
        try:
            now, settled = boot_of(self.server, self.hosts)
        except HostError as error:
            if error.fault in NO_PATIENCE:
                raise
            return False
        return now != before and settled

    def by_power_out_of(self, before: str) -> None:
        """Shut the host down, let its BMC switch it on, and wait until its next boot is over.

        Raises:
            HostError: it did not come back in time.
            BmcError: its BMC did not switch it.
        """
        if self.bmcs.power(self.server) is not PowerState.OFF:
            if not self._is_in(before):
                self._await(before)
                return
            self._shut_down()
        self.bmcs.act(self.server, SwitchPower(act=PowerAct.ON))
        self._await(before)

    def _is_in(self, before: str) -> bool:
        """Say whether the host is still in this boot; one that boots does not answer."""
        try:
            now, _ = boot_of(self.server, self.hosts)
        except HostError as error:
            if error.fault in NO_PATIENCE:
                raise
            return False
        return now == before

    def _shut_down(self) -> None:
        try:
            self.bmcs.act(self.server, SwitchPower(act=PowerAct.OFF))
        except BmcError:
            if not self.power_cycle:
                raise
            self.bmcs.act(self.server, SwitchPower(act=PowerAct.OFF, forced=True))

    def _cycled(self, before: str) -> bool:
        if not self.power_cycle:
            return False
        off = self.bmcs.power(self.server) is PowerState.OFF
        act = PowerAct.ON if off else PowerAct.CYCLE
        self.bmcs.act(self.server, SwitchPower(act=act, forced=not off))
        return self._came_back(before)
