"""A declared service with whom it belongs to, and the names that follow from that."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.data_level import LEVELS, DatabaseRole, LevelRules
from orchestrator.model.engine import ENGINES, EngineFacts
from orchestrator.model.hardware import Server
from orchestrator.model.service import DatabaseService
from orchestrator.model.site import Site
from orchestrator.model.tenancy import Project, Tenant
from orchestrator.model.units import REFERENCE_SCHEME, SecretRef


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredService:
    """One service of the site."""

    tenant: Tenant
    project: Project
    service: DatabaseService

    @property
    def name(self) -> str:
        """Return what it is called: TENANT/SERVICE."""
        return f"{self.tenant.name}/{self.service.name}"

    @property
    def cluster(self) -> str:
        """Return the name of its cluster on hosts."""
        return cluster_name(self.tenant.name, self.service.name)

    @property
    def database(self) -> str:
        """Return the name of its database."""
        return database_name(self.service.name)

    @property
    def facts(self) -> EngineFacts:
        """Return what is known of its engine."""
        return ENGINES[self.service.engine]

    @property
    def data_level(self) -> int:
        """Return the level of its data: the project's, or the tenant's."""
        own = self.project.data_level
        return self.tenant.data_level if own is None else own

    @property
    def rules(self) -> LevelRules:
        """Return what it owes its data."""
        return LEVELS[self.data_level]

    @property
    def backup(self) -> str | None:
        """Return its backup policy: its own, or the project's."""
        return self.service.backup or self.project.backup

    def login_ref(self, role: DatabaseRole) -> SecretRef:
        """Return where a role's login is in the vault: `LOGIN:PASSWORD`."""
        return SecretRef(f"{REFERENCE_SCHEME}service/{self.name}/{role.value}")

    def previous_login_ref(self, role: DatabaseRole) -> SecretRef:
        """Return where the login before the last rotation is, which still works."""
        return SecretRef(f"{self.login_ref(role)}-previous")


def cluster_name(tenant: str, service: str) -> str:
    """Return a service's name as Debian's tools and systemd take it.

    A hyphen in a cluster's name breaks systemd's unit of it, and a slash any path:
    `gongan/legal-entities` is `gongan__legal_entities`. Check SV001 refuses two services that
    would get the same one.
    """
    return f"{tenant}__{service}".replace("-", "_")


def database_name(service: str) -> str:
    """Return a service's name as it needs no quotes in SQL."""
    return service.replace("-", "_").replace(".", "_")


def login_names(role: DatabaseRole) -> tuple[str, str]:
    """Return the two logins that a role may have: one is used, the other comes with a rotation."""
    return f"{role.value}_a", f"{role.value}_b"


def slot_name(host: str) -> str:
    """Return the replication slot of a host: lower-case letters, digits and underscores only."""
    return host.replace("-", "_").replace(".", "_")


def declared_services(site: Site) -> tuple[DeclaredService, ...]:
    """Return the services of a checked site; one of an unknown project is left out (SV001)."""
    return tuple(
        DeclaredService(tenant=tenant, project=project, service=service)
        for tenant in site.tenancy.tenants
        for service in tenant.services
        for project in tenant.projects
        if project.name == service.project
    )


def hosts_of(site: Site, declared: DeclaredService) -> tuple[Server, ...]:
    """Return a service's servers, in their declared order."""
    known = {server.name: server for server in site.hardware.servers}
    return tuple(known[name] for name in declared.service.hosts if name in known)
