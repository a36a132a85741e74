"""Services: look at what hosts have, and bring the declared databases to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from orchestrator.compile.postgresql_sql import verifier_lines
from orchestrator.compile.scram import scram_verifier
from orchestrator.errors import OrchestratorError, ServiceError
from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.leadership import standing_of, voters_of
from orchestrator.model.playbook import CataloguedPlaybook, PlaybookResult
from orchestrator.model.service_plan import ServicePlan
from orchestrator.model.service_state import HostDatabases, Observed, Term
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.planning.service_variables import (
    Rollout,
    host_variables,
    verifiers_variable,
)
from orchestrator.planning.services import facts_of, needs_certificate, primary_of
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
    """Ask every voter of the services, once each, for all that it has of them.

    Where the primary of one is not among them, all other database hosts are asked for it, too: its
    data may be where an edit of the site's files does not say any more.
    """
    run_here = [one for one in services if one.facts.runs_here]
    first = ask_hosts({one.name: voters_of(site, one).all for one in run_here}, run_here, databases)
    lost = [one for one in run_here if primary_of(facts_of(site, one, first)) is None]
    hosts = database_hosts(site)
    asked = {one.name: voters_of(site, one).all for one in lost}
    others = {name: [one for one in hosts if one not in known] for name, known in asked.items()}
    return _together(first, ask_hosts(others, lost, databases))


def database_hosts(site: Site) -> list[Server]:
    """Return the servers that may carry services."""
    return [
        one
        for one in site.hardware.servers
        if one.role is ServerRole.DATABASE and one.address is not None
    ]


def ask_hosts(
    whom: Mapping[str, Sequence[Server]], services: Sequence[DeclaredService], databases: Databases
) -> dict[str, HostDatabases]:
    """Ask hosts for services, each host once; `whom` has them by service."""
    wanted: dict[str, tuple[Server, list[DeclaredService]]] = {}
    for declared in services:
        for server in whom[declared.name]:
            wanted.setdefault(server.name, (server, []))[1].append(declared)

    def ask(asked: tuple[Server, list[DeclaredService]]) -> HostDatabases:
        return databases.look(*asked)

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="databases") as pool:
        return dict(zip(wanted, pool.map(ask, wanted.values()), strict=True))


def _together(first: Observed, then: Observed) -> Observed:
    """Return what hosts told in two answers; one that fell silent between them is silent."""
    both = {**first, **then}
    for host in first.keys() & then.keys():
        if first[host].answers and then[host].answers:
            clusters = {**first[host].clusters, **then[host].clusters}
            terms = {**first[host].terms, **then[host].terms}
            starts = {**first[host].starts, **then[host].starts}
            both[host] = replace(then[host], clusters=clusters, terms=terms, starts=starts)
    return both


def tell_voters(
    voters: Sequence[Server], declared: DeclaredService, term: Term, *, ports: ServicePorts
) -> dict[str, str]:
    """Tell voters who leads, all at once; return those that do not take it, with their reasons."""

    def missed(server: Server) -> str | None:
        try:
            ports.databases.claim(server, declared, term=term)
        except OrchestratorError as error:
            return error.message
        return None

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="voters") as pool:
        told = list(pool.map(missed, voters))
    return {server.name: why for server, why in zip(voters, told, strict=True) if why is not None}


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
    servers = _worked_on(site, meant, bringing.observed)
    for plan in meant:
        _keep_leader(site, plan, bringing.observed, ports=ports)
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


def silent_witnesses(
    site: Site, plans: Sequence[ServicePlan], observed: Observed
) -> tuple[str, ...]:
    """Return the witnesses that are to be worked on and do not answer, each once."""
    return tuple(one.name for one in _witnesses(site, plans) if not observed[one.name].answers)


def _witnesses(site: Site, plans: Sequence[ServicePlan]) -> tuple[Server, ...]:
    meant = [plan for plan in plans if plan.refusal is None]
    found = [voters_of(site, plan.declared).witness for plan in meant]
    return tuple({one.name: one for one in found if one is not None}.values())


def _worked_on(site: Site, plans: Sequence[ServicePlan], observed: Observed) -> tuple[Server, ...]:
    """Return the hosts of the plans and the witnesses that answer, each once."""
    found = [step.server for plan in plans for step in plan.worked_on]
    found += [one for one in _witnesses(site, plans) if observed[one.name].answers]
    return tuple({one.name: one for one in found}.values())


def _keep_leader(site: Site, plan: ServicePlan, observed: Observed, *, ports: ServicePorts) -> None:
    """Tell voters that do not know it who the primary is, before one is made or may be asked for.

    Raises:
        ServiceError: a voter knows better.
    """
    standing = standing_of(site, plan.declared, observed)
    if plan.primary is None:
        return
    term = standing.next_term(plan.primary.name)
    missed = tell_voters(standing.untold(term), plan.declared, term, ports=ports)
    if missed:
        told = "; ".join(f"{host}: {reason}" for host, reason in missed.items())
        raise ServiceError(
            f"{plan.declared.name}: not all voters keep that {term.leader} leads: {told}",
            remedy=f"Look at: orchestrator service status {plan.declared.name}",
        )


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
