"""Which host of a MariaDB cluster databases are copied from: one that has all there is to copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault

SYNCED, ALONE = "synced", "primary"
"""A member of a Galera cluster that has all of its data; a server that is in no cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """What a host said of its own MariaDB."""

    role: str
    cluster: str = ""
    """Names the history of a Galera cluster's data: its members say the same."""
    size: int = 0
    """How many members it counts in its part of the cluster; 0: it is in none, or did not say."""


def member_of(answer: Mapping[str, Any]) -> Member:
    """Return what a host said, as its act `role-databases` gives it."""
    return Member(
        role=str(answer["role"]), cluster=str(answer["cluster"]), size=int(answer.get("size", 0))
    )


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
    # Parts of one that was torn have the same history, and each counts its own members.
    counted = max(one.size for one in having.values())
    if len(datas) == 1 and counted and len(having) > counted:
        raise BackupError(
            f"{len(having)} hosts of {subject} are synced, and no part of their cluster has more "
            f"than {counted}: it was parted, and the parts may have different data ({seen})",
            fault=BackupFault.REFUSED,
            remedy="Join them to one cluster again: wsrep_cluster_size must count them all.",
        )
    return next(iter(having))
