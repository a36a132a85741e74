r"""What is in a service's database, as one script for psql that can be run again.

Each step asks first whether it holds already (`\if`) and says `MADE ...` where it did not: what a
run changed is what it says. Passwords come as SCRAM verifiers in psql variables, through stdin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.compile.postgresql import EXTENSIONS_OF_A_LEVEL, REPLICATOR
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, login_names, slot_name

MADE = "MADE "
_MAKE_SLOT = r"SELECT 1 AS made FROM pg_create_physical_replication_slot(:'slot', true) \gset"
_DROP_SLOT = r"SELECT 1 AS dropped FROM pg_drop_replication_slot(:'slot') \gset"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A thing that must be so, and how it is made so."""

    what: str
    holds: str
    """A condition in SQL."""
    make: str


def service_script(
    declared: DeclaredService,
    *,
    logins: Mapping[str, DatabaseRole],
    replicas: Sequence[str],
    strangers: Sequence[str] = (),
) -> str:
    """Return the script: run it in database `postgres` of the primary, as its superuser.

    `strangers` are hosts that may have been replicas, and are none: no log is kept for them.
    """
    database = declared.database
    parts = [
        r"\set ON_ERROR_STOP on",
        "SET pgaudit.log = 'none';",
        *_texts(_of_cluster(declared, logins, replicas)),
        *_texts(_slot_dropped(host) for host in strangers),
        rf"\connect {database}",
        "SET pgaudit.log = 'none';",
        *_texts(_of_database(declared)),
    ]
    return "\n".join(parts) + "\n"


def verifier_lines(verifiers: Mapping[str, str]) -> str:
    r"""Return what stands before the script: the logins' verifiers as psql variables."""
    return "".join(f"\\set {login} '{verifier}'\n" for login, verifier in verifiers.items())


def _texts(steps: Iterator[Step]) -> Iterator[str]:
    for step in steps:
        yield (
            f"SELECT NOT ({step.holds}) AS needed \\gset\n\\if :needed\n{step.make}\n"
            f"\\echo '{MADE}{step.what}'\n\\endif"
        )


def _of_cluster(
    declared: DeclaredService, logins: Mapping[str, DatabaseRole], replicas: Sequence[str]
) -> Iterator[Step]:
    for role in declared.rules.roles:
        yield _role(role.value, "NOLOGIN")
    for login, role in logins.items():
        yield _role(login, "LOGIN")
        yield Step(
            what=f"{login} logs in",
            holds=f"EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}' AND rolcanlogin)",
            make=f"ALTER ROLE {login} LOGIN;",
        )
        yield Step(
            what=f"{login} a member of {role.value}",
            holds=f"pg_has_role('{login}', '{role.value}', 'MEMBER')",
            make=f"GRANT {role.value} TO {login};",
        )
        # What a login makes belongs to its role, so that the next login finds it its own.
        yield Step(
            what=f"{login} acts as {role.value}",
            holds="EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = "
            f"'{login}'::regrole AND 'role={role.value}' = ANY(setconfig))",
            make=f"ALTER ROLE {login} SET role = '{role.value}';",
        )
        yield Step(
            what=f"password of {login}",
            holds=f"EXISTS (SELECT FROM pg_authid WHERE rolname = '{login}' AND rolpassword = "
            f":'{login}')",
            make=f"ALTER ROLE {login} PASSWORD :'{login}';",
        )
    for role in declared.rules.roles:
        yield from _retired(role, logins)
    yield _role(REPLICATOR, "LOGIN REPLICATION")
    yield Step(
        what="the auditor reads statistics and settings",
        holds="pg_has_role('auditor', 'pg_monitor', 'MEMBER')",
        make="GRANT pg_monitor TO auditor;",
    )
    for replica in replicas:
        yield Step(
            what=f"slot of {replica}",
            holds="EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = "
            f"'{slot_name(replica)}')",
            make=f"\\set slot {slot_name(replica)}\n{_MAKE_SLOT}",
        )
    yield from _database(declared.database)


def _retired(role: DatabaseRole, logins: Mapping[str, DatabaseRole]) -> Iterator[Step]:
    """Give what shuts a role's other login out; connections that it has open stay."""
    for login in login_names(role):
        if login not in logins:
            yield Step(
                what=f"{login} retired",
                holds=f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}' AND "
                "rolcanlogin)",
                make=f"ALTER ROLE {login} NOLOGIN PASSWORD NULL;",
            )


def _slot_dropped(host: str) -> Step:
    """Give what ends the log that is kept for a host; one that still reads keeps its place."""
    slot = slot_name(host)
    return Step(
        what=f"no slot of {host}",
        holds="NOT EXISTS (SELECT FROM pg_replication_slots WHERE NOT active AND slot_name = "
        f"'{slot}')",
        make=f"\\set slot {slot}\n{_DROP_SLOT}",
    )


def _database(database: str) -> Iterator[Step]:
    yield Step(
        what=f"database {database}",
        holds=f"EXISTS (SELECT FROM pg_database WHERE datname = '{database}')",
        make=f'CREATE DATABASE "{database}" OWNER owner;',
    )
    yield Step(
        what="nobody else connects",
        holds="NOT EXISTS (SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, "
        "acldefault('d', d.datdba))) a WHERE a.grantee = 0 AND d.datname IN "
        f"('{database}', 'postgres'))",
        make=f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC; '
        "REVOKE ALL ON DATABASE postgres FROM PUBLIC; "
        f"GRANT CONNECT ON DATABASE postgres TO {REPLICATOR};",
    )
    yield Step(
        what="search path",
        holds="EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = "
        f"s.setdatabase WHERE d.datname = '{database}' AND s.setrole = 0 AND "
        "'search_path=data, public' = ANY(s.setconfig))",
        make=f'ALTER DATABASE "{database}" SET search_path = data, public;',
    )


def _of_database(declared: DeclaredService) -> Iterator[Step]:
    roles = declared.rules.roles
    for extension in dict.fromkeys((*EXTENSIONS_OF_A_LEVEL, *declared.service.extensions)):
        yield Step(
            what=f"extension {extension}",
            holds=f"EXISTS (SELECT FROM pg_extension WHERE extname = '{extension}')",
            make=f'CREATE EXTENSION "{extension}" CASCADE;',
        )
    for role in roles:
        yield Step(
            what=f"{role.value} connects",
            holds=f"has_database_privilege('{role.value}', current_database(), 'CONNECT')",
            make=f'GRANT CONNECT ON DATABASE "{declared.database}" TO {role.value};',
        )
    yield from _schema("data", DatabaseRole.APP, "SELECT, INSERT, UPDATE, DELETE")
    if DatabaseRole.EXCHANGE in roles:
        yield from _schema("exchange", DatabaseRole.EXCHANGE, "SELECT")


def _schema(schema: str, reader: DatabaseRole, rights: str) -> Iterator[Step]:
    """Give a schema of the owner's in which a role gets its rights on whatever is made there."""
    role = reader.value
    yield Step(
        what=f"schema {schema}",
        holds=f"EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}')",
        make=f"CREATE SCHEMA {schema} AUTHORIZATION owner;",
    )
    yield Step(
        what=f"{role} uses {schema}",
        holds=f"has_schema_privilege('{role}', '{schema}', 'USAGE')",
        make=f"GRANT USAGE ON SCHEMA {schema} TO {role};",
    )
    defaults = f"ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA {schema} GRANT"
    yield Step(
        what=f"{role} on what is made in {schema}",
        holds="EXISTS (SELECT FROM pg_default_acl a, aclexplode(a.defaclacl) x WHERE "
        f"a.defaclnamespace = '{schema}'::regnamespace AND a.defaclobjtype = 'r' AND "
        f"x.grantee = '{role}'::regrole)",
        make=f"{defaults} {rights} ON TABLES TO {role};",
    )
    if reader is DatabaseRole.APP:
        yield Step(
            what=f"{role} on sequences of {schema}",
            holds="EXISTS (SELECT FROM pg_default_acl a, aclexplode(a.defaclacl) x WHERE "
            f"a.defaclnamespace = '{schema}'::regnamespace AND a.defaclobjtype = 'S' AND "
            f"x.grantee = '{role}'::regrole)",
            make=f"{defaults} USAGE, SELECT ON SEQUENCES TO {role};",
        )


def _role(name: str, kind: str) -> Step:
    return Step(
        what=f"role {name}",
        holds=f"EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')",
        make=f"CREATE ROLE {name} {kind};",
    )
