"""PostgreSQL by Debian's postgresql-common: one cluster for each service, by its local socket."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .ground import ActError, Answer, run
from .sql import STEADY

OWNER = "postgres"
MADE = "made-by-orchestrator-restore"
"""A file in the configuration of a cluster that a restore made: only such a one is removed."""
ROOT = Path("/")
SWAP_TRIES = 5


class Cluster:
    """One cluster of this host."""

    def __init__(self, wanted: Answer) -> None:
        """Take it as the request describes it."""
        self.name, self.version = str(wanted["name"]), str(wanted["version"])
        self.port, self.database = int(wanted["port"]), str(wanted["database"])

    @property
    def configuration(self) -> Path:
        """Return the folder of its configuration."""
        return Path("/etc/postgresql", self.version, self.name)

    def is_there(self) -> bool:
        """Say whether the host has it."""
        return (self.configuration / "postgresql.conf").is_file()

    def is_running(self) -> bool:
        """Say whether its own server answers at its port: a port may be another cluster's."""
        mine = [one for one in clusters_here() if (str(one["version"]), one["cluster"]) == self.key]
        return any(int(one["port"]) == self.port and int(one["running"]) for one in mine)

    @property
    def key(self) -> tuple[str, str]:
        """Return what Debian's tools know it by."""
        return self.version, self.name

    def require(self) -> None:
        """Refuse to go on without a server that answers."""
        if not self.is_there():
            raise ActError("absent", f"there is no cluster {self.version}/{self.name} here")
        if not self.is_running():
            raise ActError("silent", f"cluster {self.version}/{self.name} does not answer")

    def argv(self, program: str, *words: str, database: str | None = None) -> list[str]:
        """Return the command line of one of PostgreSQL's programs, as its owner."""
        return [
            *("runuser", "-u", OWNER, "--", f"/usr/lib/postgresql/{self.version}/bin/{program}"),
            *("-p", str(self.port), "-d", database or self.database, *words),
        ]

    def ask(self, sql: str, *, database: str | None = None, **values: str) -> Any:  # noqa: ANN401 - JSON
        """Run SQL and return what it printed last, read as JSON; None where it printed nothing."""
        words = [*SQL_WORDS, *(w for name, v in values.items() for w in ("-v", f"{name}={v}"))]
        out = run(self.argv("psql", *words, database=database), given=(STEADY + sql).encode())
        lines = out.decode().strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    def databases(self) -> list[str]:
        """Return the names of its databases."""
        sql = "SELECT coalesce(json_agg(datname), '[]') FROM pg_database;"
        return list(self.ask(sql, database="postgres"))


def clusters_here() -> list[Answer]:
    """Return the host's clusters, as Debian's own list tells; none where there is no PostgreSQL."""
    try:
        return list(json.loads(run(["pg_lsclusters", "--json"])))
    except ActError as error:
        if error.kind == "unprepared":
            return []
        raise


SQL_WORDS = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")
"""An error is told without the line that it is in, which may have a verifier."""


def make_roles(cluster: Cluster, wanted: Answer) -> None:
    """Make the roles that a cluster lacks, and what they are members of."""
    names = "SELECT coalesce(json_agg(rolname), '[]') FROM pg_roles;"
    known = set(cluster.ask(names, database="postgres"))
    missing = [role["make"] for role in wanted["roles"] if role["name"] not in known]
    # Whoever reads the server's log must not see their verifiers, not even in a statement that
    # failed.
    quiet = (
        "SET log_statement = 'none'; SET log_min_duration_statement = -1; "
        "SET log_min_error_statement = 'panic';\n"
    )
    cluster.ask(quiet + "\n".join([*missing, *wanted["grants"]]), database="postgres")


def make_database(cluster: Cluster, name: str, wanted: Answer) -> None:
    """Make an empty database with the owner, encoding, rights and settings that were recorded."""
    words = {"db": name, "enc": wanted["encoding"], "co": wanted["collate"], "ct": wanted["ctype"]}
    create = (
        f'CREATE DATABASE :"db" OWNER {wanted["owner"]} TEMPLATE template0 '
        "ENCODING :'enc' LC_COLLATE :'co' LC_CTYPE :'ct';\n"
    )
    rights = [] if wanted["public_connects"] else ['REVOKE CONNECT ON DATABASE :"db" FROM PUBLIC;']
    after = [*rights, *wanted["grants"], *wanted["settings"]]
    cluster.ask(create + "\n".join(after), database="postgres", **words)


def drop(cluster: Cluster, *names: str) -> None:
    """Remove databases, and end whoever uses them."""
    for name in names:
        sql = 'DROP DATABASE IF EXISTS :"db" WITH (FORCE);'
        cluster.ask(sql, database="postgres", db=name)


def take_place(cluster: Cluster, new: str, *, replaced: str) -> None:
    """Give a database the service's name in one transaction; what had it gets another."""
    swap = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'db', :'new')
      \\g /dev/null
    BEGIN;
    SELECT EXISTS (SELECT FROM pg_database WHERE datname = :'db') AS there \\gset
    \\if :there
    ALTER DATABASE :"db" RENAME TO :"old";
    \\endif
    ALTER DATABASE :"new" RENAME TO :"db";
    COMMIT;
    """
    values = {"db": cluster.database, "new": new, "old": replaced}
    for left in reversed(range(SWAP_TRIES)):
        try:
            cluster.ask(swap, database="postgres", **values)
            return
        except ActError:
            # Who connected between the two lines is ended at the next try.
            if not left:
                raise


def make_cluster(cluster: Cluster, extensions: Sequence[str]) -> None:
    """Make a cluster of a restore's own, for this host's users alone, and start it."""
    clear_half_made(cluster)
    if cluster.is_there():
        if not (cluster.configuration / MADE).exists():
            raise ActError("refused", f"cluster {cluster.name} is there, and no restore made it")
    else:
        taken = [one["cluster"] for one in clusters_here() if int(one["port"]) == cluster.port]
        if taken:
            raise ActError("refused", f"port {cluster.port} here is that of cluster {taken[0]}")
        settings = _settings_for(extensions)
        words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        mark = begun(cluster)
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        mark.touch()
        run(
            [
                *("pg_createcluster", cluster.version, cluster.name, "-p", str(cluster.port)),
                *("--start-conf=manual", *words, "--", "--auth-local=peer", "--no-sync"),
                *("--auth-host=scram-sha-256",),
            ]
        )
        (cluster.configuration / MADE).touch()
        mark.unlink()
    if not cluster.is_running():
        run(["pg_ctlcluster", cluster.version, cluster.name, "start"])


def _settings_for(extensions: Sequence[str]) -> Mapping[str, str]:
    loaded = [name for name in extensions if name in {"pgaudit", "pg_stat_statements"}]
    # pg_createcluster puts the quotes.
    return {"shared_preload_libraries": ",".join(loaded)} if loaded else {}


def remove_cluster(cluster: Cluster) -> None:
    """Remove a cluster that a restore made, with its data."""
    clear_half_made(cluster)
    if not cluster.is_there():
        return
    if not (cluster.configuration / MADE).exists():
        raise ActError("refused", f"no restore made cluster {cluster.name}: it is left alone")
    run(["pg_dropcluster", "--stop", cluster.version, cluster.name])
    unmark(cluster.configuration)


def begun(cluster: Cluster, *, root: Path = ROOT) -> Path:
    """Return the file that is there while a restore makes a cluster: left, the making was cut off.

    It is written where there is no such cluster, so whatever lies there later is a restore's.
    """
    return root / "var/lib/orchestrator-restores" / f"{cluster.version}-{cluster.name}"


def clear_half_made(cluster: Cluster, *, root: Path = ROOT) -> None:
    """Remove what a restore left that was killed while it made a cluster; its server never ran."""
    mark = begun(cluster, root=root)
    if not mark.exists():
        return
    for kind in ("etc/postgresql", "var/lib/postgresql"):
        folder = root / kind / cluster.version / cluster.name
        if folder.exists():
            shutil.rmtree(folder)
    mark.unlink()


def unmark(configuration: Path) -> None:
    """Remove the mark of a restore: a cluster of that name made later is nobody's to remove.

    postgresql-common 248: pg_dropcluster removes only files that it knows, and empty folders.
    """
    (configuration / MADE).unlink(missing_ok=True)
    if configuration.is_dir() and not any(configuration.iterdir()):
        configuration.rmdir()


def pgdump(cluster: Cluster, snapshot: str) -> subprocess.Popen[bytes]:
    """Start a dump of that moment; not compressed, so that what did not change is stored once."""
    return subprocess.Popen(  # noqa: S603 - our own argument list
        cluster.argv("pg_dump", "-Fc", "-Z0", f"--snapshot={snapshot}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
    )


def pgrestore(cluster: Cluster, database: str) -> subprocess.Popen[bytes]:
    """Start to fill a database from a dump on the standard input; the first error ends it."""
    return subprocess.Popen(  # noqa: S603 - our own argument list
        cluster.argv("pg_restore", "--exit-on-error", database=database),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
    )
