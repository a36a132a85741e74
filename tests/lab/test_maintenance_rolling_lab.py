"""All hosts of a city patched and rebooted, certificates and logins renewed, under a client.

Some fifteen minutes on two cores: run it with ORCHESTRATOR_TEST_SLOW=1. What it measured is printed
(`pytest -s`). Compute hosts are drained in test_maintenance_drain_lab, which has a real Nova.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.spec.load import load_site
from tests.lab.rolling_city import (
    BOOT_SECONDS,
    CLIENT,
    DATABASES,
    MAINTAINED,
    WITNESS,
    add_client,
    expect_rolled,
    make_due,
    orchestrator,
    run_until,
    service_names,
    tell,
)
from tests.lab.service_town import ServiceTown
from tests.lab.writing_client import WritingClient

MISSING = ", ".join(missing_for_hosts())
pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}"),
]
GO = ("--yes", "--outside-window")
POPULATION = "gongan/population"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceTown]:
    """Return a city of eight hosts with six databases, a client's host beside it."""
    town = ServiceTown(tmp_path_factory.mktemp("rolled"))
    add_client(town)
    try:
        town.up((*MAINTAINED, CLIENT))
        for name in (*MAINTAINED, CLIENT):
            town.await_host(name, within=BOOT_SECONDS)
        orchestrator(town, "service", "apply", "--yes")
        yield town
    finally:
        town.down()


def test_a_run_over_all_hosts_killed_and_resumed_keeps_every_database_answering(
    town: ServiceTown, tmp_path: Path
) -> None:
    make_due(town, MAINTAINED, tmp_path)
    boots = {name: town.await_host(name, within=BOOT_SECONDS) for name in MAINTAINED}
    plan = tmp_path / "all.plan"
    client = WritingClient(town, CLIENT, service_names(town))
    begun = time.monotonic()
    with client:
        named = f"--hosts={','.join(MAINTAINED)}"
        orchestrator(town, "maintenance", "plan", "--patch", "--reboot", named, "--out", str(plan))
        run_until(town, plan, "/8 db-1: reboot", environment={})
        orchestrator(town, "maintenance", "resume", *GO)
    seconds = time.monotonic() - begun
    tell(f"{len(MAINTAINED)} hosts in {seconds:.0f} s", client)
    expect_rolled(town, boots, client)


def test_certificates_are_renewed_and_no_connection_is_dropped(
    town: ServiceTown, tmp_path: Path
) -> None:
    before = {name: presented(town, name) for name in DATABASES}
    plan = tmp_path / "certificates.plan"
    client = WritingClient(town, CLIENT, service_names(town))
    with client:
        named = f"--hosts={','.join(MAINTAINED)}"
        words = ("--certificates", "--expiring-within", "4000", named, "--out", str(plan))
        orchestrator(town, "maintenance", "plan", *words)
        told = orchestrator(town, "maintenance", "run", str(plan), *GO, "-o", "json")
    tell("certificates", client)
    operations = json.loads(told)["operations"]
    certified = dict.fromkeys((*DATABASES, WITNESS), "done")
    assert {one["host"]: one["outcome"] for one in operations} == certified
    for name in DATABASES:
        assert not before[name] & presented(town, name), f"{name} presents an old certificate"
    for name, one in client.served.items():
        assert (one.connections, one.missing) == (1, 0), name


def test_services_are_applied_with_new_certificates_and_no_connection_is_dropped(
    town: ServiceTown,
) -> None:
    before = {name: presented(town, name) for name in DATABASES}
    client = WritingClient(town, CLIENT, [POPULATION])
    with client:
        orchestrator(town, "service", "apply", POPULATION, "--renew", "--yes")
    tell("service apply --renew", client)
    for name in DATABASES:
        assert not before[name] & presented(town, name), f"{name} presents an old certificate"
    served = client.served[POPULATION]
    assert (served.connections, served.missing) == (1, 0)


@dataclass(frozen=True)
class Login:
    """A login as a program was given it."""

    name: str
    password: str


def test_an_old_login_works_until_it_is_retired_and_nothing_is_down_between(
    town: ServiceTown,
) -> None:
    old = login(town)
    client = WritingClient(town, CLIENT, [POPULATION])
    with client:
        rotate = ("service", "rotate-password", POPULATION, "--role", "app", "--yes")
        orchestrator(town, *rotate)
        new = login(town)
        assert new.name != old.name and new.password != old.password
        assert may_log_in(town, old) and may_log_in(town, new)
        orchestrator(town, *rotate, "--retire")
        assert not may_log_in(town, old) and may_log_in(town, new)
    tell("logins", client)
    served = client.served[POPULATION]
    assert (served.connections, served.missing) == (1, 0)


def population(town: ServiceTown) -> DeclaredService:
    services = declared_services(load_site(town.directory).site)
    return next(one for one in services if one.name == POPULATION)


def login(town: ServiceTown) -> Login:
    """Return the login of programs as the vault has it now."""
    vault = AnsibleVaultSecrets(town.directory)
    told = vault.get(population(town).login_ref(DatabaseRole.APP)).reveal()
    name, _, password = told.partition(":")
    return Login(name, password)


def may_log_in(town: ServiceTown, one: Login) -> bool:
    """Say whether somebody else's program gets in on every host of the database."""
    told = set()
    for host in DATABASES:
        words = (
            f"host={town.server(host).address} port={population(town).service.port} "
            f"dbname=population user={one.name} sslmode=require connect_timeout=5"
        )
        other = next(name for name in DATABASES if name != host)
        script = f"export PGPASSWORD={shlex.quote(one.password)}\n"
        script += f"psql -XAtq {shlex.quote(words)} -c 'SELECT 1' 2>/dev/null || true\n"
        told.add(town.on(other, "bash -s", given=script).strip())
    assert told in ({"1"}, {""}), f"hosts do not agree: {told}"
    return told == {"1"}


def presented(town: ServiceTown, host: str) -> frozenset[str]:
    """Return the serial numbers of the certificates that a host's databases present."""
    address = town.server(host).address
    ports = [
        one.service.port
        for one in declared_services(load_site(town.directory).site)
        if host in one.service.hosts
    ]
    command = "; ".join(
        f"openssl s_client -starttls postgres -connect {address}:{port} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
        for port in ports
    )
    found = town.on(host, command).split()
    assert len(found) == len(ports)
    return frozenset(found)
