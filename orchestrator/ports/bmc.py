"""The BMC port: what a server is made of, and the few things that are done to it from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model.hardware import Server
from orchestrator.model.inventory import BootDevice, Inventory, PowerAct, PowerState, Unknown
from orchestrator.model.media import MediaSlot
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import AuditLog, SecretStore, SiteLock


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPower:
    """Switch a server on or off, or off and on; `forced` does not ask its operating system."""

    act: PowerAct
    forced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SetIndicator:
    """Light the lamp by which a server is found in its rack, or put it out."""

    lit: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BootOnce:
    """Let the next boot, and only that, be from another device."""

    device: BootDevice


BmcAct = SwitchPower | SetIndicator | BootOnce


class Bmcs(Protocol):
    """The servers' BMCs. Each call is bounded; each failure is a BmcError that names its fault."""

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        """Return what the BMC tells. `whole` also lists all firmware and the BIOS attributes."""

    def power(self, server: Server) -> PowerState:
        """Return whether the server is switched on."""

    def act(self, server: Server, act: BmcAct) -> PowerState:
        """Do one thing and see it done; return the power state after it."""

    def expect_successor(self, old: SecretRef, new: SecretRef) -> None:
        """Remember, before it is changed, that a BMC with the old password may have the new one."""

    def change_password(self, server: Server, new: Secret, *, store: Callable[[], None]) -> bool:
        """Make `new` the password of our own account, and log in with it.

        `store` is called after the BMC was reached and before it is changed. Returns False where
        the BMC had the new password already: an earlier run was cut off after its change.
        """


class BmcMedia(Protocol):
    """The virtual drives of servers. Each call is bounded; each failure is a BmcError."""

    def slots(self, server: Server) -> tuple[MediaSlot, ...]:
        """Return the drives with what is in them."""

    def insert(self, server: Server, url: str) -> tuple[MediaSlot, ...]:
        """Insert an image into a free drive of its kind, and see it there."""

    def eject(self, server: Server) -> tuple[MediaSlot, ...]:
        """Empty all drives, and see them empty."""


class BmcFactoryLogins(Protocol):
    """The logins that BMCs leave the factory with. A try that fails counts on the BMC."""

    def accepted(self, server: Server, *, vendor: str) -> tuple[str, ...] | Unknown:
        """Return the factory's users that can still log in; Unknown where none is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HardwarePorts:
    """Everything that work on servers needs from outside; `cli.wiring` fills it."""

    bmcs: Bmcs
    media: BmcMedia
    factory_logins: BmcFactoryLogins
    secrets: SecretStore
    lock: SiteLock
    audit: AuditLog
