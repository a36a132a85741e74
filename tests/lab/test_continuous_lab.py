"""Continuous archives on real hosts: back to a moment, a missing piece, an archive's drill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.archived_service import (
    ARCHIVE,
    CLUSTER,
    FAR,
    NEAR,
    PORT,
    PRIMARY,
    SERVICE,
    SPARE,
    ArchivedService,
)

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.slow]

PLACES = ("city-copies", "dr-copies")
ROWS = "SELECT count(*) || ' ' || max(id) FROM data.licence"
FROM_FAR = ("--from", "dr-copies", "--to", SPARE)


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchivedService]:
    """Bring one service with its archive to a town of its own: about three minutes."""
    missing = ", ".join(missing_for_hosts())
    if missing:
        pytest.skip(f"hosts need {missing}")
    ready = ArchivedService(tmp_path_factory.mktemp("archived"))
    try:
        ready.make()
        yield ready
    finally:
        ready.town.down()


@contextmanager
def gone(archived: ArchivedService, host: str, file: str) -> Iterator[None]:
    """Let a file be missing for a while."""
    assert file, "there is no such file"
    archived.on(host, f"cp -a {file} /root/gone; rm {file}")
    try:
        yield
    finally:
        archived.on(host, f"cp -a /root/gone {file}")


def test_both_places_have_an_archive_and_the_immutable_dump(archived: ArchivedService) -> None:
    listed = archived.told("backup", "list", SERVICE)
    archives = {one["repository"]: one for one in listed["archives"]}
    assert [archives[name]["state"] for name in PLACES] == ["ok", "ok"]
    assert [one["kind"] for one in archives["dr-copies"]["copies"]] == ["full"]
    assert {one["repository"]: one["state"] for one in listed["subjects"]} == dict.fromkeys(
        PLACES, "ok"
    )


def test_what_is_prepared_stays_as_it_is(archived: ArchivedService) -> None:
    again = archived.told("backup", "prepare", "--yes")
    assert set(again["hosts"].values()) == {"ok"}


def test_the_key_of_an_archive_is_postgres_alone_to_read(archived: ArchivedService) -> None:
    look = f"stat -c '%U %G %a' /etc/site-archive/{CLUSTER}.conf /etc/site-archive/id"
    assert archived.on(PRIMARY, look).splitlines() == ["root postgres 640", "postgres postgres 600"]
    for host in (NEAR, FAR, SPARE):
        assert archived.on(host, "ls /etc/site-archive/*.conf 2>/dev/null; true") == ""


def test_a_service_comes_back_as_it_was_at_a_moment(archived: ArchivedService) -> None:
    archived.sql(
        "SET ROLE owner; CREATE TABLE data.licence (id int PRIMARY KEY); "
        "INSERT INTO data.licence SELECT generate_series(1, 300);"
    )
    at = archived.now().isoformat()
    archived.sql("SET ROLE owner; DELETE FROM data.licence WHERE id > 7; "
                 "INSERT INTO data.licence VALUES (9999);")  # fmt: skip
    archived.told("backup", "run", SERVICE, "--repository", "dr-copies")
    told = archived.told("restore", "run", SERVICE, "--at", at, *FROM_FAR, "--yes")
    try:
        assert told["outcome"] == "whole", told
        assert archived.sql(ROWS, host=SPARE, port=PORT + 10_000) == "300 300"
        in_recovery = archived.sql("SELECT pg_is_in_recovery()", host=SPARE, port=PORT + 10_000)
        assert in_recovery == "f" and archived.sql(ROWS) == "8 9999"
    finally:
        archived.on(SPARE, f"pg_dropcluster --stop 15 {CLUSTER}_restored")


def test_a_moment_outside_of_the_archive_is_refused_with_its_span(
    archived: ArchivedService,
) -> None:
    told = archived.told(
        "restore", "plan", SERVICE, "--at", "2020-01-01T00:00:00+08:00", *FROM_FAR, code=5
    )
    assert "leads from" in told and "2020-01-01T00:00:00+08:00" in told


def test_a_missing_piece_of_the_log_is_named_without_reading_all(
    archived: ArchivedService,
) -> None:
    names = archived.on(FAR, f"ls {ARCHIVE}/archive/{CLUSTER}/15-1/*/ | grep -- -").split()
    middle = sorted(names)[len(names) // 2]
    file = archived.file_in(FAR, f"archive/{CLUSTER} -name {middle}")
    with gone(archived, FAR, file):
        steps = archived.verified(code=6)
    assert steps["dr-copies"]["broken"] == [file.split("-" + middle.split("-")[1])[0]]
    assert steps["city-copies"]["result"] == "done"


def test_a_missing_incremental_fails_the_drill_and_is_named(archived: ArchivedService) -> None:
    assert archived.told("drill", "run", SERVICE)["drills"][0]["verdict"] == "pass"
    file = archived.file_in(FAR, f"backup/{CLUSTER}/*F/pg_data/base -name '1259.*'")
    with gone(archived, FAR, file):
        (told,) = archived.told("drill", "run", SERVICE, code=1)["drills"]
    blamed = [name for one in told["assertions"] for name in one["broken"]]
    assert file in blamed, told


def test_a_service_that_goes_back_itself_keeps_what_it_had(archived: ArchivedService) -> None:
    at = archived.now().isoformat()
    archived.sql("SET ROLE owner; DROP TABLE data.licence")
    archived.told("backup", "run", SERVICE)
    refused = archived.told("restore", "run", SERVICE, "--at", at, "--yes", code=5)
    assert "would go back" in refused
    told = archived.told("restore", "run", SERVICE, "--at", at, "--overwrite", SERVICE)
    assert archived.sql(ROWS) == "8 9999"
    assert archived.on(PRIMARY, f"ls {told['kept']}/PG_VERSION")
    archived.told("backup", "run", SERVICE)
