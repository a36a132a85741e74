"""A drill of each of the six services and of a host's files, and what a killed one leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.model.drill import DRILL_CLUSTER
from orchestrator.planning.drill_choice import DRILL_FOLDER, DRILL_LOCKS
from orchestrator.providers.drill.ground import HostGround
from orchestrator.providers.host.ssh import SshHosts
from tests.lab.running_services import DATABASE_HOSTS, RunningServices
from tests.lab.service_town import ServiceTown

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(3600)]

PRIMARIES = {
    "gongan/population": "db-1",
    "shijian/legal-entities": "db-2",
    "ziran/geography": "db-1",
    "caizheng/fiscal-statistics": "db-2",
    "fagai/credit": "db-1",
    "zhengwu/certificates": "db-2",
}
"""The five base databases and the certificate library, by where each is led at first."""
FILES = "platform/db-1"
SPARE, NEAR, FAR = "dr-spare-1", "bak-1", "dr-bak-1"
ROWS = 20_000
SWITCH_SECONDS = 30.0
"""On a busy machine a question over SSH takes some of them."""
GEOGRAPHY = (
    "SET ROLE owner; CREATE TABLE data.place (id int PRIMARY KEY, at geometry(Point, 4326)); "
    f"INSERT INTO data.place SELECT i, ST_SetSRID(ST_MakePoint(119 + i / 1e6, 32), 4326) "
    f"FROM generate_series(1, {ROWS}) i;"
)
PEOPLE = (
    "SET ROLE owner; CREATE TABLE data.entry (id int PRIMARY KEY, name text NOT NULL); "
    f"INSERT INTO data.entry SELECT i, '条目 ' || i FROM generate_series(1, {ROWS}) i;"
)


class SixServices:
    """All services of the test city, each with rows, and one remote copy of each."""

    def __init__(self, town: ServiceTown) -> None:
        self.services = RunningServices(town, left_out=())
        assert self.services.applied.returncode == 0, self.services.applied.stderr
        town.up((*DATABASE_HOSTS, NEAR, FAR, SPARE))
        for host in (NEAR, FAR, SPARE):
            self.services.town.await_host(host)
        for name, host in PRIMARIES.items():
            rows = GEOGRAPHY if name == "ziran/geography" else PEOPLE
            self.services.as_superuser(host, name, rows)
        self.done("backup", "prepare", "--yes")
        self.copied = self.done("backup", "run", *PRIMARIES, FILES, "--repository", "dr-copies")

    def done(self, group: str, verb: str, *rest: str) -> Any:
        """Run the command line, expect it to work, and return its JSON."""
        where = ("--site", str(self.services.town.directory), "-o", "json")
        done = self.services.town.run(group, verb, *rest, *where)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def on_spare(self, command: str) -> str:
        """Run a command on the drills' host."""
        ran = self.services.on(SPARE, command)
        assert ran.status == 0, ran.err
        return ran.out.strip()

    def ground(self) -> HostGround:
        """Return the ground of drills, to be cut off by hand."""
        town = self.services.town
        hosts = SshHosts(
            endpoints=json.loads(town.settings.endpoints.read_text()),
            secrets=town.vault,
            folder=town.directory / ".orchestrator" / "hosts",
        )
        return HostGround(hosts=hosts, folder=DRILL_FOLDER, locks=DRILL_LOCKS)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SixServices]:
    """Bring the whole test city up, once."""
    missing = ", ".join(missing_for_hosts())
    if missing:
        pytest.skip(f"hosts need {missing}")
    town = ServiceTown(tmp_path_factory.mktemp("six"))
    try:
        yield SixServices(town)
    finally:
        town.down()


def test_a_drill_of_each_service_and_of_files_passes_within_its_rpo_and_rto(
    six: SixServices, capsys: pytest.CaptureFixture[str]
) -> None:
    told = six.done("drill", "run", *PRIMARIES, FILES)["drills"]
    with capsys.disabled():
        for one in told:
            print(_figures(one))  # noqa: T201 - the figures that this test is run for
    assert {one["subject"]: one["verdict"] for one in told} == dict.fromkeys(
        (*PRIMARIES, FILES), "pass"
    )
    assert all(0 < one["rpo_seconds"] <= one["policy"]["rpo_minutes"] * 60 for one in told)
    assert all(0 < one["rto_seconds"] <= one["policy"]["rto_minutes"] * 60 for one in told)
    counted = {one["what"]: one["found"] for drill in told for one in drill["assertions"]}
    assert counted["table data.entry"].startswith(f"{ROWS:,} rows")
    assert counted["table data.place"].startswith(f"{ROWS:,} rows")


def _figures(drill: dict[str, Any]) -> str:
    return (
        f"{drill['subject']}: {drill['verdict']}, RPO {drill['rpo_seconds']:.1f} s, "
        f"RTO {drill['rto_seconds']:.1f} s"
    )


def test_a_host_that_nobody_releases_takes_its_network_back_and_stops_what_was_restored(
    six: SixServices,
) -> None:
    """As after a drill that was killed, and whose machine never comes back."""
    spare = six.services.town.server(SPARE)
    far = six.services.town.server(FAR).address
    assert far is not None
    six.on_spare(f"pg_createcluster 15 {DRILL_CLUSTER} -p 5999 --start >/dev/null")
    try:
        six.ground().isolate(spare, repository=far, targets=(), release_after=SWITCH_SECONDS)
        assert DRILL_CLUSTER in six.on_spare("nft list tables")
        deadline = time.monotonic() + 4 * SWITCH_SECONDS
        while DRILL_CLUSTER in six.on_spare("nft list tables"):
            assert time.monotonic() < deadline, "it stays cut off"
            time.sleep(1)
        assert "down" in six.on_spare("pg_lsclusters -h")
    finally:
        six.on_spare(f"pg_dropcluster --stop 15 {DRILL_CLUSTER}")


def test_what_a_drill_left_that_was_killed_while_it_made_its_cluster_stops_no_other(
    six: SixServices,
) -> None:
    half = (
        f"mkdir -p /var/lib/orchestrator-restores /var/lib/postgresql/15/{DRILL_CLUSTER}/base "
        f"/etc/postgresql/15/{DRILL_CLUSTER}; "
        f"touch /var/lib/orchestrator-restores/15-{DRILL_CLUSTER} "
        f"/etc/postgresql/15/{DRILL_CLUSTER}/postgresql.conf"
    )
    six.on_spare(half)
    # The first copy may be older than the RPO by now.
    six.done("backup", "run", "fagai/credit", "--repository", "dr-copies")
    six.done("drill", "run", "fagai/credit")
    places = "/var/lib/orchestrator-restores /var/lib/postgresql /etc/postgresql"
    assert six.on_spare(f"find {places} -name '*{DRILL_CLUSTER}*'") == ""
