"""What the playbook of services is told of each host: files, scripts, packages, certificates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.compile import postgresql
from orchestrator.compile.archiving import archive_settings
from orchestrator.compile.postgresql_sql import service_script
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import (
    DeclaredService,
    declared_services,
    hosts_of,
    slot_name,
)
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.leadership import voters_of
from orchestrator.model.network import PrefixRole
from orchestrator.model.playbook import Variables
from orchestrator.model.service_plan import ClusterAct, ClusterStep, ServicePlan
from orchestrator.model.site import Site
from orchestrator.model.units import Json

EXCHANGE_ZONE = "xchg"
COPY_SECONDS, COPY_SECONDS_PER_GIB = 300, 30
"""A replica is copied at 35 MB/s or more, or given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """What is brought to hosts in one run."""

    site: Site
    plans: tuple[ServicePlan, ...]
    logins: Mapping[str, Mapping[str, DatabaseRole]]
    """By service: its logins with their roles; no password is here."""
    authority: str
    """The certificate (PEM) of whom clients and hosts trust."""
    certificates: Mapping[str, str]
    """New certificates (PEM) of those hosts that need one."""


def verifiers_variable(declared: DeclaredService) -> str:
    """Return the playbook's variable with a service's verifiers, which are secret."""
    return f"verifiers_{declared.cluster.replace('.', '_dot_')}"


def host_variables(rollout: Rollout, servers: Sequence[Server]) -> dict[str, Variables]:
    """Return what each host is told."""
    return {
        server.name: {
            "host_certificate_authority": rollout.authority,
            "host_certificate_text": rollout.certificates.get(server.name, ""),
            "host_certificate_group": key_group(rollout.site, server),
            "service_leaders_address": str(server.address),
            "service_leaders_services": list(_votes(rollout, server)),
            "postgresql_packages": _packages(rollout, server),
            "postgresql_clusters": [
                _cluster(rollout, plan, step) for plan, step in _steps_of(rollout, server)
            ],
        }
        for server in servers
    }


def key_group(site: Site, server: Server) -> str:
    """Return who reads a host's key, beside root; a witness has no database."""
    served = any(server.name in one.service.hosts for one in declared_services(site))
    return "postgres" if served else "root"


def _votes(rollout: Rollout, server: Server) -> Iterator[Json]:
    """Give the services whose primary a host votes for, with all who do."""
    for plan in rollout.plans:
        voters = voters_of(rollout.site, plan.declared)
        if server.name in {one.name for one in voters.all}:
            addresses: dict[str, Json] = {one.name: str(one.address) for one in voters.all}
            known: dict[str, Json] = {
                "host": server.name,
                "voters": addresses,
                "needed": voters.to_lead,
            }
            yield {"cluster": plan.declared.cluster, "voters": known}


def _steps_of(rollout: Rollout, server: Server) -> Iterator[tuple[ServicePlan, ClusterStep]]:
    for plan in rollout.plans:
        for step in plan.worked_on:
            if step.server.name == server.name:
                yield plan, step


def _packages(rollout: Rollout, server: Server) -> list[Json]:
    wanted = {""}
    for plan, _ in _steps_of(rollout, server):
        service = plan.declared.service
        wanted.add(f"postgresql-{service.version}")
        for extension in (*postgresql.EXTENSIONS_OF_A_LEVEL, *service.extensions):
            wanted.add(plan.declared.facts.extensions[extension])
    return [*sorted(wanted - {""})]


def _cluster(rollout: Rollout, plan: ServicePlan, step: ClusterStep) -> Json:
    declared, primary = plan.declared, plan.primary
    if primary is None:
        raise ValueError(f"{declared.name} was planned without a primary")
    service, host = declared.service, step.server.name
    followers = [one.name for one in hosts_of(rollout.site, declared) if one.name != primary.name]
    members = {primary.name, *followers}
    strangers = [
        one.name
        for one in rollout.site.hardware.servers
        if one.role is ServerRole.DATABASE and one.name not in members
    ]
    script = service_script(
        declared,
        logins=rollout.logins[declared.name],
        replicas=followers,
        strangers=strangers,
    )
    return {
        "leads": step.act.leads,
        "rebuild": step.act is ClusterAct.REBUILD,
        "verifiers": verifiers_variable(declared),
        "script": script if step.act.leads else "",
        "cluster": {
            "name": declared.cluster,
            "service": declared.name,
            "version": service.version,
            "port": service.port,
            "database": declared.database,
            "copy_seconds": COPY_SECONDS + COPY_SECONDS_PER_GIB * service.storage_gib,
            "files": _files(rollout.site, declared, step, primary=primary),
            "upstream": {
                "conninfo": postgresql.conninfo(primary, port=service.port, host=host),
                "slot": slot_name(host),
            },
        },
    }


def _files(
    site: Site, declared: DeclaredService, step: ClusterStep, *, primary: Server
) -> dict[str, Json]:
    """Return a cluster's files; only a replica has an upstream."""
    service, own = declared.service, step.server
    servers = hosts_of(site, declared)
    values = postgresql.settings(declared, own, timezone=site.identity.timezone)
    values |= archive_settings(declared, site.system.backup_policies)
    files: dict[str, Json] = {
        "conf.d/50-site.conf": postgresql.settings_file(values),
        "pg_hba.conf": postgresql.access_file(declared, servers, exchange=exchange_prefixes(site)),
        "pg_ident.conf": postgresql.identities_file(servers),
    }
    if not step.act.leads:
        files["conf.d/60-upstream.conf"] = postgresql.upstream_file(
            primary, port=service.port, host=own.name
        )
    return files


def exchange_prefixes(site: Site) -> list[str]:
    """Return where the exchange platform's programs are: they may log in as `exchange`."""
    return [
        str(prefix.prefix)
        for prefix in site.network.prefixes
        if prefix.zone == EXCHANGE_ZONE and prefix.role is PrefixRole.TENANT
    ]
