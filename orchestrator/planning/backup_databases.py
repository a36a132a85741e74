"""MariaDB's databases: which subjects they are, where a copy is restored, and what that does."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.backup import (
    BackupPolicy,
    BackupSet,
    Instance,
    Manifest,
    Subject,
    SubjectKind,
)
from orchestrator.model.backup_databases import databases_in
from orchestrator.model.site import Site

PORT_DISTANCE = 10_000
"""Between MariaDB's port and the one of a copy elsewhere."""
ELSEWHERE = "restored"


def subjects_of_databases(
    site: Site, declared: BackupSet, policy: BackupPolicy, *, repositories: tuple[str, ...]
) -> Iterator[Subject]:
    """Return one subject for each region: its hosts are one cluster, and hold the same data."""
    members: dict[str, list[str]] = {}
    for server in filter(declared.means, site.hardware.servers):
        region = site.region_of_rack(server.rack)
        if region is not None:
            members.setdefault(region, []).append(server.name)
    for region, hosts in members.items():
        yield Subject(
            name=f"{declared.name}/{region}",
            kind=SubjectKind.DATABASES,
            policy=policy,
            repositories=repositories,
            hosts=tuple(hosts),
            instance=Instance(databases=declared.databases),
        )


def instance_elsewhere(instance: Instance, *, name: str, port: int | None) -> Instance:
    """Return the server that a restore makes for a copy, beside whatever the host runs."""
    return Instance(
        databases=instance.databases,
        # Part of a systemd unit's name, where a hyphen is a folder's sign.
        name=name.replace("-", "_") or ELSEWHERE,
        port=instance.port + PORT_DISTANCE if port is None else port,
    )


def where_is(instance: Instance) -> str:
    """Return a server in a few words."""
    if not instance.name:
        return "its own MariaDB"
    return f"MariaDB {instance.name}, port {instance.port}"


def steps_of_databases(manifest: Manifest, where: str, *, make: bool, lost: str) -> Iterator[str]:
    """Return what a restore of databases does once the copy is found, line by line."""
    facts = manifest.facts
    rows = sum(table.rows for table in facts.tables.values())
    names = ", ".join(databases_in(facts))
    filled = f"{names}: {len(facts.tables)} tables, {rows} rows"
    users = ", ".join(facts.roles) or "none"
    if make:
        yield f"Make {where}, for this host's users alone; nothing of the host's settings is read"
        yield f"Fill it with {filled}; remove it unless what came is what was recorded"
        yield f"Make the users, with their passwords' hashes ({users})"
    else:
        yield f"Fill new databases beside those in use with {filled}"
        yield "Refuse them unless what came is, byte for byte, what was recorded"
        yield f"Make the users that are missing, with their passwords' hashes ({users})"
        yield f"Give all tables their place in one statement: {where}. LOST there: {lost}"
    yield "Dump it again, and compare each table's rows and checksum with the record"
    for note in facts.notes:
        yield f"NOTE: {note}"
