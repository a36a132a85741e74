"""Decide what is drilled where: the remote copy, on a host that has nothing of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    BackupRepository,
    Cluster,
    Instance,
    Place,
    Subject,
    SubjectKind,
)
from orchestrator.model.declared_service import DeclaredService, declared_services, hosts_of
from orchestrator.model.drill import (
    DRILL_CLUSTER,
    DrillWork,
    Target,
    free_hosts,
    servers_with_services,
)
from orchestrator.model.hardware import Server
from orchestrator.model.names import did_you_mean
from orchestrator.model.site import RegionKind, Site

DRILL_PORT = 5999
"""One drill at a time runs on a host, so one name and one port do: what a killed one left is
found by them."""
DRILL_FOLDER = "/var/lib/orchestrator-drill"
DRILL_LOCKS = tuple(
    f"/run/orchestrator-backup/restore-{name}.lock"
    for name in (DRILL_CLUSTER, f"files{DRILL_FOLDER.replace('/', '_')}")
)
"""The engine holds one of them while it restores into that cluster, or files into that folder."""
SSH_PORT = 22
MOST_TARGETS = 4


def drill_work(
    site: Site, subject: Subject, *, repository: str | None = None, host: str | None = None
) -> DrillWork:
    """Return from where and on which host a subject is drilled; both may be named.

    Raises:
        RefusedError: there is no such repository or host, no remote one, or none that is free.
    """
    chosen = _repository(site, subject, repository)
    declared = {one.name: one for one in declared_services(site)}.get(subject.name)
    return DrillWork(
        subject=subject,
        repository=chosen.name,
        host=_host(site, chosen, host),
        production=tuple(_targets(site, subject, declared))[:MOST_TARGETS],
        logins=_logins(declared) if declared else {},
    )


def drill_place(work: DrillWork) -> Place:
    """Return where on the drill's host the copy is restored."""
    if work.subject.instance is not None:
        return _drill_place_of_databases(work.host, work.subject.instance)
    production = work.subject.cluster
    if production is None:
        return Place(server=work.host, folder=DRILL_FOLDER)
    return Place(server=work.host, cluster=drill_cluster(production), make=True)


def drill_cluster(production: Cluster) -> Cluster:
    """Return the cluster of a drill of a production cluster."""
    return Cluster(
        name=DRILL_CLUSTER,
        version=production.version,
        port=DRILL_PORT,
        database=production.database,
    )


def _drill_place_of_databases(host: str, production: Instance) -> Place:
    made = Instance(databases=production.databases, name=DRILL_CLUSTER, port=DRILL_PORT)
    return Place(server=host, instance=made, make=True)


def left_places(host: str, subjects: Sequence[Subject]) -> tuple[Place, ...]:
    """Return every place that an earlier drill on a host may have left something at."""
    clusters = {one.cluster.version: drill_cluster(one.cluster) for one in subjects if one.cluster}
    instances = [one.instance for one in subjects if one.instance][:1]
    return (
        *(Place(server=host, cluster=each, make=True) for each in clusters.values()),
        *(_drill_place_of_databases(host, each) for each in instances),
    )


def _repository(site: Site, subject: Subject, named: str | None) -> BackupRepository:
    known = {one.name: one for one in site.system.backup_repositories}
    mine = {name: known[name] for name in subject.repositories if name in known}
    if named is not None:
        if named not in mine:
            raise RefusedError(
                f"{subject.name} has no copies in `{named}`.{did_you_mean(named, mine)}"
            )
        return mine[named]
    cities = {region.name for region in site.regions if region.kind is RegionKind.CITY}
    remote = [one for one in mine.values() if one.region not in cities]
    if not remote:
        raise RefusedError(
            f"no repository outside the city has copies of {subject.name}: a drill proves the "
            "remote ones",
            remedy="Declare one and add its region to the policy's `copies`, or name one: --from.",
        )
    return remote[0]


def _host(site: Site, repository: BackupRepository, named: str | None) -> str:
    free = free_hosts(site, repository)
    if named is None:
        if not free:
            raise RefusedError(
                f"no host is free to drill copies of {repository.name} on",
                remedy="Add a server without services to the repository's `restore_hosts`.",
            )
        return free[0]
    if named in servers_with_services(site):
        raise RefusedError(
            f"{named} has services: a drill cuts its host off from the network",
            remedy=f"Drill on {', '.join(free) or 'a server without services'}.",
        )
    if named not in free:
        raise RefusedError(
            f"{named} may not read the copies of {repository.name}.{did_you_mean(named, free)}",
            remedy="Add it to the repository's `restore_hosts`, and run `backup prepare`.",
        )
    return named


def _targets(site: Site, subject: Subject, declared: DeclaredService | None) -> Iterator[Target]:
    if declared is not None:
        servers: Sequence[Server] = hosts_of(site, declared)
        port = declared.service.port
    else:
        names = set(subject.hosts)
        port = subject.instance.port if subject.instance else SSH_PORT
        everything = subject.kind is SubjectKind.SITE
        servers = [one for one in site.hardware.servers if everything or one.name in names]
    for server in servers:
        if server.address is not None:
            yield Target(host=server.name, address=str(server.address), port=port)


def _logins(declared: DeclaredService) -> dict[str, tuple[str, ...]]:
    """Return where each role's logins are: a copy may be older than the last rotation."""
    return {
        role.value: (str(declared.login_ref(role)), str(declared.previous_login_ref(role)))
        for role in declared.rules.roles
    }
