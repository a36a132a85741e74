"""MariaDB as backups see it: the servers of OpenStack's own databases, and what is copied of them.

Members of one Galera cluster hold the same data, so the databases of a set are one subject in each
region, whatever the number of its hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from orchestrator.model.backup_facts import Facts
from orchestrator.model.units import PositiveInt

DatabaseName = Annotated[str, Len(1, 48)]
"""As MariaDB has it, such as `nova_api`; 16 letters are left for the draft of a restore."""
OWN_PORT = 3306
OWN_DATABASE = "orchestrator"
"""It has the sentinel, and is in each dump."""
SYSTEM_DATABASES = frozenset(
    {"information_schema", "mysql", "performance_schema", "sys", OWN_DATABASE}
)
"""They belong to a server and not to a service: a dump that brings them back breaks it."""

DEFINITIONS_OF = "definitions of "
"""Each database of a dump is named so among the properties, also where it has no table."""


def databases_in(facts: Facts) -> tuple[str, ...]:
    """Return the databases of a copy, without our own: a site may declare others by now."""
    names = (name.removeprefix(DEFINITIONS_OF) for name in facts.properties)
    named = {*names} - {*facts.properties, OWN_DATABASE}
    return tuple(sorted(named))


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """A MariaDB server of a host, with the databases that are meant there."""

    databases: tuple[str, ...]
    name: str = ""
    """Of a server that a restore made, with a folder, a socket and a port of its own. Empty: the
    host's own server."""
    port: PositiveInt = OWN_PORT
