"""BMCs that know their servers' power, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.errors import BmcError, SecretError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import BmcFault, Inventory, PowerAct, PowerState
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports.bmc import BmcAct, SwitchPower


@dataclass
class PoweredBmcs:
    """The Bmcs port; a server that is not listed has a BMC that does not answer."""

    states: dict[str, PowerState] = field(default_factory=dict)
    stuck: bool = False
    """Servers stay as they are."""
    locked: set[str] = field(default_factory=set)
    """Servers whose BMC has a password that nobody knows."""
    acts: list[tuple[str, SwitchPower]] = field(default_factory=list)

    def power(self, server: Server) -> PowerState:
        if server.name in self.locked:
            raise SecretError(f"{server.bmc.password} has no value")
        if server.name not in self.states:
            raise BmcError(f"the BMC of {server.name} does not answer", fault=BmcFault.UNREACHABLE)
        return self.states[server.name]

    def act(self, server: Server, act: BmcAct) -> PowerState:
        assert isinstance(act, SwitchPower)
        self.power(server)
        self.acts.append((server.name, act))
        if not self.stuck:
            self.states[server.name] = PowerState.OFF if act.act is PowerAct.OFF else PowerState.ON
        return self.power(server)

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        raise AssertionError("no test asks for more than power here")

    def expect_successor(self, old: SecretRef, new: SecretRef) -> None:
        raise AssertionError("no test changes passwords here")

    def change_password(self, server: Server, new: Secret, *, store: Callable[[], None]) -> bool:
        raise AssertionError("no test changes passwords here")
