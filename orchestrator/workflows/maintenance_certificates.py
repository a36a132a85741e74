"""Hosts' certificates, for maintenance: the HostCertificates port on the services' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import ServiceError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import Unknown
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.site import Site
from orchestrator.planning.service_variables import key_group
from orchestrator.workflows.maintenance_playbook import UnseenEndError, require_well
from orchestrator.workflows.playbook import PlaybookWork, play
from orchestrator.workflows.services import LOOKS_AT_ONCE, ServicePorts, certify

RENEW_PLAYBOOK = "maintenance/renew-certificate"


@dataclass(frozen=True, kw_only=True)
class SiteCertificates:
    """Certificates of the site's own authority; a host's key is made on it and stays there."""

    site: Site
    ports: ServicePorts
    entry: CataloguedPlaybook

    def until(self, servers: Sequence[Server]) -> Mapping[str, datetime | Unknown]:
        """Return when each server's certificate ends; all are asked, once."""
        with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="certificates") as pool:
            told = list(pool.map(self._until, servers))
        return {
            server.name: until
            for server, until in zip(servers, told, strict=True)
            if until is not None
        }

    def renew(self, server: Server, *, ending: datetime) -> None:
        """Replace the certificate that ends then, and let the host's services read the new one."""
        now = self._until(server)
        if isinstance(now, Unknown):
            raise ServiceError(f"{server.name}: {now.reason}")
        new = certify(server, self.ports) if now is None or now <= ending else ""
        work = PlaybookWork(
            entry=self.entry,
            servers=(server,),
            rehearse=False,
            any_time=True,
            variables={
                server.name: {
                    "host_certificate_authority": self.ports.authority.certificate(),
                    "host_certificate_text": new,
                    "host_certificate_group": key_group(self.site, server),
                }
            },
        )
        require_well(play(self.site, work, self.ports.playbooks, watch=lambda _: None), server.name)
        after = self._until(server)
        if isinstance(after, Unknown):
            raise UnseenEndError(
                f"whether {server.name} has its new certificate is unknown: {after.reason}"
            )
        if after is None or after <= ending:
            raise ServiceError(f"{server.name} has the certificate that ends {ending:%Y-%m-%d}")

    def _until(self, server: Server) -> datetime | Unknown | None:
        told = self.ports.databases.look(server, ())
        return told.certificate_until if told.answers else Unknown(told.reason)
