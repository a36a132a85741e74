"""Checks of services: databases that tenants ask for, and the hosts that are to carry them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, Known, claimed_twice, error, warning
from orchestrator.compile.postgresql import OWN_SETTINGS
from orchestrator.model.declared_service import DeclaredService, cluster_name, declared_services
from orchestrator.model.engine import ENGINES
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.leadership import LEADERS_PORT
from orchestrator.model.network import PrefixRole
from orchestrator.model.system import BackupPolicy

BASE_DB_ZONE: Final = "base-db"
SENSITIVE_DATA_LEVEL: Final = 3
SETTING: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
REAL_TIME_GRADE: Final = 5
"""From here on GB/T 20988 asks for data that is elsewhere at once: a replica, not a copy."""


@error(
    "SV001",
    "A service's name or project is wrong",
    remedy="Correct the name, or declare the project.",
)
def service_names_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every service to name a project and backup policy that exist, and to be one cluster.

    Hyphens of names become underscores on hosts: two names that would be one there are refused.
    """
    policies = Known("backup policy", {one.name for one in index.site.system.backup_policies})
    claims = []
    for tenant in index.site.tenancy.tenants:
        projects = Known("project of the tenant", {one.name for one in tenant.projects})
        for service in tenant.services:
            yield from projects.miss(service.project, service.source, "project")
            yield from policies.miss(service.backup, service.source, "backup")
            cluster = cluster_name(tenant.name, service.name)
            claims.append(Claim(cluster, f"{tenant.name}/{service.name}", service.source, "name"))
    yield from claimed_twice("The cluster", claims)


@error(
    "SV002",
    "A service asks its engine for what it has not",
    remedy="Choose a version, extension or setting that the engine has.",
)
def engines_have_what_is_asked(index: SiteIndex) -> Iterator[Finding]:
    """Require a known version, known extensions, and settings that the service does not rest on.

    TLS, audit, replication and who may log in follow from the data level; a setting may not
    loosen them.
    """
    for tenant in index.site.tenancy.tenants:
        for service in tenant.services:
            facts = ENGINES[service.engine]
            versions = Known(f"version of {facts.display}", facts.versions)
            yield from versions.miss(service.version, service.source, "version")
            known = Known(f"extension of {facts.display}", facts.extensions)
            for number, name in enumerate(service.extensions):
                yield from known.miss(name, service.source, f"extensions.{number}")
            for name in sorted(service.settings):
                why = _forbidden(name)
                if why is not None:
                    detail = f"{tenant.name}/{service.name} may not set `{name}`{why}."
                    yield Finding(detail, service.source.at(f"settings.{name}"))


def _forbidden(name: str) -> str | None:
    """Return what follows the sentence that a setting is not to be had; None: it is."""
    # PostgreSQL itself takes any case, and blanks: `SSL` would pass for another setting than `ssl`.
    if not SETTING.fullmatch(name):
        return ": settings are written in small letters, digits and underscores"
    return "" if name in OWN_SETTINGS else None


@error(
    "SV003",
    "A service's host cannot carry it",
    remedy="Name servers of role database that declare an address, each once.",
)
def service_hosts_fit(index: SiteIndex) -> Iterator[Finding]:
    """Require hosts that exist, of role database, with an address, each named once."""
    known = {server.name: server for server in index.site.hardware.servers}
    names = Known("server", known)
    for declared in declared_services(index.site):
        service = declared.service
        for number, host in enumerate(service.hosts):
            place = f"hosts.{number}"
            yield from names.miss(host, service.source, place)
            server = known.get(host)
            why = _unfit(server) if server else ""
            if host in service.hosts[:number]:
                why = "is named twice"
            if why:
                yield Finding(f"{host} {why}.", service.source.at(place))


def _unfit(server: Server) -> str:
    if server.role is not ServerRole.DATABASE:
        return f"has role {server.role.value}"
    return "declares no address of its own" if server.address is None else ""


@error(
    "SV004",
    "Two services want one port of a host",
    remedy="Give each service on a host a port of its own.",
)
def service_ports_are_free(index: SiteIndex) -> Iterator[Finding]:
    """Require a port per service and host: each service is a server process of its own.

    Port 8431 is where voters ask each other who leads.
    """
    for one in declared_services(index.site):
        if one.service.port == LEADERS_PORT:
            detail = f"{one.name} wants port {LEADERS_PORT}, where voters ask who leads."
            yield Finding(detail, one.service.source.at("port"))
    claims = (
        Claim(f"{host}:{one.service.port}", one.name, one.service.source, "port")
        for one in declared_services(index.site)
        for host in dict.fromkeys(one.service.hosts)
    )
    yield from claimed_twice("The port", claims)


@error(
    "SV005",
    "A service's data is not where its level belongs",
    remedy="Put the project into the zone base-db.",
)
def sensitive_databases_are_in_their_zone(index: SiteIndex) -> Iterator[Finding]:
    """Require a database with data of level 3 or 4 to belong to a project in the zone base-db."""
    for one in declared_services(index.site):
        zone = one.project.zone
        if one.data_level >= SENSITIVE_DATA_LEVEL and zone != BASE_DB_ZONE:
            detail = f"{one.name} holds data of level {one.data_level}; its project is in {zone}."
            yield Finding(detail, one.service.source.at("project"))


@error(
    "SV006",
    "A service does not survive the loss of a host, a rack or a region",
    remedy="Add a host in another rack, and where the policy asks for it in another region.",
)
def services_survive_losses(index: SiteIndex) -> Iterator[Finding]:
    """Require replicas apart from the primary.

    Data of level 3 or 4, or a backup policy of grade 5 or 6: two hosts in racks of their own in the
    project's region (GB/T 22239-2019 8.1.4.9: hot redundancy). Grade 5 or 6: a host in another
    region, because GB/T 20988 asks for data there in real time.
    """
    policies = {policy.name: policy for policy in index.site.system.backup_policies}
    known = {server.name: server for server in index.site.hardware.servers}
    for one in declared_services(index.site):
        servers = [known[name] for name in one.service.hosts if name in known]
        policy = policies.get(one.backup) if one.backup else None
        if not servers:
            yield Finding(f"{one.name} is on no host.", one.service.source.at("hosts"))
            continue
        for why in _lost_with(index, one, servers, policy=policy):
            yield Finding(f"{one.name} {why}.", one.service.source.at("hosts"))


def _lost_with(
    index: SiteIndex,
    one: DeclaredService,
    servers: Sequence[Server],
    *,
    policy: BackupPolicy | None,
) -> Iterator[str]:
    region_of = index.site.region_of_rack
    first, *others = servers
    home = one.project.region
    racks = [server.rack for server in servers if region_of(server.rack) == home]
    real_time = policy is not None and policy.grade >= REAL_TIME_GRADE
    if one.data_level >= SENSITIVE_DATA_LEVEL or real_time:
        if not others:
            yield f"is on {first.name} alone"
        elif len(racks) < 2:
            yield f"has {len(racks)} of its hosts in {home}: two are asked for"
        elif len(set(racks)) == 1:
            yield f"has its hosts of {home} all in rack {racks[0]}"
    if real_time and policy and len({region_of(server.rack) for server in servers}) == 1:
        yield f"is in {region_of(first.rack)} alone; {policy.name} is of grade {policy.grade}"


@error(
    "SV007",
    "Services ask for more disk than a host has",
    remedy="Lower their storage_gib, or move one to another host.",
)
def service_storage_fits(index: SiteIndex) -> Iterator[Finding]:
    """Require the storage of all services on a host to fit its disks together."""
    promised: dict[str, int] = defaultdict(int)
    known = {server.name: server for server in index.site.hardware.servers}
    profiles = index.site.profiles_by_name
    for one in declared_services(index.site):
        for host in dict.fromkeys(one.service.hosts):
            promised[host] += one.service.storage_gib
            profile = profiles.get(known[host].profile) if host in known else None
            if profile and promised[host] > profile.disk_gib:
                detail = f"{host} has {profile.disk_gib} GiB; with {one.name} its services want "
                place = one.service.source.at("storage_gib")
                yield Finding(f"{detail}{promised[host]}.", place)


@warning(
    "SV008",
    "A service's engine is not run here",
    remedy="Provision it with its own tools; `orchestrator service show` has the facts.",
)
def engines_run_here(index: SiteIndex) -> Iterator[Finding]:
    """Tell of services whose engine is data and checks only: nothing puts it on a host."""
    for tenant in index.site.tenancy.tenants:
        for service in tenant.services:
            facts = ENGINES[service.engine]
            if not facts.runs_here:
                detail = f"{tenant.name}/{service.name} runs on {facts.display}."
                yield Finding(detail, service.source.at("engine"))


OF_HOSTS: Final = frozenset({PrefixRole.SERVICE, PrefixRole.BACKUP, PrefixRole.MANAGEMENT})
"""Prefixes of the platform's own hosts."""


@error(
    "SV009",
    "A service lets more networks log in than its tenant has",
    remedy="Name networks of the tenant's projects, or of one prefix of the platform's hosts.",
)
def clients_are_of_the_tenant(index: SiteIndex) -> Iterator[Finding]:
    """Require clients in a project of the tenant, or in a network of the platform's own hosts.

    Departments get each other's data through the exchange zone, which logs in by its own role; what
    holds other declared prefixes, such as 0.0.0.0/0, lets in whoever comes.
    """
    parents = {prefix.parent for prefix in index.site.network.prefixes}
    of_hosts = [
        prefix.prefix
        for prefix in index.site.network.prefixes
        if prefix.role in OF_HOSTS and prefix.prefix not in parents
    ]
    for one in declared_services(index.site):
        own = [project.prefix for project in one.tenant.projects]
        for number, client in enumerate(one.service.clients):
            if not any(_inside(client, place) for place in (*own, *of_hosts)):
                detail = f"{one.name} lets {client} log in."
                yield Finding(detail, one.service.source.at(f"clients.{number}"))


def _inside(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


@error(
    "SV010",
    "A service's witness cannot vote",
    remedy="Name a server with an address that is none of the service's hosts, best elsewhere.",
)
def witnesses_can_vote(index: SiteIndex) -> Iterator[Finding]:
    """Require a witness that exists, has an address, and does not vote already as a host."""
    known = {server.name: server for server in index.site.hardware.servers}
    names = Known("server", known)
    for one in declared_services(index.site):
        name, place = one.service.witness, one.service.source
        if name is None:
            continue
        yield from names.miss(name, place, "witness")
        if name in one.service.hosts:
            yield Finding(f"{name} is a host of {one.name} itself.", place.at("witness"))
        elif name in known and known[name].address is None:
            yield Finding(f"{name} declares no address of its own.", place.at("witness"))


CHECKS: tuple[Check, ...] = (
    service_names_resolve,
    engines_have_what_is_asked,
    service_hosts_fit,
    service_ports_are_free,
    sensitive_databases_are_in_their_zone,
    services_survive_losses,
    service_storage_fits,
    engines_run_here,
    clients_are_of_the_tenant,
    witnesses_can_vote,
)
