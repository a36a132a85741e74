"""What is done to BMCs now and then: virtual media, and trying the logins of the factory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.errors import BmcError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import BmcFault, Unknown
from orchestrator.model.media import MediaSlot
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.factory_logins import factory_logins_of
from orchestrator.providers.redfish.media import eject, insert, read_media


@dataclass(frozen=True, slots=True)
class RedfishMedia:
    """The virtual drives of servers."""

    bmcs: RedfishBmcs

    def slots(self, server: Server) -> tuple[MediaSlot, ...]:
        """Return the drives with what is in them."""
        with self.bmcs.system(server.bmc) as (talk, system):
            return read_media(talk, system)

    def insert(self, server: Server, url: str) -> tuple[MediaSlot, ...]:
        """Insert an image into a free drive of its kind, and see it there."""
        with self.bmcs.system(server.bmc) as (talk, system):
            return insert(talk, system, url)

    def eject(self, server: Server) -> tuple[MediaSlot, ...]:
        """Empty all drives, and see them empty."""
        with self.bmcs.system(server.bmc) as (talk, system):
            return eject(talk, system)


@dataclass(frozen=True, slots=True)
class RedfishFactoryLogins:
    """The logins that BMCs leave the factory with, each tried once."""

    bmcs: RedfishBmcs

    def accepted(self, server: Server, *, vendor: str) -> tuple[str, ...] | Unknown:
        """Return the factory's users that can still log in; Unknown where none is known."""
        logins = factory_logins_of(vendor)
        if not logins:
            return Unknown(f"no factory login of {vendor} is known")
        opened = []
        for login in logins:
            bmc = replace(server.bmc, user=login.user)
            try:
                self.bmcs.try_login(bmc, login.password)
            except BmcError as error:
                if error.fault is not BmcFault.LOGIN_REFUSED:
                    raise
            else:
                opened.append(login.user)
        return tuple(opened)
