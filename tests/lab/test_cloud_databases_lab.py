"""OpenStack's own databases on real hosts: a Galera cluster, its copies, restores and drills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.cloud_databases import (
    FAR,
    FIRST,
    PASSWORD,
    ROWS,
    SECOND,
    SPARE,
    SUBJECT,
    TABLE,
    CloudDatabases,
)

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.slow]

FROM_FAR = ("--from", "dr-copies", "--to", SPARE)
REMOVE = (
    "systemctl stop orchestrator-mariadb-openstack_city_restored; "
    "rm -r /etc/systemd/system/orchestrator-mariadb-openstack_city_restored.service "
    "/var/lib/orchestrator-mariadb/openstack_city_restored; systemctl daemon-reload"
)
WRITER = """
i=0
while [ ! -e /root/enough ]; do i=$((i+1)); echo "BEGIN;
INSERT INTO keystone.first (at) VALUES ($i);
INSERT INTO nova_api.second (at) VALUES ($i); COMMIT;"; done | mariadb
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudDatabases]:
    """Form a cluster of two members on a town of its own, with copies: about two minutes."""
    missing = ", ".join(missing_for_hosts())
    if missing:
        pytest.skip(f"hosts need {missing}")
    ready = CloudDatabases(tmp_path_factory.mktemp("cloud-databases"))
    try:
        ready.make()
        yield ready
    finally:
        ready.town.down()


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    return {one["what"]: one["verdict"] for one in told["comparisons"]}


def test_two_members_are_one_subject_and_the_spares_own_server_is_off(
    cloud: CloudDatabases,
) -> None:
    listed = cloud.told("backup", "list")["subjects"]
    assert {(one["subject"], one["repository"], one["state"]) for one in listed} == {
        (SUBJECT, "city-copies", "ok"),
        (SUBJECT, "dr-copies", "ok"),
    }
    assert cloud.left_on_spare() == ""
    own = cloud.on(SPARE, "systemctl is-enabled mariadb; systemctl is-active mariadb; true")
    assert own.split() == ["masked", "inactive"]


def test_no_host_keeps_a_hash_or_a_dump_in_plain(cloud: CloudDatabases) -> None:
    (hashed,) = cloud.sql(f"SELECT PASSWORD('{PASSWORD}')").split()
    places = "/etc /root /run /tmp /var/cache /var/log /srv /var/lib/orchestrator*"
    for host in (FIRST, FAR, SPARE):
        look = f"grep -rlF -f - {places} 2>/dev/null | head -3; true"
        assert cloud.on(host, look, given=f"{hashed}\n{PASSWORD}\n") == ""


def test_a_lost_member_is_not_waited_for(cloud: CloudDatabases) -> None:
    cloud.town.power(FIRST, "ForceOff")
    try:
        # The one that is left has no quorum with one of two: its data may be old.
        refused = cloud.told("backup", "run", SUBJECT, "--repository", "dr-copies", code=1)
        assert f"{SECOND} is not synced" in str(refused)
        cloud.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'", host=SECOND)
        told = cloud.told("backup", "run", SUBJECT, "--repository", "dr-copies")
        (step,) = told["steps"]
        assert (step["result"], step["copy"]["host"]) == ("done", SECOND)
    finally:
        cloud.town.power(FIRST, "On")
        cloud.await_member(FIRST)


def test_a_copy_is_of_one_moment_while_somebody_writes(cloud: CloudDatabases) -> None:
    cloud.on(FIRST, "cat > /root/writer; (sh /root/writer >/dev/null 2>&1 &)", given=WRITER)
    try:
        cloud.back_up()
        told = cloud.told("restore", "run", SUBJECT, *FROM_FAR, "--yes")
    finally:
        cloud.on(FIRST, "touch /root/enough")
    assert told["whole"], told
    restored = "--socket=/run/orchestrator-mariadb-openstack_city_restored/mariadb.sock"
    pairs = cloud.sql(
        "SELECT COUNT(*), COUNT(s.at) FROM keystone.first f LEFT JOIN nova_api.second s "
        "ON s.at = f.at; SELECT COUNT(*) FROM nova_api.second;",
        host=SPARE,
        options=restored,
    ).split()
    assert len({*pairs}) == 1 and int(pairs[0]) > 10
    assert int(cloud.sql("SELECT COUNT(*) FROM keystone.first")) > int(pairs[0])
    # Whoever had a password has it there: over TCP, on the host itself.
    login = (
        f"MYSQL_PWD={PASSWORD} mariadb --protocol=tcp --host=127.0.0.1 --port=13306 "
        "--user=keystone -N -e 'SELECT COUNT(*) FROM keystone.user'"
    )
    assert int(cloud.on(SPARE, "bash -s", given=login)) == ROWS
    cloud.on(SPARE, REMOVE)


def test_a_restore_is_not_written_over_another_and_no_drill_cuts_it_off(
    cloud: CloudDatabases,
) -> None:
    cloud.told("restore", "run", SUBJECT, *FROM_FAR, "--yes")
    try:
        again = cloud.told("restore", "run", SUBJECT, *FROM_FAR, "--yes", code=5)
        assert "would be lost" in again
        (isolation,) = (
            one for one in cloud.drill(code=1)["assertions"] if one["what"] == "isolation"
        )
        assert "MariaDB openstack_city_restored was restored here" in isolation["found"]
    finally:
        cloud.on(SPARE, REMOVE)


def test_a_drill_proves_the_remote_copy_and_leaves_nothing(cloud: CloudDatabases) -> None:
    told = cloud.drill()
    assert told["verdict"] == "pass", told
    found = {one["what"]: one["found"] for one in told["assertions"]}
    assert found[f"table {TABLE}"].startswith(f"{ROWS:,} rows")
    assert "keystone@%" not in found["roles"] and "`keystone`" in found["rights of keystone@%"]
    assert told["isolation"]["reached"] == [] and told["isolation"]["dropped_packets"] >= 1
    assert 0 < told["rpo_seconds"] < 15 * 60 and 0 < told["rto_seconds"] < 120 * 60
    assert cloud.left_on_spare() == ""


@pytest.mark.parametrize(
    ("ruin", "what", "name"),
    [("truncate", "restore", "dump.sql"), ("rows", f"table {TABLE}", TABLE)],
)
def test_a_ruined_copy_fails_its_drill_and_is_named(
    cloud: CloudDatabases, ruin: str, what: str, name: str
) -> None:
    cloud.forge(ruin)
    try:
        told = cloud.drill(code=1)
    finally:
        cloud.bring_back()
    failed = {one["what"]: one["broken"] for one in told["assertions"] if one["verdict"] == "fail"}
    assert failed == {what: [name]}, told
    assert cloud.left_on_spare() == ""


def test_data_in_use_is_kept_until_its_name_was_given_and_every_member_has_it_then(
    cloud: CloudDatabases,
) -> None:
    cloud.sql("DELETE FROM keystone.user WHERE id > 7; CREATE TABLE nova_api.later (id INT)")
    refused = cloud.told("restore", "run", SUBJECT, "--yes", code=5)
    assert "would be lost" in refused
    told = cloud.told("restore", "run", SUBJECT, "--overwrite", SUBJECT)
    assert told["whole"] and verdicts(told)[f"table {TABLE}"] == "pass"
    for host in (FIRST, SECOND):
        assert int(cloud.sql("SELECT COUNT(*) FROM keystone.user", host=host)) == ROWS
        assert "later" not in cloud.sql("SHOW TABLES FROM nova_api", host=host)
        assert "restoring" not in cloud.sql("SHOW DATABASES", host=host)


def test_preparing_again_changes_nothing(cloud: CloudDatabases) -> None:
    told = cloud.told("backup", "prepare", "--yes")
    assert set(told["hosts"].values()) == {"ok"}
