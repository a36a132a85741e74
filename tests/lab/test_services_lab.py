"""Four databases on real hosts: logins, replicas, audit, a switch, a kill, a lost primary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from orchestrator.model.data_level import DatabaseRole
from tests.lab.running_services import DATABASE_HOSTS, RunningServices
from tests.lab.service_town import PROGRAM

pytestmark = [pytest.mark.lab, pytest.mark.root]

LEGAL, GEOGRAPHY = "shijian/legal-entities", "ziran/geography"
CREDIT = "fagai/credit"
OWNER, APP, EXCHANGE, AUDITOR = DatabaseRole
TABLE = (
    "CREATE TABLE IF NOT EXISTS data.entity (id int PRIMARY KEY, name text NOT NULL); "
    "CREATE OR REPLACE VIEW exchange.entity AS SELECT id, left(name, 1) || '*' AS name "
    "FROM data.entity;"
)
FOLLOW_SECONDS = 10.0


def test_every_cluster_is_there_and_ok(services: RunningServices) -> None:
    told = services.told("status")["services"]
    assert len(told) == 4
    for one in told:
        assert [cluster["host"] for cluster in one["clusters"]]
        assert {cluster["health"] for cluster in one["clusters"]} == {"ok"}
        assert sorted(cluster["role"] for cluster in one["clusters"]) == [
            "primary", "replica", "replica",
        ]  # fmt: skip
        assert all("pgaudit" in cluster["extensions"] for cluster in one["clusters"])


def test_each_role_can_do_its_work_from_another_host_and_no_more(
    services: RunningServices,
) -> None:
    made = services.sql(LEGAL, OWNER, TABLE, at="db-2")
    assert made.status == 0, made.err
    put = "INSERT INTO entity VALUES (1, '扬州') ON CONFLICT DO NOTHING"
    assert services.sql(LEGAL, APP, put, at="db-2").status == 0
    seen = services.sql(LEGAL, APP, "SELECT name FROM entity WHERE id = 1", at="db-2")
    assert seen.out == "扬州\n"
    dropped = services.sql(LEGAL, APP, "DROP TABLE entity", at="db-2")
    assert dropped.status != 0 and "must be owner" in dropped.err
    view = "SELECT name FROM exchange.entity WHERE id = 1"
    masked = services.sql(LEGAL, EXCHANGE, view, at="db-2")
    assert masked.out == "扬*\n"
    for role in (EXCHANGE, AUDITOR):
        refused = services.sql(LEGAL, role, "SELECT name FROM data.entity", at="db-2")
        assert refused.status != 0 and "permission denied" in refused.err
    assert services.sql(LEGAL, AUDITOR, "SELECT count(*) > 0 FROM pg_roles", at="db-2").out == "t\n"


def test_without_tls_or_from_elsewhere_nobody_gets_in(services: RunningServices) -> None:
    plain = services.sql(LEGAL, APP, "SELECT 1", at="db-2", mode="disable")
    assert plain.status != 0 and "no pg_hba.conf entry" in plain.err
    asked = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert services.sql(LEGAL, AUDITOR, asked, at="db-2").out.startswith("TLSv1.")


def test_what_is_written_is_read_on_both_replicas(services: RunningServices) -> None:
    assert services.sql(LEGAL, OWNER, TABLE, at="db-2").status == 0
    services.sql(LEGAL, APP, "INSERT INTO entity VALUES (2, 'two') ON CONFLICT DO NOTHING",
                 at="db-2")  # fmt: skip
    for host in ("db-1", "dr-db-1"):
        assert _comes(services, host, "SELECT name FROM entity WHERE id = 2", "two\n")
        refused = services.sql(LEGAL, APP, "DELETE FROM entity", at=host)
        assert "read-only transaction" in refused.err


def _comes(services: RunningServices, host: str, sql: str, expected: str) -> bool:
    deadline = time.monotonic() + FOLLOW_SECONDS
    while services.sql(LEGAL, APP, sql, at=host).out != expected:
        if time.monotonic() > deadline:
            return False
    return True


def test_the_geography_database_measures_distances(services: RunningServices) -> None:
    asked = (
        "SELECT round(ST_Distance('SRID=4490;POINT(119.42 32.39)'::geography, "
        "'SRID=4490;POINT(118.78 32.04)'::geography) / 1000)"
    )
    answer = services.sql(GEOGRAPHY, APP, asked, at="db-1")
    assert answer.status == 0, answer.err
    assert 65 < int(answer.out) < 80, "Yangzhou to Nanjing, in CGCS2000"


def test_what_people_do_is_in_the_audit_and_passwords_are_not(services: RunningServices) -> None:
    services.sql(LEGAL, OWNER, "CREATE TABLE data.audited_one (id int)", at="db-2")
    services.sql(LEGAL, OWNER, "DROP TABLE data.audited_one", at="db-2")
    log = services.on("db-2", "cat /var/log/postgresql/postgresql-15-shijian__legal_entities.log")
    lines = [line for line in log.out.splitlines() if "AUDIT: SESSION" in line]
    assert any("CREATE TABLE" in line and "owner_a@legal_entities" in line for line in lines)
    for role in (OWNER, APP, EXCHANGE, AUDITOR):
        assert services.login(LEGAL, role)[1] not in log.out
    assert "SCRAM-SHA-256$" not in log.out


def test_a_switchover_keeps_every_row_and_a_second_apply_keeps_the_switch(
    services: RunningServices,
) -> None:
    assert services.sql(LEGAL, OWNER, TABLE, at="db-2").status == 0
    fill = "INSERT INTO entity SELECT n, 'row' FROM generate_series(100, 5099) n"
    assert services.sql(LEGAL, APP, f"{fill} ON CONFLICT DO NOTHING", at="db-2").status == 0
    count = "SELECT count(*), sum(id) FROM entity"
    before = services.sql(LEGAL, APP, count, at="db-2").out
    told = services.told("switchover", LEGAL, "--to", "db-1", "--yes")
    assert told["primary"] == "db-1" and told["failed"] == []
    assert services.roles(LEGAL) == {"db-2": "replica", "db-1": "primary", "dr-db-1": "replica"}
    for host in DATABASE_HOSTS:
        assert _comes(services, host, count, before)
    assert services.sql(LEGAL, APP, "INSERT INTO entity VALUES (9, 'after')", at="db-1").status == 0

    again = services.told("apply", LEGAL, GEOGRAPHY, "--yes")
    assert again["summary"]["changed"] == 0, [
        (host["host"], task["task"])
        for host in again["hosts"]
        for task in host["tasks"]
        if task["outcome"] == "changed"
    ]
    assert services.roles(LEGAL)["db-1"] == "primary"
    assert services.told("switchover", LEGAL, "--to", "db-2", "--yes")["primary"] == "db-2"


def test_a_lost_primary_does_not_come_back_as_a_second_one(services: RunningServices) -> None:
    unit = "postgresql@15-fagai__credit.service"
    services.on("db-1", f"systemctl kill -s KILL {unit}; systemctl stop {unit}")
    refused = services.run("apply", CREDIT, "--yes")
    assert refused.returncode == 5 and "its primary is not found" in refused.stdout
    told = services.told("failover", CREDIT, "--to", "db-2", "--yes")
    assert told["primary"] == "db-2" and told["followers"] == ["dr-db-1"]
    back = services.on("db-1", f"systemctl start {unit}; journalctl -n 20 --no-pager")
    assert "db-2 leads it now" in back.out or "db-2 was made its primary" in back.out
    assert services.roles_now(CREDIT)["db-1"] == "down"
    refused = services.run("apply", CREDIT, "--yes")
    assert refused.returncode == 5 and "--rebuild db-1" in refused.stdout


def test_a_rebuild_that_is_killed_in_the_middle_is_gone_on_with(services: RunningServices) -> None:
    """It starts from where the test before it ends: db-1 was the primary, and is down."""
    command = [str(PROGRAM), "service", "apply", CREDIT, "--rebuild", "db-1", "--yes", "--site",
               str(services.town.directory)]  # fmt: skip
    with subprocess.Popen(
        command, env=services.town.environment({}), stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL, start_new_session=True,
    ) as run:  # fmt: skip
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("See that they are made"):
                time.sleep(0.5)  # the next task throws the old data away, and copies
                break
        os.killpg(run.pid, signal.SIGKILL)
    done = services.run("apply", CREDIT, "--rebuild", "db-1", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["ending"] == "done"
    assert services.roles(CREDIT) == {"db-1": "replica", "db-2": "primary", "dr-db-1": "replica"}
    assert services.told("switchover", CREDIT, "--to", "db-1", "--yes")["failed"] == []
