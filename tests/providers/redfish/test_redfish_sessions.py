"""Logins: one session per BMC, and none left, whatever happens to the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.model.units import Secret, SecretRef
from orchestrator.providers.redfish.client import Limits
from tests.fakes.bmc_server import Bmc, BmcServers
from tests.fakes.bmc_site import REFERENCE, SecretsInMemory, server
from tests.providers.redfish.conftest import IMPATIENT, Open, client_of

PATIENT = Limits(total_seconds=30, answer_seconds=20, goodbye_seconds=1)


def test_one_session_serves_the_whole_conversation_and_is_closed(reach: Open) -> None:
    bmc = Bmc()
    reach(bmc).inventory(server(), whole=True)
    assert bmc.calls["POST"] == 1
    assert bmc.sessions == {}


@pytest.mark.parametrize("fault", ["invalid", "half", "hang"])
def test_no_session_is_left_when_the_conversation_fails(reach: Open, fault: str) -> None:
    bmc = Bmc(fault=fault)
    with pytest.raises(BmcError):
        reach(bmc, limits=IMPATIENT).inventory(server())
    assert bmc.sessions == {}


def test_a_bmc_without_session_service_gets_the_login_with_each_request(reach: Open) -> None:
    bmc = Bmc(sessions_supported=False)
    reach(bmc).inventory(server())
    assert bmc.calls["POST"] == 0
    assert len(bmc.logins) == bmc.calls.total() - 1, "the root is open"


@pytest.mark.parametrize("stuck_at", ["GET /redfish/v1/Systems", "POST /redfish/v1/Sessions"])
def test_a_killed_run_leaves_a_session_that_the_next_one_closes(
    servers: BmcServers, tmp_path: Path, stuck_at: str
) -> None:
    bmc = servers.start(Bmc(hangs_after=stuck_at))
    run = multiprocessing.get_context("fork").Process(target=_read, args=(bmc, tmp_path / "state"))
    run.start()
    _wait_until(lambda: any(path.startswith(stuck_at) for path in bmc.paths))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join(10)
    assert len(bmc.sessions) == 1

    bmc.hangs_after = ""
    client_of(bmc, tmp_path / "state").inventory(server())
    assert bmc.sessions == {}
    assert (tmp_path / "state" / "10.9.0.11.session").read_text() == ""


def test_a_login_that_two_killed_runs_never_finished_is_found_and_closed(
    servers: BmcServers, tmp_path: Path
) -> None:
    bmc = servers.start(Bmc())
    bmc.sessions = {"lost": "/redfish/v1/Sessions/77", "known": "/redfish/v1/Sessions/78"}
    (tmp_path / "10.9.0.11.session").write_text("logging-in\nlogging-in\n/redfish/v1/Sessions/78\n")
    client_of(bmc, tmp_path).inventory(server())
    assert bmc.sessions == {}


def test_a_session_that_could_not_be_closed_is_closed_by_the_next_run(
    servers: BmcServers, tmp_path: Path
) -> None:
    bmc = servers.start(Bmc(hangs_after="DELETE"))
    client_of(bmc, tmp_path / "state").inventory(server())
    bmc.hangs_after = ""
    bmc.sessions["their-token"] = "/redfish/v1/Sessions/99"
    client_of(bmc, tmp_path / "state").inventory(server())
    assert list(bmc.sessions.values()) == ["/redfish/v1/Sessions/99"], "only our own is closed"


def test_a_bmc_is_asked_one_thing_at_a_time_even_by_several_runs(
    servers: BmcServers, tmp_path: Path
) -> None:
    bmc = servers.start(Bmc(delay=0.02))
    runs = [
        threading.Thread(
            target=client_of(bmc, tmp_path / "state", limits=PATIENT).inventory, args=(server(),)
        )
        for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(20)
    assert bmc.calls["POST"] == 3
    assert bmc.most_at_once == 1


def test_who_finds_the_bmc_taken_is_told_so_in_time(servers: BmcServers, tmp_path: Path) -> None:
    bmc = servers.start(Bmc(fault="hang"))
    first = threading.Thread(
        target=pytest.raises,
        args=(
            BmcError,
            client_of(bmc, tmp_path / "state", limits=IMPATIENT).inventory,
            server(),
        ),
    )
    first.start()
    _wait_until(lambda: len(bmc.paths) > 2)
    brief = Limits(total_seconds=0.5, answer_seconds=0.5)
    with pytest.raises(BmcError, match="another run") as refused:
        client_of(bmc, tmp_path / "state", limits=brief).inventory(server())
    assert refused.value.fault is BmcFault.BUSY
    first.join(20)


def test_a_wrong_password_is_named_and_tried_once(reach: Open) -> None:
    bmc = Bmc(password="another")
    secrets = SecretsInMemory({REFERENCE: "wrong"})
    with pytest.raises(BmcError) as refused:
        reach(bmc, secrets=secrets).inventory(server())
    assert refused.value.fault is BmcFault.LOGIN_REFUSED
    assert "wrong" not in refused.value.message + refused.value.remedy
    assert bmc.logins == ["wrong"], "an account is locked after a few"


def test_the_factory_password_is_reported_as_such(reach: Open) -> None:
    with pytest.raises(BmcError) as refused:
        reach(Bmc(must_change_password=True)).inventory(server())
    assert refused.value.fault is BmcFault.PASSWORD_CHANGE_REQUIRED
    assert "rotate-password" in refused.value.remedy


NEW = SecretRef("secret://bmc/city-2027")


@pytest.mark.parametrize(
    "bmc", [Bmc(), Bmc(sessions_supported=False), Bmc(must_change_password=True)]
)
def test_a_password_is_stored_before_the_bmc_has_it(reach: Open, bmc: Bmc) -> None:
    had: list[str] = []
    assert reach(bmc).change_password(
        server(), Secret("second"), store=lambda: had.append(bmc.password)
    )
    assert had == ["first-password"]
    assert bmc.password == "second"
    assert not bmc.must_change_password
    assert bmc.sessions == {}


def test_a_rotation_killed_after_the_change_is_found_done_by_the_next(reach: Open) -> None:
    bmc = Bmc(hangs_after="PATCH /redfish/v1/Accounts")
    client = reach(bmc)
    with pytest.raises(BmcError, match="not known"):
        client.change_password(server(), Secret("second"), store=lambda: None)
    bmc.hangs_after = ""
    asked: list[str] = []
    assert not client.change_password(server(), Secret("second"), store=lambda: asked.append(""))
    assert asked == []
    assert bmc.sessions == {}


@pytest.mark.parametrize("has", ["first-password", "second"])
@pytest.mark.parametrize("sessions", [True, False])
def test_between_two_passwords_the_bmc_is_reached_with_whichever_it_has(
    servers: BmcServers, tmp_path: Path, has: str, sessions: bool
) -> None:
    bmc = servers.start(Bmc(password=has, sessions_supported=sessions))
    secrets = SecretsInMemory({REFERENCE: "first-password", NEW: "second"})
    client_of(bmc, tmp_path, secrets=secrets).expect_successor(REFERENCE, NEW)
    client = client_of(bmc, tmp_path, secrets=secrets)
    assert client.inventory(server()).serial == "SN-CMP-01"


def _read(bmc: Bmc, folder: Path) -> None:
    client_of(bmc, folder, limits=PATIENT).inventory(server())


def _wait_until(true: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator] # a claim
        assert time.monotonic() < deadline
        time.sleep(0.02)
