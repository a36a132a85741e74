"""Firmware updates, on BMCs that are played."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import BmcError
from orchestrator.providers.redfish.updates import RedfishFirmware
from tests.fakes.bmc_site import server
from tests.fakes.updating_bmc import UpdatingBmc
from tests.providers.redfish.conftest import Open

IMAGE = "http://10.0.0.5/bios.bin"


def firmware(reach: Open, bmc: UpdatingBmc) -> RedfishFirmware:
    return RedfishFirmware(reach(bmc), poll_seconds=0.01, settle_seconds=0.05)


def test_versions_are_those_of_the_inventory_with_bios_and_bmc(reach: Open) -> None:
    told = firmware(reach, UpdatingBmc()).versions(server())
    assert told["BMC"] == "4.10" and "BIOS" in told and len(told) > 2


@pytest.mark.parametrize("monitor_only", [False, True], ids=["task", "monitor"])
def test_an_update_is_seen_to_its_end(reach: Open, monitor_only: bool) -> None:
    bmc = UpdatingBmc(monitor_only=monitor_only, needs_protocol=True, refuses_targets=True)
    firmware(reach, bmc).update(server(), IMAGE, within=5)
    assert bmc.asked == [{"ImageURI": IMAGE, "TransferProtocol": "HTTP"}]
    assert bmc.looks >= 2 and bmc.sessions == {}


def test_a_make_that_wants_a_target_gets_its_system(reach: Open) -> None:
    bmc = UpdatingBmc(manufacturer="Supermicro")
    firmware(reach, bmc).update(server(), IMAGE, within=5)
    assert bmc.asked[0]["Targets"] == [bmc.base]


def test_a_task_that_fails_is_told_in_the_bmcs_words(reach: Open) -> None:
    bmc = UpdatingBmc(states=["Running", "Exception"], message="the image is not signed")
    with pytest.raises(BmcError, match="ended as Exception: the image is not signed"):
        firmware(reach, bmc).update(server(), IMAGE, within=5)


def test_a_task_that_does_not_end_is_given_up(reach: Open) -> None:
    with pytest.raises(BmcError, match="has not ended after"):
        firmware(reach, UpdatingBmc(states=["Running"])).update(server(), IMAGE, within=0.1)


def test_a_task_that_stays_pending_waits_for_the_restart(reach: Open) -> None:
    bmc = UpdatingBmc(states=["Running", "Pending"])
    firmware(reach, bmc).update(server(), IMAGE, within=5)
    assert bmc.looks > 2


def test_a_bmc_that_does_not_fetch_so_is_asked_for_nothing(reach: Open) -> None:
    bmc = UpdatingBmc(protocols=("TFTP",))
    with pytest.raises(BmcError, match="does not fetch by HTTP"):
        firmware(reach, bmc).update(server(), IMAGE, within=5)
    assert bmc.asked == []
    with pytest.raises(BmcError, match="no SimpleUpdate"):
        firmware(reach, UpdatingBmc(without_update=True)).update(server(), IMAGE, within=5)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "bios.bin").write_bytes(b"firmware" * 1000)
    kind = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


def test_the_digest_is_of_the_file_at_the_address(reach: Open, served: str) -> None:
    port = firmware(reach, UpdatingBmc())
    assert port.digest(f"{served}/bios.bin") == hashlib.sha256(b"firmware" * 1000).hexdigest()
    with pytest.raises(BmcError, match="cannot be read"):
        port.digest(f"{served}/other.bin")
    with pytest.raises(BmcError, match="neither http nor https"):
        port.digest("file:///etc/hostname")
    with pytest.raises(BmcError, match="cannot be read"):
        port.digest("http://files.example:port/bios.bin")
