"""Backups on real hosts: two copies, a city that is lost, and what goes wrong in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.backed_up_services import (
    BLOB,
    FAR,
    FILES,
    KEY,
    NEAR,
    PRIMARY,
    ROWS,
    SERVICE,
    SPARE,
    BackedUpServices,
    kill,
)
from tests.lab.running_services import DATABASE_HOSTS, RunningServices

pytestmark = [pytest.mark.lab, pytest.mark.root]

BACK_UP, VERIFY, DELETE = "back up", "verify", "try to delete"
REPOSITORIES = ("city-copies", "dr-copies")
FROM_FAR = ("--from", "dr-copies")
"""The near repository is not even asked: it takes ten seconds not to answer."""


@pytest.fixture(scope="module")
def backups(services: RunningServices) -> Iterator[BackedUpServices]:
    """Bring the backup hosts and a spare to the services, and make the first copies."""
    services.town.up((*DATABASE_HOSTS, NEAR, FAR, SPARE))
    ready = BackedUpServices(services)
    for host in (NEAR, FAR, SPARE):
        services.town.await_host(host)
    services.as_superuser(
        PRIMARY,
        SERVICE,
        "SET ROLE owner; CREATE TABLE data.licence (id int PRIMARY KEY, holder text); "
        f"INSERT INTO data.licence SELECT i, '证照 ' || i FROM generate_series(1, {ROWS}) i;",
    )
    prepared = ready.run("backup", "prepare", "--yes")
    assert prepared.returncode == 0, prepared.stderr + prepared.stdout
    first = ready.run("backup", "run", SERVICE, FILES)
    assert first.returncode == 0, first.stderr + first.stdout
    yield ready
    services.as_superuser(PRIMARY, SERVICE, "DROP TABLE data.licence")


def test_both_repositories_hold_what_policies_promise(backups: BackedUpServices) -> None:
    listed = backups.told("backup", "list", SERVICE, FILES)["subjects"]
    assert {(one["subject"], one["repository"]): one["state"] for one in listed} == {
        (subject, name): "ok" for subject in (SERVICE, FILES) for name in REPOSITORIES
    }


def test_no_host_keeps_a_key_and_no_process_shows_one(backups: BackedUpServices) -> None:
    key = backups.vault().get(KEY).reveal()
    places = "/etc /root /run /tmp /var/cache /var/log /var/lib/backup-repository"
    for host in (PRIMARY, FAR, SPARE):
        given = f"grep -rlF -f - {places} 2>/dev/null | head -3; true"
        assert backups.on(host, given, given=key + "\n") == ""


def test_a_repository_is_sound_and_its_hosts_cannot_delete(backups: BackedUpServices) -> None:
    steps = backups.results("verify", SERVICE, "--whole")
    for name in REPOSITORIES:
        assert steps[VERIFY, SERVICE, name]["result"] == "done"
        assert steps[VERIFY, SERVICE, name]["files_read"] > 4
        assert steps[DELETE, SERVICE, name]["result"] == "done"


def test_a_city_that_is_lost_is_restored_from_far_away(backups: BackedUpServices) -> None:
    town = backups.services.town
    try:
        for host in (PRIMARY, NEAR):
            town.power(host, "ForceOff")
        listed = backups.told("backup", "list", SERVICE, code=6)["subjects"]
        assert {one["repository"]: one["state"] for one in listed} == {
            "city-copies": "unknown",
            "dr-copies": "ok",
        }
        told = backups.told("restore", "run", SERVICE, *FROM_FAR, "--to", SPARE, "--yes")
        verdicts = {one["what"]: one["verdict"] for one in told["comparisons"]}
        assert verdicts["table data.licence"] == verdicts["sentinel row"] == "pass"
        assert told["whole"] and f"{ROWS} rows" in str(told["comparisons"])
        files = backups.told("restore", "run", FILES, *FROM_FAR, "--to", SPARE, "--yes")
        assert files["whole"] and len(files["comparisons"]) > 50
    finally:
        for host in (PRIMARY, NEAR):
            town.power(host, "On")
        for host in (PRIMARY, NEAR):
            backups.services.town.await_host(host)
        backups.empty(SPARE)


@pytest.mark.slow
def test_data_in_use_is_kept_until_its_name_was_given(backups: BackedUpServices) -> None:
    refused = backups.run("restore", "run", SERVICE, "--yes")
    assert refused.returncode == 5 and "would be lost" in refused.stderr
    backups.services.as_superuser(PRIMARY, SERVICE, "DELETE FROM data.licence WHERE id > 7")
    told = backups.told("restore", "run", SERVICE, "--overwrite", SERVICE)
    assert told["whole"] and backups.rows() == ROWS


def test_a_flipped_byte_is_found_and_its_file_named(backups: BackedUpServices) -> None:
    folder = f"/srv/backup/{SERVICE}"
    pack = backups.on(FAR, f"find {folder}/data -type f | sort | head -1").strip()
    flip = (
        "import sys; f = open(sys.argv[1], 'r+b'); f.seek(40); b = f.read(1); f.seek(40); "
        "f.write(bytes([b[0] ^ 1]))"
    )
    backups.on(FAR, f'cp -p {pack} /root/pack; chmod u+w {pack}; python3 -c "{flip}" {pack}')
    try:
        steps = backups.results("verify", SERVICE, "--whole", code=6)
        assert steps[VERIFY, SERVICE, "dr-copies"]["broken"] == [pack]
        assert steps[VERIFY, SERVICE, "city-copies"]["result"] == "done"
    finally:
        backups.on(FAR, f"cat /root/pack > {pack}")


def test_a_wrong_key_opens_nothing_and_is_called_so(backups: BackedUpServices) -> None:
    with backups.other_key():
        steps = backups.results("run", SERVICE, code=6)
    assert steps[BACK_UP, SERVICE, "city-copies"]["result"] == "done"
    assert steps[BACK_UP, SERVICE, "dr-copies"]["fault"] == "wrong key"


def test_a_full_disk_is_named_and_the_other_copy_made(backups: BackedUpServices) -> None:
    mount = (
        "mkdir /srv/kept && cp -a /srv/backup/. /srv/kept && mount -t tmpfs -o size=8m none "
        "/srv/backup && cp -a /srv/kept/platform /srv/backup/"
    )
    with backups.large_file(24):
        backups.on(NEAR, mount)
        try:
            steps = backups.results("run", FILES, code=6)
        finally:
            backups.on(NEAR, "umount -l /srv/backup; rm -rf /srv/kept")
    assert steps[BACK_UP, FILES, "city-copies"]["fault"] == "no space"
    assert steps[BACK_UP, FILES, "dr-copies"]["result"] == "done"


def test_a_network_cut_in_the_middle_ends_and_the_next_run_is_whole(
    backups: BackedUpServices,
) -> None:
    address = backups.services.town.server(FAR).address
    with backups.large_file(200):
        started = backups.start("backup", "run", FILES, "--repository", "dr-copies")
        backups.await_restic(PRIMARY)
        backups.on(PRIMARY, f"ip route add blackhole {address}/32")
        try:
            assert started.wait(timeout=90) == 1
        finally:
            backups.on(PRIMARY, f"ip route del blackhole {address}/32")
        steps = backups.results("run", FILES, "--repository", "dr-copies")
    assert steps[BACK_UP, FILES, "dr-copies"]["copy"]["whole"]


@pytest.mark.slow
def test_a_network_cut_in_the_middle_of_a_restore_is_named_and_the_same_command_ends_it(
    backups: BackedUpServices, tmp_path: Path
) -> None:
    elsewhere = ("restore", "run", SERVICE, *FROM_FAR, "--to", SPARE, "--yes")
    cut = f"route {{}} blackhole {backups.services.town.server(SPARE).address}/32"
    with backups.large_table(200):
        copied = backups.results("run", SERVICE, "--repository", "dr-copies")
        assert copied[BACK_UP, SERVICE, "dr-copies"]["result"] == "done"
    started = backups.start(*elsewhere, said=tmp_path / "said")
    try:
        backups.await_draft(SPARE, 16)
        backups.on(FAR, f"ip {cut.format('add')}")
        begun = time.monotonic()
        try:
            assert started.wait(timeout=120) == 1
        finally:
            backups.on(FAR, f"ip {cut.format('del')}")
        said = (tmp_path / "said").read_text()
        print(f"ended {time.monotonic() - begun:.0f} s after the cut: {said[-600:]}")  # noqa: T201 - measured
        assert "dr-copies" in said.rpartition("error:")[2] and FAR in said
        ((_, port),) = backups.clusters_of(SPARE)
        names = set(backups.databases_of(SPARE, port)) - {"template0", "template1"}
        assert names == {"postgres"}, "nothing has the service's name, and no half is left"
        told = backups.told(*elsewhere)
        assert told["whole"] and {one["verdict"] for one in told["comparisons"]} == {"pass"}
        assert "table data.bulk" in {one["what"] for one in told["comparisons"]}
    finally:
        if started.poll() is None:
            kill(started)
        backups.empty(SPARE)


def test_a_killed_run_and_its_lock_are_in_nobodys_way(backups: BackedUpServices) -> None:
    with backups.large_file(100):
        started = backups.start("backup", "run", FILES, "--repository", "dr-copies")
        backups.await_restic(PRIMARY)
        kill(started)
        backups.on(PRIMARY, "kill -9 $(pgrep -x restic); sleep 0.5")
        steps = backups.results("run", FILES, "--repository", "dr-copies")
        assert steps[BACK_UP, FILES, "dr-copies"]["result"] == "done"
    # It wants the repository for itself: a lock of the dead would stop it.
    checked = backups.results("verify", FILES, "--repository", "dr-copies")
    assert checked[VERIFY, FILES, "dr-copies"]["result"] == "done"
    assert backups.on(FAR, f"ls /srv/backup/{FILES}/locks") == ""
    assert BLOB not in backups.on(PRIMARY, "ls /etc")


@pytest.mark.slow
def test_preparing_again_changes_nothing(backups: BackedUpServices) -> None:
    told = backups.told("backup", "prepare", "--yes")
    assert set(told["hosts"].values()) == {"ok"}
    assert not any(told["made"].values()) and not told["failed"] and not told["new_keys"]
