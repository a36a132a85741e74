"""Drills on real hosts: one that passes with production off, and the six that must not pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.model.units import Secret
from tests.lab.drilled_services import (
    FOLDER,
    PRIMARY,
    ROWS,
    SPARE,
    SUBJECT,
    DrilledServices,
)
from tests.lab.running_services import DATABASE_HOSTS, RunningServices
from tests.lab.service_town import PROGRAM

pytestmark = [pytest.mark.lab, pytest.mark.root]

COUNTERS = (
    "SELECT json_build_array(count(*), (SELECT n_tup_ins + n_tup_upd + n_tup_del FROM "
    "pg_stat_user_tables WHERE relname = 'holder')) FROM data.holder"
)
BOOT_SECONDS = 60.0
STEP_SECONDS = 60.0


@pytest.fixture(scope="module")
def drills(services: RunningServices) -> Iterator[DrilledServices]:
    """Bring the backup hosts and the spare to the services, and make one copy."""
    services.town.up((*DATABASE_HOSTS, "bak-1", "dr-bak-1", SPARE))
    for host in ("bak-1", "dr-bak-1", SPARE):
        services.town.await_host(host)
    ready = DrilledServices(services)
    ready.prepare()
    yield ready
    services.as_superuser(PRIMARY, SUBJECT, "DROP TABLE data.holder")


def blamed(told: dict[str, Any]) -> dict[str, list[str]]:
    """Return what failed, with what is to blame."""
    failed = [one for one in told["assertions"] if one["verdict"] == "fail"]
    return {one["what"]: one["broken"] for one in failed}


def test_a_drill_proves_the_remote_copy_and_leaves_production_alone(
    drills: DrilledServices,
) -> None:
    before = drills.services.as_superuser(PRIMARY, SUBJECT, COUNTERS)
    code, told = drills.drill()
    assert (code, told["verdict"]) == (0, "pass"), told
    assertions = {one["what"]: one for one in told["assertions"]}
    assert assertions["table data.holder"]["found"].startswith(f"{ROWS} rows")
    assert assertions["login app"]["found"].startswith("done (password")
    assert "extension pgaudit" in assertions
    assert told["isolation"]["reached"] == [] and told["isolation"]["dropped_packets"] >= 1
    assert 0 < told["rpo_seconds"] < 15 * 60 and 0 < told["rto_seconds"] < 120 * 60
    assert drills.services.as_superuser(PRIMARY, SUBJECT, COUNTERS) == before
    assert drills.left_on_spare() == ""

    calendar = json.loads(drills.run("drill", "status", "-o", "json").stdout)
    states = {one["subject"]: one["state"] for one in calendar["subjects"]}
    assert (states[SUBJECT], states["ziran/geography"]) == ("current", "never")
    assert drills.run("drill", "verify", told["record"]).returncode == 0


@pytest.mark.slow
def test_with_the_production_host_off_it_works_just_as_well(drills: DrilledServices) -> None:
    drills.services.town.power(PRIMARY, "ForceOff")
    try:
        code, told = drills.drill()
    finally:
        drills.services.town.power(PRIMARY, "On")
        drills.services.town.await_host(PRIMARY)
        await_service(drills.services)
    assert (code, told["verdict"]) == (0, "pass"), told


def await_service(services: RunningServices) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while services.run("status").returncode != 0:
        assert time.monotonic() < deadline, services.run("status").stdout
        time.sleep(1)


def flip_a_byte(drills: DrilledServices) -> tuple[str, str]:
    packs = drills.packs()
    pack = max(packs, key=lambda name: packs[name])
    flip = (
        "import sys; f = open(sys.argv[1], 'r+b'); f.seek(int(sys.argv[2])); b = f.read(1)[0]; "
        "f.seek(-1, 1); f.write(bytes([b ^ 1]))"
    )
    drills.on_server(f'chmod u+w {FOLDER}/{pack}; python3 -c "{flip}" {FOLDER}/{pack} 60')
    return "restore", pack


def lose_the_incremental(drills: DrilledServices) -> tuple[str, str]:
    before = drills.packs()
    drills.services.as_superuser(
        PRIMARY, SUBJECT, "UPDATE data.holder SET name = name || '.' WHERE id <= 40"
    )
    drills.back_up()
    added = {name: size for name, size in drills.packs().items() if name not in before}
    pack = max(added, key=lambda name: added[name])
    drills.on_server(f"rm -f {FOLDER}/{pack}")
    return "restore", pack


def truncate_the_dump(drills: DrilledServices) -> tuple[str, str]:
    drills.forge("truncate")
    return "restore", "dump.pgc"


def lose_rows(drills: DrilledServices) -> tuple[str, str]:
    drills.forge("rows")
    return "table data.holder", "data.holder"


def let_it_grow_old(drills: DrilledServices) -> tuple[str, str]:
    drills.bring_back("empty")
    drills.back_up_as_of(timedelta(minutes=20))
    return "RPO", ""


@pytest.mark.parametrize(
    "sabotage", [flip_a_byte, lose_the_incremental, truncate_the_dump, lose_rows, let_it_grow_old]
)
def test_a_ruined_copy_fails_its_drill_and_is_named(
    drills: DrilledServices, sabotage: Callable[[DrilledServices], tuple[str, str]]
) -> None:
    try:
        what, name = sabotage(drills)
        code, told = drills.drill()
    finally:
        drills.bring_back("good")
    assert (code, told["verdict"]) == (1, "fail")
    found = blamed(told)
    assert list(found) == [what], told
    assert not name or any(name.endswith(one) or one.endswith(name) for one in found[what]), found
    assert drills.left_on_spare() == ""


def test_a_wrong_key_fails_its_drill_and_is_named(drills: DrilledServices) -> None:
    good = drills.swap_key(Secret("not-the-key"))
    try:
        code, told = drills.drill()
    finally:
        drills.swap_key(good)
    assert (code, blamed(told)) == (1, {"copy": ["secret://backup/dr"]})


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_drill_that_is_ended_is_cleared_at_once_or_by_the_next(
    drills: DrilledServices, sent: signal.Signals, code: int
) -> None:
    words = ["drill", "run", SUBJECT, "--site", str(drills.services.town.directory)]
    running = subprocess.Popen(
        [PROGRAM, *words],
        env=drills.services.town.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    said = until(running, running.stderr, "isolate the host: done")
    os.kill(running.pid, sent)
    running.communicate(timeout=STEP_SECONDS)
    assert running.returncode == code, said
    if sent is signal.SIGKILL:
        assert "orchestrator_drill" in drills.left_on_spare()
        assert drills.drill()[0] == 0
    assert drills.left_on_spare() == ""


def until(running: subprocess.Popen[str], lines: Iterator[str], end: str) -> Sequence[str]:
    """Read lines until one ends the wait; the process is ended where none does."""
    deadline = time.monotonic() + STEP_SECONDS
    said = []
    for line in lines:
        said.append(line)
        if end in line:
            return said
        if time.monotonic() > deadline:
            running.kill()
    raise AssertionError(f"it ended before `{end}`: {said}")
