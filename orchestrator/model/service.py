"""Services that a tenant asks for: a database of its own on declared hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.units import NOWHERE, Name, PositiveInt, Source, Text


class DatabaseEngine(StrEnum):
    """What a database runs on; data and checks know all of them, hosts run the first."""

    POSTGRESQL = "postgresql"
    OPENGAUSS = "opengauss"
    KINGBASE = "kingbase"
    DM = "dm"


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseService:
    """A database of a tenant: a cluster of its own with one primary and its replicas.

    Each service has its own server process, port, users and backups, so that one department's
    restore, upgrade or restart is nobody else's.
    """

    name: Name
    display: Text
    project: Name
    """The tenant's project that it belongs to: its zone, data level and region count."""
    engine: DatabaseEngine = DatabaseEngine.POSTGRESQL
    version: str = "15"
    hosts: tuple[Name, ...]
    """Servers of role `database`: the primary's when it is made, then its replicas'."""
    witness: Name | None = None
    """A server that keeps who the primary is, without the data; None: a backup host elsewhere."""
    port: Annotated[int, Interval(ge=1024, le=65535)]
    storage_gib: PositiveInt
    extensions: tuple[str, ...] = ()
    """Beside those that the data level asks for, such as `postgis`."""
    clients: tuple[IPv4Network | IPv6Network, ...] = ()
    """Who may log in beside the project's own prefix."""
    settings: dict[str, str] = field(default_factory=dict)
    """The engine's own settings, such as `shared_buffers`; those that the service rests on are
    not to be had."""
    backup: Name | None = None
    """A backup policy of the system layer; None: the project's."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)
