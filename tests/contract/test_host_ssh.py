"""The host port against a real sshd: a command, a stranger's host key, a login that is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.model.hardware import HostLogin
from orchestrator.model.host import HostFault
from orchestrator.model.units import SecretRef
from orchestrator.providers.host.keys import new_key
from orchestrator.providers.host.ssh import SshHosts
from orchestrator.providers.host.streams import SshStreams
from tests.contract.sshd import SSHD, Sshd, running_sshd
from tests.fakes.bmc_site import SecretsInMemory, server

pytestmark = pytest.mark.skipif(SSHD is None, reason="there is no sshd (package openssh-server)")

KEY, STRANGE = SecretRef("secret://ssh/hosts"), SecretRef("secret://ssh/strange")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Sshd]:
    with running_sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def hosts(daemon: Sshd, tmp_path: Path) -> SshHosts:
    keys = {KEY: daemon.private_key, STRANGE: new_key().reveal()}
    return SshHosts(
        endpoints={"ssh": {"10.9.0.111": {"host": "127.0.0.1", "port": daemon.port}}},
        secrets=SecretsInMemory(keys),
        folder=tmp_path / "hosts",
    )


def host(daemon: Sshd, key: SecretRef = KEY):
    login = HostLogin(user=daemon.user, key=key)
    return replace(server(), address=ip_address("10.9.0.111"), ssh=login)


def test_a_command_gives_its_output_its_errors_and_its_status(hosts, daemon) -> None:
    ran = hosts.run(host(daemon), "cat; echo no >&2; exit 7", within=10, given="said")
    assert (ran.status, ran.out, ran.err) == (7, "said", "no\n")


def test_a_host_with_another_key_is_sent_nothing_until_it_is_expected(hosts, daemon) -> None:
    assert hosts.run(host(daemon), "true", within=10).status == 0
    daemon.stop()
    daemon.make_host_key()
    daemon.start()
    with pytest.raises(HostError) as caught:
        hosts.run(host(daemon), "true", within=10)
    assert caught.value.fault is HostFault.HOST_KEY
    hosts.expect_new_key(host(daemon))
    assert hosts.run(host(daemon), "true", within=10).status == 0


def test_a_key_that_the_host_does_not_know_is_refused(hosts, daemon) -> None:
    with pytest.raises(HostError, match="refuses the login") as caught:
        hosts.run(host(daemon, STRANGE), "true", within=10)
    assert caught.value.fault is HostFault.LOGIN_REFUSED


def test_a_host_that_hangs_up_at_the_login_is_told_from_one_that_refuses_the_key(
    hosts, daemon
) -> None:
    daemon.stop()
    daemon.more = "MaxAuthTries 1\n"  # it ends the connection after the first, as PAM's rules do
    daemon.start()
    with pytest.raises(HostError, match="ends the connection") as caught:
        hosts.run(host(daemon, STRANGE), "true", within=10)
    assert caught.value.fault is HostFault.LOGIN_REFUSED


def test_a_command_that_does_not_end_is_left_in_time(hosts, daemon) -> None:
    with pytest.raises(HostError) as caught:
        hosts.run(host(daemon), "sleep 60", within=1)
    assert caught.value.fault is HostFault.SILENT


MUCH = bytes(range(256)) * 4096


def test_a_stream_of_any_bytes_goes_there_and_comes_back(hosts, daemon) -> None:
    streams = SshStreams(hosts=hosts)
    command = f"head -c {len(MUCH)}; printf end; echo no >&2; exit 7"
    with streams.open(host(daemon), command, within=20) as stream:
        assert stream.write(MUCH)
        assert stream.read(len(MUCH)) == MUCH
        ran = stream.ended()
    assert (ran.status, ran.out, ran.err) == (7, "end", "no\n")


def test_a_stream_to_a_command_that_ended_is_taken_no_more_and_its_ending_is_told(
    hosts, daemon
) -> None:
    with SshStreams(hosts=hosts).open(host(daemon), "echo full; exit 3", within=20) as stream:
        sent = 0
        while stream.write(MUCH):
            sent += 1
            assert sent < 64, "it went on writing to nobody"
        ran = stream.ended()
    assert (ran.status, ran.out) == (3, "full\n")


def test_a_stream_that_is_left_shows_its_command_the_end_of_its_input(
    hosts, daemon, tmp_path
) -> None:
    seen = tmp_path / "seen"
    with (
        pytest.raises(KeyError),
        SshStreams(hosts=hosts).open(
            host(daemon), f"wc -c > {seen}.part; mv {seen}.part {seen}", within=20
        ) as stream,
    ):
        stream.write(b"half")
        raise KeyError("what was to be sent could not be read")
    deadline = time.monotonic() + 10
    while not seen.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert int(seen.read_text()) == 4


def test_a_stream_from_a_host_that_goes_away_is_a_host_error_and_no_end(hosts, daemon) -> None:
    with SshStreams(hosts=hosts).open(host(daemon), "sleep 60", within=20) as stream:
        daemon.stop()
        with pytest.raises(HostError):
            if stream.read(1) == b"":
                stream.ended()
