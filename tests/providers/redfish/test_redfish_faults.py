"""BMCs that misbehave: each fault is named and bounded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault, PowerAct
from orchestrator.ports.bmc import SwitchPower
from orchestrator.providers.redfish.client import Limits
from tests.fakes.bmc_certificate import certificate, shown_fingerprint
from tests.fakes.bmc_server import Bmc, BmcServers
from tests.fakes.bmc_site import ADDRESS, server
from tests.providers.redfish.conftest import Open, client_of

BRIEF = Limits(total_seconds=2, answer_seconds=0.5, goodbye_seconds=0.5)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("hang", BmcFault.UNREACHABLE, "does not answer in time"),
        ("drip", BmcFault.UNREACHABLE, "does not answer in time"),
        ("half", BmcFault.UNREACHABLE, "breaks off"),
        ("invalid", BmcFault.BAD_ANSWER, "no JSON"),
    ],
)
def test_a_bad_answer_is_named_and_bounded(
    reach: Open, fault: str, kind: BmcFault, words: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(BmcError, match=words) as refused:
        reach(Bmc(fault=fault), limits=BRIEF).inventory(server())
    assert refused.value.fault is kind
    assert refused.value.remedy
    assert time.monotonic() - begun < 5


def test_a_bmc_that_is_not_there_is_unreachable(tmp_path: Path, servers: BmcServers) -> None:
    bmc = Bmc(port=1)
    with pytest.raises(BmcError, match="refuses the connection") as refused:
        client_of(bmc, tmp_path, limits=BRIEF).inventory(server())
    assert refused.value.fault is BmcFault.UNREACHABLE


def test_a_busy_bmc_is_asked_again(reach: Open) -> None:
    assert reach(Bmc(busy=3)).inventory(server()).serial == "SN-CMP-01"


def test_a_bmc_that_stays_busy_is_given_up_within_the_budget(reach: Open) -> None:
    bmc = Bmc(busy=100_000)
    with pytest.raises(BmcError, match="503") as refused:
        reach(bmc, limits=BRIEF).inventory(server())
    assert refused.value.fault is BmcFault.UNREACHABLE


def test_a_server_that_may_not_be_switched_is_refused_with_a_reason(reach: Open) -> None:
    with pytest.raises(BmcError, match="no reset action"):
        reach(Bmc(tells_reset=False)).act(server(), SwitchPower(act=PowerAct.OFF, forced=True))


def test_a_login_that_finds_no_free_session_says_so(reach: Open) -> None:
    bmc = Bmc(sessions_most=0)
    with pytest.raises(BmcError, match="no session") as refused:
        reach(bmc, limits=BRIEF).inventory(server())
    assert refused.value.fault is BmcFault.BUSY


def test_a_link_to_another_host_is_not_followed_with_our_login(reach: Open) -> None:
    bmc = Bmc(base="//evil.example/redfish", expands=False)
    with pytest.raises(BmcError, match="no link of its own"):
        reach(bmc).inventory(server())


def test_the_certificate_is_pinned_and_another_is_refused_before_the_login(
    servers: BmcServers, tmp_path: Path
) -> None:
    first = servers.start(Bmc(), certificate=certificate(tmp_path / "first.pem"))
    client_of(first, tmp_path / "state").inventory(server())
    client_of(first, tmp_path / "state").inventory(server())

    second = servers.start(Bmc(), certificate=certificate(tmp_path / "second.pem"))
    with pytest.raises(BmcError) as refused:
        client_of(second, tmp_path / "state").inventory(server())
    assert refused.value.fault is BmcFault.CERTIFICATE_CHANGED
    for name in ("first.pem", "second.pem"):
        assert shown_fingerprint(tmp_path / name) in refused.value.message
    assert second.calls.total() == 0

    pin = tmp_path / "state" / f"{ADDRESS}.sha256"
    assert str(pin) in refused.value.remedy
    pin.unlink()
    assert client_of(second, tmp_path / "state").inventory(server()).serial == "SN-CMP-01"
