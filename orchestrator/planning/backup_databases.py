"""MariaDB's databases: which subjects they are, where a copy is restored, and what that does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.errors import RefusedError
from orchestrator.model.backup import (
    BackupPolicy,
    BackupSet,
    Instance,
    Manifest,
    Subject,
    SubjectKind,
)
from orchestrator.model.backup_databases import databases_in
from orchestrator.model.drill import DRILL_CLUSTER
from orchestrator.model.site import Site
from orchestrator.planning.elsewhere import PORT_DISTANCE

MADE_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")


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
    """Return the server that a restore makes for a copy, beside whatever the host runs.

    Raises:
        RefusedError: it cannot be called so.
    """
    # Part of a systemd unit's name, where a hyphen is a folder's sign.
    made = name.replace("-", "_")
    if not MADE_NAME.fullmatch(made) or made == DRILL_CLUSTER:
        raise RefusedError(
            f"a server that is restored cannot be called `{made}`",
            remedy="Give --as a name of letters, digits and _, at most 60, that is no drill's.",
        )
    return Instance(
        databases=instance.databases,
        name=made,
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
        yield "Refuse them unless every byte that came, and every row in them, is as recorded"
        yield f"Give all tables their place in one statement: {where}. LOST there: {lost}"
        yield f"Make the users that are missing, with their passwords' hashes ({users})"
    yield "Dump it again, and compare each table's rows and checksum with the record"
    for note in facts.notes:
        yield f"NOTE: {note}"
