"""What a database owes its data: roles, encryption and audit by the level of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class DatabaseRole(StrEnum):
    """What somebody may do in a database; each has logins of its own."""

    OWNER = "owner"
    """Defines tables; the department's own migrations."""
    APP = "app"
    """Reads and writes them."""
    EXCHANGE = "exchange"
    """Reads what the owner put into the schema `exchange`: masked views, never the tables."""
    AUDITOR = "auditor"
    """Reads settings, statistics and roles, and no data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelRules:
    """What holds for data of one level."""

    roles: tuple[DatabaseRole, ...]
    tls_required: bool
    audit: str
    """Classes of statements that pgaudit writes down (`pgaudit.log`)."""
    log_connections: bool
    notes: tuple[str, ...] = ()
    """What the rules ask for, and a database cannot do."""
    source: str


_ALL: Final = tuple(DatabaseRole)
_AT_REST: Final = "encrypted at rest: by the hosts' disks, which is not seen from here"

LEVELS: Final[Mapping[int, LevelRules]] = {
    1: LevelRules(
        roles=_ALL,
        tls_required=False,
        audit="role",
        log_connections=False,
        source="GB/T 43697-2024: general data",
    ),
    2: LevelRules(
        roles=_ALL,
        tls_required=False,
        audit="role,ddl",
        log_connections=True,
        source="GB/T 43697-2024: general data; GB/T 22239-2019 8.1.4.3 (audit of users)",
    ),
    3: LevelRules(
        roles=_ALL,
        tls_required=True,
        audit="role,ddl,write",
        log_connections=True,
        notes=(_AT_REST,),
        source="GB/T 43697-2024: important data; GB/T 22239-2019 8.1.4.1-3, 8.1.4.7-8",
    ),
    4: LevelRules(
        roles=(DatabaseRole.OWNER, DatabaseRole.APP, DatabaseRole.AUDITOR),
        tls_required=True,
        audit="role,ddl,write,read",
        log_connections=True,
        notes=(
            _AT_REST,
            "not shared: there is no exchange role",
            "dual control: the owner's password belongs to two people, half each",
        ),
        source="GB/T 43697-2024: core data; 国发〔2016〕51号: not shared",
    ),
}
"""By data level. No level trusts an address, and passwords are SCRAM-SHA-256 everywhere."""
