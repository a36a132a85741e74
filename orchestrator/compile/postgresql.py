"""PostgreSQL's files of a service: settings, who may log in from where, whose certificate counts.

All hosts of a service have the same files but for their own address, so that any of them can be
the primary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, slot_name
from orchestrator.model.hardware import Server

TLS: Final = "/etc/site-tls"
CERTIFICATE: Final = f"{TLS}/current/server.crt"
KEY: Final = f"{TLS}/current/server.key"
AUTHORITY: Final = f"{TLS}/ca.crt"
REPLICATOR: Final = "replicator"
EXTENSIONS_OF_A_LEVEL: Final = ("pgaudit",)
"""What every service has, for its level's audit."""
_HEAD: Final = "# Written by orchestrator from the site's tenancy; changes here are lost.\n"

OWN_SETTINGS: Final = frozenset(
    """listen_addresses port cluster_name ssl ssl_cert_file ssl_key_file ssl_ca_file
    ssl_min_protocol_version password_encryption shared_preload_libraries pgaudit.log
    pgaudit.log_catalog log_connections log_disconnections wal_level hot_standby max_wal_senders
    max_replication_slots max_slot_wal_keep_size archive_mode archive_command primary_conninfo
    primary_slot_name data_directory hba_file ident_file fsync full_page_writes restore_command
    recovery_target_timeline recovery_target recovery_target_action recovery_target_inclusive
    recovery_target_lsn recovery_target_name recovery_target_time recovery_target_xid
    archive_library archive_cleanup_command recovery_end_command promote_trigger_file
    archive_timeout ssl_passphrase_command ssl_passphrase_command_supports_reload include
    include_dir include_if_exists""".split()
)
"""What a service rests on: its `settings` may not touch it."""


def settings(declared: DeclaredService, server: Server, *, timezone: str) -> dict[str, str]:
    """Return the settings of a service on one of its hosts."""
    rules, service = declared.rules, declared.service
    return {
        "listen_addresses": f"localhost,{server.address}",
        "port": str(service.port),
        "cluster_name": declared.name,
        "timezone": timezone,
        "log_timezone": timezone,
        "ssl": "on",
        "ssl_cert_file": CERTIFICATE,
        "ssl_key_file": KEY,
        "ssl_ca_file": AUTHORITY,
        "ssl_min_protocol_version": "TLSv1.2",
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "pgaudit",
        "pgaudit.log": rules.audit,
        "pgaudit.log_catalog": "off",
        "log_connections": _switch(rules.log_connections),
        "log_disconnections": _switch(rules.log_connections),
        "log_line_prefix": "%m [%p] %q%u@%d %h ",
        "wal_level": "replica",
        "hot_standby": "on",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "wal_keep_size": "128MB",
        # A replica that is away for long must not fill the primary's disk.
        "max_slot_wal_keep_size": f"{max(1, service.storage_gib // 4)}GB",
        # Archiving itself is the backup's; switching it on later would need a restart.
        "archive_mode": "on",
        "archive_command": "/bin/true",
        **service.settings,
    }


def settings_file(values: Mapping[str, str]) -> str:
    """Return settings as a file of conf.d."""
    lines = [f"{name} = {_quoted(value)}\n" for name, value in values.items()]
    return _HEAD + "".join(lines)


def access_file(
    declared: DeclaredService, servers: Sequence[Server], *, exchange: Sequence[str]
) -> str:
    """Return pg_hba.conf: declared addresses only, nobody is trusted.

    `exchange` has the prefixes of the exchange platform.
    """
    lines = [_HEAD.rstrip(), "local all postgres peer"]
    lines += _logins(declared, exchange)
    for server in servers:
        for database in ("replication", "postgres"):
            lines.append(f"hostssl {database} {REPLICATOR} {_single(server)} cert map={REPLICATOR}")
    return "\n".join(lines) + "\n"


def identities_file(servers: Sequence[Server]) -> str:
    """Return pg_ident.conf: the certificates of which hosts may replicate."""
    lines = [f"{REPLICATOR} {server.name} {REPLICATOR}\n" for server in servers]
    return _HEAD + "".join(lines)


def conninfo(primary: Server, *, port: int, host: str) -> str:
    """Return how a host reaches a primary, as itself, by its certificate."""
    words = {
        "host": str(primary.address),
        "port": str(port),
        "user": REPLICATOR,
        "application_name": host,
        "sslmode": "verify-full",
        "sslrootcert": AUTHORITY,
        "sslcert": CERTIFICATE,
        "sslkey": KEY,
        "connect_timeout": "10",
        "dbname": "postgres",
    }
    return " ".join(f"{name}={value}" for name, value in words.items())


def upstream_file(primary: Server, *, port: int, host: str) -> str:
    """Return the settings by which a host follows a primary."""
    return settings_file(
        {
            "primary_conninfo": conninfo(primary, port=port, host=host),
            "primary_slot_name": slot_name(host),
        }
    )


def _logins(declared: DeclaredService, exchange: Sequence[str]) -> Iterator[str]:
    """Give the lines of people and programs: a role's logins are the members of its group."""
    kind = "hostssl" if declared.rules.tls_required else "host"
    own = [str(declared.project.prefix), *map(str, declared.service.clients)]
    for role in declared.rules.roles:
        places = [*own, *exchange] if role is DatabaseRole.EXCHANGE else own
        for place in dict.fromkeys(places):
            yield f"{kind} {declared.database} +{role.value} {place} scram-sha-256"


def _single(server: Server) -> str:
    address = server.address
    if address is None:
        raise ValueError(f"{server.name} declares no address: check SV003 lets none pass")
    return f"{address}/{address.max_prefixlen}"


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
