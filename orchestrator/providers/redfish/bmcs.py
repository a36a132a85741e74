"""The BMC port over Redfish: from a declared server to a conversation with its BMC."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.hardware import Bmc, Server
from orchestrator.model.inventory import BmcFault, Inventory, PowerState
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import SecretStore
from orchestrator.ports.bmc import BmcAct
from orchestrator.providers.redfish.acts import act_on, known_power
from orchestrator.providers.redfish.answers import Resource, link_of
from orchestrator.providers.redfish.client import Conversation, Limits
from orchestrator.providers.redfish.ledger import BmcFolder
from orchestrator.providers.redfish.login import Login, logged_in
from orchestrator.providers.redfish.quirks import QUIRKS, Quirk, profile_of
from orchestrator.providers.redfish.reading import read_inventory
from orchestrator.providers.redfish.rotations import read_rotations, write_rotations
from orchestrator.providers.redfish.wire import Wire

Endpoints = Mapping[str, Any]
"""`{"bmc": {"10.0.0.1": {"url": ..., "system_id": ...}}}`: the mapping that Ironic is given."""

POWER_SECONDS = 120.0
"""How long a server may take to switch on or off."""


@dataclass(kw_only=True)
class RedfishBmcs:
    """The servers' BMCs, as Redfish services."""

    endpoints: Endpoints
    secrets: SecretStore
    folder: Path
    """Where certificates and open sessions are remembered."""
    limits: Limits = field(default_factory=Limits)
    quirks: Sequence[Quirk] = QUIRKS
    power_seconds: float = POWER_SECONDS
    calls: int = field(default=0, init=False)
    """Requests sent so far."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def inventory(self, server: Server, *, whole: bool = False) -> Inventory:
        """Return what the BMC tells."""
        with self.system(server.bmc) as (talk, system):
            return read_inventory(talk, system, whole=whole)

    def power(self, server: Server) -> PowerState:
        """Return whether the server is switched on."""
        with self.system(server.bmc) as (_, system):
            return known_power(system)

    def act(self, server: Server, act: BmcAct) -> PowerState:
        """Do one thing and see it done."""
        with self.system(server.bmc) as (talk, system):
            return act_on(talk, system, act, within=self.power_seconds)

    def expect_successor(self, old: SecretRef, new: SecretRef) -> None:
        """Remember that a BMC with the old password may have the new one by now."""
        with self._lock:
            write_rotations(self.folder, {**read_rotations(self.folder), old: new})

    def change_password(self, server: Server, new: Secret, *, store: Callable[[], None]) -> bool:
        """Make `new` the password of our own account, and log in with it."""
        known = [one for one in self._passwords(server.bmc) if one.reveal() != new.reveal()]
        passwords = (*known, new)
        with self._conversation(server.bmc, passwords) as (talk, accepted):
            if accepted == len(passwords) - 1:
                return False
            store()
            talk.patch(_account(talk, server.bmc.user), {"Password": new.reveal()})
        with self._conversation(server.bmc, (new,)) as (talk, _):
            talk.expect_free()
            talk.get(link_of(talk.root.get("Systems")))
        return True

    def try_login(self, bmc: Bmc, password: Secret) -> None:
        """Log in with one password and out again.

        Raises:
            BmcError: the BMC does not take it, or is silent.
        """
        with self._conversation(bmc, (password,)) as (talk, _):
            if talk.account_to_change is None:
                talk.get(link_of(talk.root.get("Systems")))

    @contextmanager
    def system(self, bmc: Bmc) -> Iterator[tuple[Conversation, Resource]]:
        """Speak with one BMC about its system.

        Raises:
            BmcError: it is silent, or refuses; SecretError where its password is not known.
        """
        with self._conversation(bmc, self._passwords(bmc)) as (talk, _):
            talk.expect_free()
            system = self._find_system(talk, bmc)
            talk.profile = profile_of(talk.root, str(system.get("Manufacturer") or ""), self.quirks)
            yield talk, system

    @contextmanager
    def _conversation(
        self, bmc: Bmc, passwords: Sequence[Secret]
    ) -> Iterator[tuple[Conversation, int]]:
        address = str(bmc.address)
        files = BmcFolder(self.folder, address)
        wire = Wire(self._url(address), files.check_certificate)
        deadline = time.monotonic() + self.limits.total_seconds
        talk = Conversation(wire=wire, limits=self.limits, deadline=deadline)
        login = Login(user=bmc.user, passwords=passwords)
        try:
            with files.alone(deadline=deadline) as ledger:
                talk.deadline = time.monotonic() + self.limits.total_seconds
                with logged_in(talk, ledger, login) as accepted:
                    talk.profile = profile_of(talk.root, "", self.quirks)
                    yield talk, accepted
        finally:
            wire.close()
            with self._lock:
                self.calls += talk.calls

    def _find_system(self, talk: Conversation, bmc: Bmc) -> Resource:
        named = self._endpoint(str(bmc.address)).get("system_id")
        if named:
            return talk.get(str(named))
        systems = talk.members(talk.root.get("Systems"))
        if len(systems) == 1:
            return systems[0]
        raise BmcError(
            f"it serves {len(systems)} systems, and which is meant is not said",
            fault=BmcFault.BAD_ANSWER,
            remedy="Name the system's path as `system_id` of this BMC in the endpoints file.",
        )

    def _passwords(self, bmc: Bmc) -> tuple[Secret, ...]:
        declared = bmc.password
        with self._lock:  # the vault is opened once, not by every thread at its first question
            successor = read_rotations(self.folder).get(declared)
            references = [declared, *([successor] if successor else [])]
            return tuple(self.secrets.get(reference) for reference in references)

    def _url(self, address: str) -> str:
        host = f"[{address}]" if ":" in address else address
        return str(self._endpoint(address).get("url", f"https://{host}"))

    def _endpoint(self, address: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.endpoints.get("bmc", {}).get(address, {})
        return found


def _account(talk: Conversation, user: str) -> str:
    """Return the link of our own account: a BMC that insists on a new password names it."""
    if talk.account_to_change:
        return link_of(talk.account_to_change)
    if not talk.root.get("AccountService"):
        raise BmcError(
            "it has no account service",
            fault=BmcFault.REFUSED,
            remedy="Change the password on its console, and store it with "
            "`orchestrator secret set`.",
        )
    service = talk.follow(talk.root["AccountService"])
    for account in talk.members(service.get("Accounts")):
        if account.get("UserName") == user:
            return link_of(account)
    raise BmcError(
        f"it has no account `{user}`",
        fault=BmcFault.REFUSED,
        remedy="Compare the site's `bmc.user` with the accounts on the BMC.",
    )
