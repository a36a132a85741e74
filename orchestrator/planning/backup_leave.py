"""Who may write to and read from each repository, and what its hosts need for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.compile.postgresql import EXTENSIONS_OF_A_LEVEL
from orchestrator.model.backup import BackupRepository, Subject
from orchestrator.model.declared_service import declared_services
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.continuous_leave import archive_variables


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """What hosts must know to write copies: the servers of a run, and each one's variables."""

    servers: tuple[Server, ...]
    variables: Mapping[str, Mapping[str, Json]]


def preparation(
    site: Site, subjects: Sequence[Subject], *, readers: Mapping[str, Sequence[str]]
) -> Preparation:
    """Return who writes where. `readers` may read subjects besides those who make them, by host.

    Every subject of the site belongs into it, not a choice of them: a host keeps no other leave.
    """
    known = {server.name: server for server in site.hardware.servers}
    grants = {one.name: _grants(one, subjects, readers) for one in site.system.backup_repositories}
    names = {name for each in grants.values() for name in each}
    names |= {one.server for one in site.system.backup_repositories}
    served: dict[str, dict[str, Json]] = {
        one.server: {
            "path": one.path,
            "append_only": one.append_only,
            "writers": [
                {"host": host, "subjects": list(allowed)}
                for host, allowed in sorted(grants[one.name].items())
            ],
        }
        for one in site.system.backup_repositories
    }
    variables: dict[str, Mapping[str, Json]] = {}
    archives = archive_variables(site, subjects, readers=readers)
    for name in sorted(names & known.keys()):
        servers: list[Json] = [
            {"host": one.server, "address": str(known[one.server].address)}
            for one in site.system.backup_repositories
            if name in grants[one.name] and one.server in known
        ]
        guests = [
            one
            for one in subjects
            if name not in one.hosts
            and any(one.name in each.get(name, ()) for each in grants.values())
        ]
        told: dict[str, Json] = {
            "servers": servers,
            "repository": served.get(name),
            "packages": _packages(site, guests),
            "mariadb": any(one.instance is not None for one in guests),
        }
        variables[name] = {"backup": told, "archive": archives.get(name, {})}
    servers_meant = tuple(one for one in site.hardware.servers if one.name in variables)
    return Preparation(servers=servers_meant, variables=variables)


def narrowed(wanted: Preparation, site: Site, subjects: Sequence[Subject]) -> Preparation:
    """Return a preparation without the hosts that some subjects have nothing to do with; none: all.

    What each of the others may do is as it was: a host that is not in a run keeps its leave.
    """
    if not subjects:
        return wanted
    known = {one.name: one for one in site.system.backup_repositories}
    mine = [known[name] for subject in subjects for name in subject.repositories if name in known]
    names = {host for subject in subjects for host in subject.hosts}
    names |= {host for one in mine for host in (one.server, *one.restore_hosts)}
    return replace(wanted, servers=tuple(one for one in wanted.servers if one.name in names))


def _packages(site: Site, guests: Sequence[Subject]) -> list[Json]:
    """Return what a host needs to bring other hosts' services up."""
    known = {declared.name: declared for declared in declared_services(site)}
    wanted: set[str] = set()
    for subject in guests:
        if subject.cluster is not None:
            declared = known[subject.name]
            wanted.add(f"postgresql-{subject.cluster.version}")
            extensions = (*EXTENSIONS_OF_A_LEVEL, *declared.service.extensions)
            wanted |= {declared.facts.extensions.get(name, "") for name in extensions}
    return [*sorted(wanted - {""})]


def _grants(
    repository: BackupRepository, subjects: Sequence[Subject], readers: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return what each host may write to, or read from, one repository."""
    found: dict[str, list[str]] = {}
    for subject in subjects:
        if repository.name not in subject.repositories or not subject.hosts:
            # What no host has goes through the repository's own server: nobody else needs leave.
            continue
        others = [host for host, names in readers.items() if subject.name in names]
        for host in dict.fromkeys((*subject.hosts, *repository.restore_hosts, *others)):
            found.setdefault(host, []).append(subject.name)
    return found
