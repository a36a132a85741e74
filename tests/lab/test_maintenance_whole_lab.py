"""Every kind of host in one plan: instances move, primaries are handed over, all are patched.

Some ten minutes on two cores, the lab's start included: run it with ORCHESTRATOR_TEST_SLOW=1. What
it measured is printed (`pytest -s`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.rolling_city import (
    BOOT_SECONDS,
    CLIENT,
    DATABASES,
    WITNESS,
    expect_rolled,
    make_due,
    orchestrator,
    service_names,
    tell,
)
from tests.lab.running import RunningLab
from tests.lab.whole_city import COMPUTES, WholeCity
from tests.lab.writing_client import WritingClient

MISSING = ", ".join(missing_for_hosts())
pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(bool(MISSING), reason=f"hosts need {MISSING}"),
]
MAINTAINED = (*DATABASES, "bak-1", "ctl-1", *COMPUTES)
BESIDE = (WITNESS, "ctl-2", CLIENT)
"""They vote, stand in for another one, and write."""
FIRST, SECOND = COMPUTES
PATCHED = ["patch", "reboot", "check"]
EMPTIED = ["cordon", "drain", *PATCHED, "uncordon"]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, town_lab: RunningLab) -> Iterator[WholeCity]:
    """Return a city of ten hosts with two databases and a cloud; seven are maintained."""
    city = WholeCity(tmp_path_factory.mktemp("whole"), town_lab)
    try:
        city.up((*MAINTAINED, *BESIDE))
        for name in (*MAINTAINED, *BESIDE):
            city.await_host(name, within=BOOT_SECONDS)
        orchestrator(city, "service", "apply", "--yes")
        yield city
    finally:
        city.down()


def acts_of(told: str) -> dict[str, list[str]]:
    operations: list[dict[str, Any]] = json.loads(told)["operations"]
    assert {one["outcome"] for one in operations} == {"done"}
    return {one["host"]: one["done"] for one in operations}


def test_databases_and_compute_hosts_are_patched_in_one_run_and_all_answers(
    city: WholeCity, tmp_path: Path
) -> None:
    make_due(city, MAINTAINED, tmp_path)
    boots = {name: city.await_host(name, within=BOOT_SECONDS) for name in MAINTAINED}
    plan = tmp_path / "all.plan"
    client = WritingClient(city, CLIENT, service_names(city))
    begun = time.monotonic()
    with city.instance(FIRST) as server, client:
        named = f"--hosts={','.join(MAINTAINED)}"
        orchestrator(city, "maintenance", "plan", "--patch", "--reboot", named, "--out", str(plan))
        go = (str(plan), "--yes", "--outside-window", "-o", "json")
        acts = acts_of(orchestrator(city, "maintenance", "run", *go))
        moved = city.lab.admin.compute.get_server(server.id)
    seconds = time.monotonic() - begun
    tell(f"{len(MAINTAINED)} hosts in {seconds:.0f} s", client)

    assert set(acts) == set(MAINTAINED)
    assert acts[FIRST] == acts[SECOND] == EMPTIED
    assert acts["ctl-1"] == acts["bak-1"] == PATCHED
    assert "hand over" in acts["db-1"] and "hand over" in acts["db-2"]
    assert moved.compute_host != FIRST and moved.status == "ACTIVE"
    assert {city.status_of(host) for host in COMPUTES} == {"enabled"}
    expect_rolled(city, boots, client)
