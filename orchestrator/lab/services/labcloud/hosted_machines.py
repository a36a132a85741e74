"""Emulated machines with a host behind them: their power is that host's, and nothing else."""

from __future__ import annotations

from sushy_tools import error
from sushy_tools.emulator.resources.systems import fakedriver

from labcloud.bmc_driver import LabMachines
from labcloud.hosts import Hosts, HostsError

UNAVAILABLE = 503


def install(hosts: Hosts) -> None:
    """Make the emulator ask the supervisor about the power of its hosts."""

    class HostedMachines(LabMachines):
        """The lab's machines, some of which are hosts."""

        def get_power_state(self, identity: str) -> str:
            """Return whether the host runs; where that is not known, nothing."""
            system = self._get(identity)
            if system["name"] not in hosts.names:
                return super().get_power_state(identity)
            return self._power(system["name"], "state")["power"]

        def set_power_state(self, identity: str, state: str) -> None:
            """Switch the host; its BIOS settings that wait are taken up when it goes on."""
            system = self._get(identity)
            if system["name"] not in hosts.names:
                super().set_power_state(identity, state)
                return
            self._power(system["name"], "power", state=state)
            if state == "On" or "Restart" in state:
                self._update(system, power_state="On")

        def _power(self, name: str, do: str, **more: str) -> dict[str, str]:
            try:
                return hosts.ask(do, name, **more)
            except HostsError as refused:
                raise error.FishyError(str(refused), code=UNAVAILABLE) from refused

    fakedriver.FakeDriver = HostedMachines
