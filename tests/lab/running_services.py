"""The services of the test city, as tests see them: the command line, and SQL from any host."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.model.host import Ran
from orchestrator.spec.load import load_site
from tests.lab.service_town import ServiceTown

DATABASE_HOSTS = ("db-1", "db-2", "dr-db-1")
WITNESS = "dr-bak-1"
LEFT_OUT = ("gongan", "caizheng")
"""Tenants whose databases would show nothing that the other four do not."""


class RunningServices:
    """The services of a town on three hosts: four of them, or all six."""

    def __init__(self, town: ServiceTown, *, left_out: Sequence[str] = LEFT_OUT) -> None:
        """Boot the hosts, and bring the services to them."""
        self.town = town
        town.leave_out(left_out)
        town.up((*DATABASE_HOSTS, WITNESS))
        for host in (*DATABASE_HOSTS, WITNESS):
            town.await_host(host)
        self.applied = self.run("apply", "--yes", "-o", "json")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `orchestrator service ...` on the city."""
        verb, *rest = arguments
        return self.town.run("service", verb, "--site", str(self.town.directory), *rest)

    def told(self, *arguments: str) -> Any:
        """Run it, and return its JSON."""
        done = self.run(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def service(self, name: str) -> DeclaredService:
        """Return what is declared of one service."""
        site = load_site(self.town.directory).site
        return next(one for one in declared_services(site) if one.name == name)

    def roles(self, name: str) -> Mapping[str, str]:
        """Return what each host is for a service now."""
        return _roles(self.told("status", name))

    def roles_now(self, name: str) -> Mapping[str, str]:
        """Return the same of a service that is not all ok."""
        return _roles(json.loads(self.run("status", name, "-o", "json").stdout))

    def on(self, host: str, command: str, *, given: str = "") -> Ran:
        """Run a command on a host, as root."""
        return self.town.ran(host, command, given=given)

    def login(self, name: str, role: DatabaseRole) -> tuple[str, str]:
        """Return a role's login and its password, as the vault has them now."""
        vault = AnsibleVaultSecrets(self.town.directory)  # the town's own has read it before
        ref = self.service(name).login_ref(role)
        login, _, password = vault.get(ref).reveal().partition(":")
        return login, password

    def as_superuser(self, host: str, name: str, sql: str) -> str:
        """Run SQL on a host itself, in a service's database."""
        one = self.service(name)
        command = f"runuser -u postgres -- psql -XAtq -p {one.service.port} -d {one.database} -f -"
        ran = self.on(host, command, given=sql)
        assert ran.status == 0, ran.err
        return ran.out.strip()

    def sql(
        self, name: str, role: DatabaseRole, sql: str, *, at: str, mode: str = "verify-full"
    ) -> Ran:
        """Log in to a host from another one with the vault's password, and run SQL."""
        one = self.service(name)
        via = next(host for host in DATABASE_HOSTS if host != at)
        login, password = self.login(name, role)
        words = (
            f"host={self.town.server(at).address} port={one.service.port} dbname={one.database} "
            f"user={login} sslmode={mode} sslrootcert=/etc/site-tls/ca.crt connect_timeout=5"
        )
        script = f"export PGPASSWORD={shlex.quote(password)}\n"
        script += f"psql -XAtq -v ON_ERROR_STOP=1 {shlex.quote(words)} -c {shlex.quote(sql)}\n"
        return self.on(via, "bash -s", given=script)


def _roles(told: Any) -> Mapping[str, str]:
    (found,) = told["services"]
    return {one["host"]: one["role"] for one in found["clusters"]}
