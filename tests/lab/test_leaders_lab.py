"""After a failover and a blackout of everything, real hosts never bring an old primary back."""

from __future__ import annotations

import time

import pytest

from tests.lab.running_services import DATABASE_HOSTS, WITNESS, RunningServices

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.slow]

CREDIT, GEOGRAPHY = "fagai/credit", "ziran/geography"
"""Both have their primary on db-1."""
LONGEST_SECONDS = 60.0


def comes(services: RunningServices, name: str, expected: dict[str, str]) -> bool:
    """Wait until a service's hosts are what is expected."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while (found := dict(services.roles_now(name))) != expected:
        if time.monotonic() > deadline:
            raise AssertionError(f"{name} is {found}")
        time.sleep(1)
    return True


def test_a_stale_primary_waits_and_the_newest_one_leads_by_itself_again(
    services: RunningServices,
) -> None:
    # Its end is told to the replicas, which else would wait a minute for it.
    services.on("db-1", "systemctl kill -s KILL 'postgresql@*'")
    services.town.power("db-1", "ForceOff")
    led = services.run("failover", CREDIT, "--to", "db-2", "--yes")
    assert led.returncode == 6, led.stderr  # db-1 is out of reach
    for host in (*DATABASE_HOSTS[1:], WITNESS):
        services.town.power(host, "ForceOff")

    services.town.power("db-1", "On")
    services.town.await_host("db-1")
    comes(services, CREDIT, {"db-1": "down", "db-2": "unknown", "dr-db-1": "unknown"})
    told = services.run("status", CREDIT)
    assert "waits" in told.stdout and "it hears 1 of 4 voters and needs 3" in told.stdout

    for host in (*DATABASE_HOSTS[1:], WITNESS):
        services.town.power(host, "On")
        services.town.await_host(host)
    comes(services, GEOGRAPHY, {"db-1": "primary", "db-2": "replica", "dr-db-1": "replica"})
    comes(services, CREDIT, {"db-1": "down", "db-2": "primary", "dr-db-1": "replica"})
    assert "db-2 was made its primary (term" in services.run("status", CREDIT).stdout

    done = services.run("apply", CREDIT, "--rebuild", "db-1", "--yes")
    assert done.returncode == 0, done.stderr + done.stdout
    assert services.told("switchover", CREDIT, "--to", "db-1", "--yes")["failed"] == []
