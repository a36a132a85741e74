"""Which host of a MariaDB cluster databases are copied from: one that has all there is to copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault

SYNCED, ALONE = "synced", "primary"
"""A member of a Galera cluster that has all of its data; a server that is in no cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """What a host said of its own MariaDB."""

    role: str
    cluster: str = ""
    """Names the data of a Galera cluster: its members say the same."""


def chosen_member(subject: str, told: Mapping[str, Member]) -> str:
    """Return the first host that has the data, in the order of the site.

    Raises:
        BackupError: none has it; or hosts have different data, and a copy of one would pass for a
            copy of all.
    """
    seen = ", ".join(f"{name} is {one.role}" for name, one in told.items())
    having = {name: one for name, one in told.items() if one.role in {SYNCED, ALONE}}
    if not having:
        raise BackupError(
            f"no host has {subject} to copy: {seen}",
            fault=BackupFault.SILENT,
            remedy="Start MariaDB on one of them; of Galera, wait until a member is synced.",
        )
    # A server by itself has data of its own, whoever else there is.
    datas = {one.cluster or name for name, one in having.items()}
    if len(datas) > 1:
        raise BackupError(
            f"the hosts of {subject} are no cluster, and each has data of its own: {seen}",
            fault=BackupFault.REFUSED,
            remedy="Declare a set for each server, or join the hosts to one cluster.",
        )
    return next(iter(having))
