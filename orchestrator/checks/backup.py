"""Checks of what backups are declared as: repositories, their servers, and sets of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, Known, claimed_twice, error, named_twice
from orchestrator.model.backup import BackupRepository, BackupSet
from orchestrator.model.backup_databases import SYSTEM_DATABASES
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.network import INTERNET, PrefixRole

DATABASE_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
WITH_MARIADB: Final = frozenset({ServerRole.CONTROL, ServerRole.DATABASE})


@error("BK001", "Two things of backups are the same", remedy="Rename or move one of them.")
def backup_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names of repositories and sets, and a folder of its own for each repository.

    A set has no tenant's name either: both begin the names of what is copied.
    """
    system = index.site.system
    yield from named_twice(system.backup_repositories)
    yield from named_twice(system.backup_sets)
    claims = (
        Claim((one.server, one.path), "a repository", one.source, "path")
        for one in system.backup_repositories
    )
    yield from claimed_twice("The server and path", claims)
    for one in system.backup_sets:
        if one.name in index.tenants:
            yield Finding(f"`{one.name}` is a tenant's name.", one.source.at("name"))


@error(
    "BK002",
    "A reference of backups leads nowhere",
    remedy="Correct the name, or declare the thing.",
)
def backup_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require all that repositories and sets name to be declared: regions, servers, policies ...

    ... and images of the system layer, and projects of tenants.
    """
    system = index.site.system
    regions = Known("region", index.regions)
    servers = Known("server", {server.name for server in index.site.hardware.servers})
    policies = Known("backup policy", {policy.name for policy in system.backup_policies})
    images = Known("image", {image.name for image in system.images})
    projects = Known(
        "project",
        {
            f"{tenant.name}/{one.name}"
            for tenant in index.site.tenancy.tenants
            for one in tenant.projects
        },
    )
    for repository in system.backup_repositories:
        yield from regions.miss(repository.region, repository.source, "region")
        yield from servers.miss(repository.server, repository.source, "server")
        for number, name in enumerate(repository.restore_hosts):
            yield from servers.miss(name, repository.source, f"restore_hosts.{number}")
    for one in system.backup_sets:
        yield from policies.miss(one.policy, one.source, "policy")
        for number, name in enumerate(one.hosts):
            yield from servers.miss(name, one.source, f"hosts.{number}")
        for number, name in enumerate(one.images):
            yield from images.miss(name, one.source, f"images.{number}")
        for volume in one.volumes:
            yield from projects.miss(f"{volume.tenant}/{volume.project}", volume.source, "project")


@error(
    "BK003",
    "A repository is not on a backup server of its region",
    remedy="Name a server of role `backup` in the region, with an `address`.",
)
def repositories_are_on_backup_servers(index: SiteIndex) -> Iterator[Finding]:
    """Require a repository's server to have the role `backup`, an address, and its region.

    Copies on a server that also serves tenants are lost with it, and who breaks into one has both.
    """
    servers = {server.name: server for server in index.site.hardware.servers}
    for one in index.site.system.backup_repositories:
        server = servers.get(one.server)
        if server is None:
            continue
        region = index.site.region_of_rack(server.rack)
        faults = [
            f"has the role {server.role.value}" if server.role is not ServerRole.BACKUP else "",
            "has no address" if server.address is None else "",
            f"stands in {region}, not {one.region}" if region != one.region else "",
        ]
        for fault in filter(None, faults):
            yield Finding(f"{server.name} {fault}.", one.source.at("server"))


@error(
    "BK009",
    "A tenant may reach the backups",
    remedy="Remove the flow: hosts bring their copies over the backup plane.",
)
def backups_are_out_of_reach(index: SiteIndex) -> Iterator[Finding]:
    """Require no flow from a tenant, or from the internet, into a zone that holds backups."""
    prefixes = index.site.network.prefixes
    backups = {one.zone for one in prefixes if one.role is PrefixRole.BACKUP}
    tenants = {one.zone for one in prefixes if one.role is PrefixRole.TENANT} | {INTERNET}
    for flow in index.site.network.flows:
        origin, end = index.flow_end(flow.from_), index.flow_end(flow.to)
        if origin is None or end is None or end.zone not in backups - tenants:
            continue
        if origin.zone in tenants:
            yield Finding(
                f"{flow.name} leads from {flow.from_} to {flow.to}.", flow.source.at("to")
            )


@error(
    "BK011",
    "A backup set or policy contradicts itself",
    remedy="Correct the entry.",
)
def sets_and_days_make_sense(index: SiteIndex) -> Iterator[Finding]:
    """Require a set to be one of: files of hosts by absolute paths, databases of hosts, images ...

    ... volumes, the site's own records.

    And days that fit each other: nothing is immutable, or kept in full, longer than it is kept.
    """
    system = index.site.system
    for one in system.backup_sets:
        for key, fault in _set_faults(one):
            yield Finding(f"{one.name} {fault}.", one.source.at(key))
    for policy in system.backup_policies:
        for key, days in (
            ("immutable_days", policy.immutable_days),
            ("keep_all_days", policy.keep_all_days),
        ):
            # A default that is longer than a short `keep_days` is nobody's fault.
            if days > policy.keep_days and key in policy.source.fields:
                detail = (
                    f"{policy.name}: {days} days are more than the {policy.keep_days} it is kept."
                )
                yield Finding(detail, policy.source.at(key))


@error(
    "BK012",
    "Two repositories are on one server",
    remedy="Give each a server of its own, or leave one of them out.",
)
def servers_keep_one_repository(index: SiteIndex) -> Iterator[Finding]:
    """Require a server of its own for each repository: two on one are lost together.

    They are one place, whatever their folders are called. Two with the same folder are BK001's.
    """
    first: dict[str, BackupRepository] = {}
    for one in index.site.system.backup_repositories:
        other = first.setdefault(one.server, one)
        if other is not one and other.path != one.path:
            detail = f"{one.server} keeps {other.name} and {one.name}."
            yield Finding(detail, one.source.at("server"))


def _set_faults(one: BackupSet) -> Iterator[tuple[str, str]]:
    of_hosts = bool(one.roles or one.hosts)
    kinds = {
        "site": one.site,
        "images": bool(one.images),
        "volumes": bool(one.volumes),
        "databases": bool(one.databases),
        "paths": bool(one.paths) or (of_hosts and not one.databases),
    }
    meant = [key for key, there in kinds.items() if there]
    if len(meant) > 1:
        yield meant[0], f"is of two kinds: it has {' and '.join(meant)}"
    elif meant in ([], ["paths"]) and not (of_hosts and one.paths):
        yield "name", "names no hosts, or no paths"
    yield from _database_faults(one)
    if one.settings and not one.site:
        yield (
            "settings",
            "reads devices and BMCs, which are kept among the site's own records alone",
        )
    names = [volume.name for volume in one.volumes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "volumes", f"has two volumes {name}: give one of them another name, and its `id`"
    for number, path in enumerate(one.paths):
        if not path.startswith("/") or "/../" in f"{path}/":
            yield f"paths.{number}", f"has the path `{path}`, which is not absolute"


def _database_faults(one: BackupSet) -> Iterator[tuple[str, str]]:
    if one.databases and not (one.roles or one.hosts):
        yield "databases", "names databases, and no hosts that have them"
    for number, name in enumerate(one.databases):
        key = f"databases.{number}"
        if DATABASE_NAME.fullmatch(name) is None:
            yield key, f"has the database `{name}`: letters, digits and underscores make a name"
        if name in SYSTEM_DATABASES:
            yield key, f"has `{name}`, which is a server's own and is not brought back"
        if name in one.databases[:number]:
            yield key, f"has `{name}` twice"


@error(
    "BK015",
    "Databases are not where a set looks for them",
    remedy="Name control or database servers with an `address`, and each database in one set.",
)
def sets_of_databases_have_servers(index: SiteIndex) -> Iterator[Finding]:
    """Require the hosts of a set of databases to be of role `control` or `database`, and reachable.

    And no database of a host in two sets: a restore of one would take the other's place.
    """

    def servers_of(one: BackupSet) -> list[Server]:
        return [each for each in index.site.hardware.servers if one.databases and one.means(each)]

    first: dict[tuple[str, str], str] = {}
    for one in index.site.system.backup_sets:
        for server in servers_of(one):
            if server.role not in WITH_MARIADB:
                detail = f"{server.name} of {one.name} has the role {server.role.value}."
                yield Finding(detail, one.source.at("databases"))
            elif server.address is None:
                detail = f"{server.name} of {one.name} has no address."
                yield Finding(detail, one.source.at("databases"))
            for number, name in enumerate(one.databases):
                other = first.setdefault((server.name, name), one.name)
                if other != one.name:
                    detail = f"{name} of {server.name} is in {other} and in {one.name}."
                    yield Finding(detail, one.source.at(f"databases.{number}"))


CHECKS: tuple[Check, ...] = (
    backup_names_are_unique,
    backup_references_resolve,
    repositories_are_on_backup_servers,
    backups_are_out_of_reach,
    sets_and_days_make_sense,
    servers_keep_one_repository,
    sets_of_databases_have_servers,
)
