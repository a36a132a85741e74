"""Hosts over SSH where nothing, or nothing useful, answers."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from orchestrator.errors import HostError, SecretError
from orchestrator.model.host import HostFault
from orchestrator.model.units import Secret, SecretRef
from orchestrator.providers.host.keys import new_key, public_half
from orchestrator.providers.host.ssh import SshHosts
from tests.fakes.bmc_site import SecretsInMemory, server

KEY = SecretRef("secret://ssh/hosts")
HOST = replace(server(), address=ip_address("10.9.0.111"))


def hosts(folder: Path, *, port: int, key: str | None = None) -> SshHosts:
    secret = new_key().reveal() if key is None else key
    return SshHosts(
        endpoints={"ssh": {"10.9.0.111": {"host": "127.0.0.1", "port": port}}},
        secrets=SecretsInMemory({KEY: secret}),
        folder=folder,
    )


def test_a_server_without_an_address_of_its_own_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        hosts(tmp_path, port=9).run(server(), "true", within=1)
    assert caught.value.fault is HostFault.UNDECLARED
    assert "cmp-01" in caught.value.message and "address" in caught.value.remedy


def test_a_host_where_nobody_listens_is_silent(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(HostError) as caught:
            hosts(tmp_path, port=reserved.getsockname()[1]).run(HOST, "true", within=2)
    assert caught.value.fault is HostFault.SILENT


def test_a_host_that_takes_the_connection_and_says_nothing_is_silent_in_time(
    tmp_path: Path,
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(HostError) as caught:
            hosts(tmp_path, port=mute.getsockname()[1]).run(HOST, "true", within=1)
    assert caught.value.fault is HostFault.SILENT


def test_what_is_no_key_is_an_error_of_the_vault_that_does_not_show_it(tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        hosts(tmp_path, port=9, key="canary-1").public_key(HOST)
    assert "canary-1" not in caught.value.message and str(KEY) in caught.value.message


def test_the_public_half_belongs_to_the_key() -> None:
    key = new_key()
    assert public_half(KEY, key) == public_half(KEY, Secret(key.reveal()))
    assert public_half(KEY, key) != public_half(KEY, new_key())


def test_a_forgotten_host_key_need_not_have_been_there(tmp_path: Path) -> None:
    known = hosts(tmp_path, port=9)
    known.expect_new_key(HOST)
    (tmp_path / "10.9.0.111.hostkey").write_text("ssh-ed25519 SHA256:x\n")
    known.expect_new_key(HOST)
    assert list(tmp_path.iterdir()) == []
