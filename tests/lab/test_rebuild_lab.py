"""Destroyed hosts come back with their data: from a replica, or from the far copy."""

from __future__ import annotations

import pytest

from tests.lab.backed_up_services import FAR, NEAR, BackedUpServices
from tests.lab.running_services import DATABASE_HOSTS, RunningServices

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(3600)]

CREDIT, ON_DB_1 = "fagai/credit", ("fagai/credit", "ziran/geography")
EVERY = ("shijian/legal-entities", "ziran/geography", "fagai/credit", "zhengwu/certificates")
ROWS = 20_000
DATA = "SELECT count(*), md5(string_agg(id || name, ',' ORDER BY id)) FROM data.rebuilt"


@pytest.fixture(scope="module")
def before(services: RunningServices) -> str:
    """Fill a table, and return what is in it: the number of its rows, and their checksum."""
    services.as_superuser(
        "db-1",
        CREDIT,
        "DROP TABLE IF EXISTS data.rebuilt; SET ROLE owner; "
        "CREATE TABLE data.rebuilt (id int PRIMARY KEY, name text); "
        f"INSERT INTO data.rebuilt SELECT i, '企业 ' || i FROM generate_series(1, {ROWS}) i;",
    )
    return services.as_superuser("db-1", CREDIT, DATA)


def destroy(services: RunningServices, *hosts: str) -> None:
    """Take the disks of hosts away, and boot them bare; their new keys are accepted by hand."""
    for host in hosts:
        services.on(host, "systemctl kill -s KILL 'postgresql@*'")
        services.town.erase(host)


def boot(services: RunningServices, *hosts: str) -> None:
    for host in hosts:
        services.town.power(host, "On")
    for host in hosts:
        keys = services.town.directory / ".orchestrator" / "hosts"
        (keys / f"{services.town.server(host).address}.hostkey").unlink()
        services.town.await_host(host)


def test_one_host_is_destroyed_and_rebuilt_from_its_replica(
    services: RunningServices, before: str
) -> None:
    destroy(services, "db-1")
    for name in ON_DB_1:
        led = services.run("failover", name, "--to", "db-2", "--yes")
        assert led.returncode == 6, led.stderr
    assert services.as_superuser("db-2", CREDIT, DATA) == before
    services.town.power("db-1", "On")
    stranger = services.run("status", CREDIT, "-o", "json")
    assert "db-1" in stranger.stdout and stranger.returncode == 6

    boot(services, "db-1")
    done = services.run("apply", "--yes")
    assert done.returncode == 0, done.stderr + done.stdout
    for name in ON_DB_1:
        assert services.told("switchover", name, "--to", "db-1", "--yes")["failed"] == []
    after = services.as_superuser("db-1", CREDIT, DATA)
    print(f"before {before}, after {after}")  # noqa: T201 - the proof, for whoever runs it
    assert after == before and before.startswith(f"{ROWS}|")


def test_all_hosts_are_destroyed_and_the_far_copy_brings_the_data_back(
    services: RunningServices, before: str
) -> None:
    services.town.up((*DATABASE_HOSTS, NEAR, FAR))
    services.town.await_host(NEAR)
    backups = BackedUpServices(services)
    backups.run("backup", "prepare", "--yes")
    copied = backups.run("backup", "run", CREDIT)
    assert copied.returncode == 0, copied.stderr + copied.stdout
    destroy(services, *DATABASE_HOSTS)
    boot(services, *DATABASE_HOSTS)

    refused = services.run("apply", CREDIT, "--yes")
    assert refused.returncode == 5 and "was its primary" in refused.stdout
    done = services.run("apply", *EVERY, "--empty", "--yes")
    assert done.returncode == 0, done.stderr + done.stdout
    backups.run("backup", "prepare", "--yes")
    words = ("--from", "dr-copies", "--overwrite", CREDIT, "--yes")
    restored = backups.run("restore", "run", CREDIT, *words)
    assert restored.returncode == 0, restored.stderr + restored.stdout
    assert services.as_superuser("db-1", CREDIT, DATA) == before
