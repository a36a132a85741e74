"""Services: look at what hosts have, and bring the declared databases to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestrator.compile.postgresql_sql import verifier_lines
from orchestrator.compile.scram import scram_verifier
from orchestrator.errors import ServiceError
from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.hardware import Server
from orchestrator.model.playbook import CataloguedPlaybook, PlaybookResult
from orchestrator.model.service_plan import ServicePlan
from orchestrator.model.service_state import HostDatabases, Observed
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.planning.service_variables import (
    Rollout,
    host_variables,
    verifiers_variable,
)
from orchestrator.planning.services import needs_certificate
from orchestrator.ports.database import CertificateAuthority, Databases
from orchestrator.ports.playbooks import PlaybookWatch
from orchestrator.workflows.playbook import PlaybookPorts, PlaybookWork, play
from orchestrator.workflows.service_logins import Login, ensure_logins

PLAYBOOK = "services/provision-database"
LOOKS_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePorts:
    """Everything that work on services needs from outside; `cli.wiring` fills it."""

    playbooks: PlaybookPorts
    databases: Databases
    authority: CertificateAuthority


@dataclass(frozen=True, kw_only=True, slots=True)
class Bringing:
    """What is to be brought to hosts, and what was seen there when it was decided."""

    plans: Sequence[ServicePlan]
    observed: Observed
    renew: bool = False
    """Every host gets a new certificate, not only where the old one ends soon. Clients and replicas
    trust the authority: old and new ones are good beside each other."""


def look(site: Site, services: Sequence[DeclaredService], databases: Databases) -> Observed:
    """Ask every host of the services, once each, for all that it has of them."""
    wanted: dict[str, tuple[Server, list[DeclaredService]]] = {}
    for declared in services:
        if declared.facts.runs_here:
            for server in hosts_of(site, declared):
                wanted.setdefault(server.name, (server, []))[1].append(declared)

    def ask(asked: tuple[Server, list[DeclaredService]]) -> HostDatabases:
        return databases.look(*asked)

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="databases") as pool:
        return dict(zip(wanted, pool.map(ask, wanted.values()), strict=True))


def apply_services(
    site: Site,
    bringing: Bringing,
    *,
    entry: CataloguedPlaybook,
    ports: ServicePorts,
    watch: PlaybookWatch,
) -> PlaybookResult:
    """Bring services to their hosts; the caller holds the site's lock.

    Passwords are made in the vault, certificates are signed here, and hosts get neither
    passwords (only SCRAM verifiers) nor the authority's key.

    Raises:
        ServiceError: nothing of the plans may be done, or a host gives no request.
    """
    meant = [plan for plan in bringing.plans if plan.refusal is None]
    if not meant:
        raise ServiceError("none of the services may be worked on", remedy="See above why.")
    store = ports.playbooks.secrets
    logins = {plan.declared.name: ensure_logins(plan.declared, store) for plan in meant}
    steps = [step for plan in meant for step in plan.worked_on]
    servers = tuple({step.server.name: step.server for step in steps}.values())
    rollout = Rollout(
        site=site,
        plans=tuple(meant),
        logins={name: {one.login: one.role for one in found} for name, found in logins.items()},
        authority=ports.authority.certificate(),
        certificates=_certificates(servers, bringing, ports),
    )
    work = PlaybookWork(
        entry=entry,
        servers=servers,
        rehearse=False,
        variables=host_variables(rollout, servers),
        secrets={
            verifiers_variable(plan.declared): _verifiers(logins[plan.declared.name], plan.declared)
            for plan in meant
        },
    )
    return play(site, work, ports.playbooks, watch=watch)


def _certificates(
    servers: Sequence[Server], bringing: Bringing, ports: ServicePorts
) -> dict[str, str]:
    """Return new certificates for the hosts that need one."""
    authority = hashlib.sha256(ports.authority.certificate().encode()).hexdigest()
    now = ports.playbooks.clock.now()
    wanted = [
        server
        for server in servers
        if bringing.renew
        or needs_certificate(bringing.observed[server.name], authority=authority, now=now)
    ]
    return {server.name: certify(server, ports) for server in wanted}


def certify(server: Server, ports: ServicePorts) -> str:
    """Return a new certificate for a host; its key is made there, and waits for it."""
    request = ports.databases.certificate_request(server)
    return ports.authority.sign(request, server=server)


def _verifiers(logins: Sequence[Login], declared: DeclaredService) -> Secret:
    return Secret(
        verifier_lines(
            {
                one.login: scram_verifier(
                    one.password.reveal(), login=one.login, service=declared.name
                )
                for one in logins
            }
        )
    )
