"""What hosts and backup servers must know of continuous archives: `backup prepare` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.model.backup import BackupRepository, Subject
from orchestrator.model.continuous import (
    archive_key_variable,
    archive_place,
    cluster_of,
    is_continuous,
)
from orchestrator.model.hardware import Server
from orchestrator.model.site import Site
from orchestrator.model.units import Json


def archive_variables(
    site: Site, subjects: Sequence[Subject], *, readers: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Json]]:
    """Return what each host is told about archives: those that it fills, and those that it keeps.

    `readers` may read subjects besides those who fill them, by host.
    """
    known = {server.name: server for server in site.hardware.servers}
    archived = [one for one in subjects if is_continuous(one)]
    found: dict[str, dict[str, Json]] = {}
    for name in known:
        filled = [_filled(site, one, known) for one in archived if name in one.hosts]
        kept = [
            _kept(one, repository, readers)
            for repository in site.system.backup_repositories
            if repository.server == name
            for one in archived
            if repository.name in one.repositories
        ]
        servers = _servers_of(site, archived, name, readers=readers)
        if filled or kept or servers:
            places: list[Json] = [
                {"host": one, "address": str(known[one].address)} for one in servers if one in known
            ]
            found[name] = {"filled": [*filled], "kept": [*kept], "servers": places}
    return found


def _filled(site: Site, subject: Subject, known: Mapping[str, Server]) -> dict[str, Json]:
    cluster = subject.cluster
    assert cluster is not None  # noqa: S101 - a continuous subject is a service
    repositories: list[Json] = []
    mine = [one for one in site.system.backup_repositories if one.name in subject.repositories]
    for number, repository in enumerate(mine, 1):
        place = archive_place(subject, repository)
        repositories.append(
            {
                "number": number,
                "address": str(known[repository.server].address),
                "user": place.user,
                "folder": place.folder,
                "key": archive_key_variable(subject, repository.name),
            }
        )
    return {
        "service": subject.name,
        "stanza": cluster_of(subject),
        "version": cluster.version,
        "port": cluster.port,
        "repositories": repositories,
    }


def _kept(
    subject: Subject, repository: BackupRepository, readers: Mapping[str, Sequence[str]]
) -> dict[str, Json]:
    place = archive_place(subject, repository)
    hosts: list[Json] = [*_hosts(subject, repository, readers)]
    return {
        "service": subject.name,
        "stanza": place.stanza,
        "user": place.user,
        "home": place.home,
        "folder": place.folder,
        "hosts": hosts,
    }


def _hosts(
    subject: Subject, repository: BackupRepository, readers: Mapping[str, Sequence[str]]
) -> list[str]:
    others = [host for host, names in readers.items() if subject.name in names]
    return list(dict.fromkeys((*subject.hosts, *repository.restore_hosts, *others)))


def _servers_of(
    site: Site,
    archived: Sequence[Subject],
    host: str,
    *,
    readers: Mapping[str, Sequence[str]],
) -> list[str]:
    """Return the servers of archives that a host fills or may read."""
    return [
        repository.server
        for repository in site.system.backup_repositories
        if any(
            repository.name in one.repositories and host in _hosts(one, repository, readers)
            for one in archived
        )
    ]
