"""The plan of the lab's network: nothing here needs root or makes a namespace."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import shutil
from dataclasses import replace
from datetime import date
from io import StringIO
from ipaddress import ip_address
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.render.lab import status_parts
from orchestrator.lab.clouds import write_endpoints
from orchestrator.lab.health import Health, LabStatus, ServiceStatus
from orchestrator.lab.network.device import password_hash
from orchestrator.lab.network.life import (
    DeviceStatus,
    network_status,
    network_stop,
    network_up,
)
from orchestrator.lab.network.record import (
    cable_name,
    namespace_prefix,
    read_network,
    record_of,
    write_network,
)
from orchestrator.lab.network.spec import NetworkContents, network_of_site
from orchestrator.lab.network.wires import Wires, host_ways, router_ways
from orchestrator.lab.record import make_record
from orchestrator.lab.settings import LabSettings
from orchestrator.model.network import Platform
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.spec.load import load_site
from orchestrator.verify.probes import live_probes, probes_of_itself

TESTS = Path(__file__).parents[1]
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sites") / "two"
    shutil.copytree(TESTS / "cases" / "_base", directory)
    shutil.copytree(TESTS / "lab" / "two_regions", directory, dirs_exist_ok=True)
    return directory


@pytest.fixture(scope="module")
def site(directory: Path) -> Site:
    return load_site(directory).site


@pytest.fixture(scope="module")
def contents(site: Site, directory: Path) -> NetworkContents:
    return network_of_site(site, AnsibleVaultSecrets(directory))


def test_devices_with_a_login_are_run_with_the_secrets_that_are_declared(
    contents: NetworkContents, directory: Path
) -> None:
    assert [(each.name, each.platform.value, each.user) for each in contents.devices] == [
        ("city-fw-1", "nftables", "netops"),
        ("city-fw-2", "nftables", "netops"),
        ("city-router-1", "frr", "netops"),
        ("city-router-2", "frr", "netops"),
        ("north-fw", "nftables", "netops"),
        ("north-router", "frr", "root"),
    ]
    by_name = {each.name: each for each in contents.devices}
    assert by_name["city-fw-1"].password and not by_name["city-fw-1"].public_key
    assert by_name["north-fw"].password is None
    assert by_name["north-fw"].public_key.startswith("ssh-ed25519 ")
    names = AnsibleVaultSecrets(directory).names()
    assert {"secret://network/city-fw-1", "secret://network/north-fw-key"} <= names


def test_the_administrator_has_a_free_address_beside_the_device(contents: NetworkContents) -> None:
    assert {each.region: each.administrator for each in contents.devices} == {
        "city": "10.9.1.254",
        "north": "10.16.1.254",
    }


def test_each_zone_of_a_guarded_region_has_a_host_with_both_families(
    contents: NetworkContents,
) -> None:
    hosts = {(each.region, each.zone): dict(each.addresses) for each in contents.hosts}
    assert {region for region, _ in hosts} == {"city", "north"}
    assert set(hosts["north", "egov-pub"]) == {4, 6} == set(hosts["city", "xchg"])
    assert ("city", "internet") in hosts and ("north", "xchg") not in hosts


def test_a_line_is_a_cable_where_both_its_routers_run(contents: NetworkContents) -> None:
    assert [line.ends for line in contents.lines] == [
        ("north-router", "city-router-1"),
        ("north-router", "city-router-2"),
    ]
    assert all(len(line.port) <= 15 for line in contents.lines)


def test_a_device_that_only_ipv6_reaches_is_left_out_by_name(site: Site, directory: Path) -> None:
    first, *rest = (each for each in site.network.devices if each.login)
    strange = replace(first, address=ip_address("2001:db8:a:1::5"))
    changed = replace(site, network=replace(site.network, devices=(strange, *rest)))
    found = network_of_site(changed, AnsibleVaultSecrets(directory))
    assert [each.partition(":")[0] for each in found.left_out] == [first.name]
    assert first.name not in {each.name for each in found.devices}


def test_two_labs_share_no_name(contents: NetworkContents, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    plans = [Wires(contents, prefix=namespace_prefix(folder)) for folder in (one, other)]
    assert not set(plans[0].namespaces) & set(plans[1].namespaces)
    assert cable_name(one) != cable_name(other) and len(cable_name(one)) <= 15
    assert namespace_prefix(one) == namespace_prefix(tmp_path / "x" / ".." / "one")


def test_every_port_is_plugged_in_once(contents: NetworkContents) -> None:
    wires = Wires(contents, prefix="orch-test-")
    plugged = [
        (namespace, port)
        for command in wires.cabling()
        for words in [command.split()]
        for port, namespace in [(words[words.index("peer") + 2], words[-1])]
    ]
    assert len(plugged) == len(set(plugged)) == len(list(wires.cabling()))
    assert {port for namespace, port in plugged if namespace == "orch-test-city-fw-2"} == {
        *(host.zone for host in contents.hosts if host.region == "city"),
        "transit",
        "mgmt0",
    }


def test_hosts_and_routers_are_turned_to_the_firewall_that_leads(contents: NetworkContents) -> None:
    host = next(h for h in contents.hosts if (h.region, h.zone) == ("north", "egov-pub"))
    assert "route replace default via 169.254.0.2 dev eth0" in list(host_ways(host, leader=2))
    assert "route replace default via fe80::2 dev eth0" in list(host_ways(host, leader=2))
    assert "route replace 10.5.0.10 via 169.254.100.2 dev transit" in list(
        router_ways([host], leader=2)
    )


def test_probes_cross_a_firewall_and_the_internet_is_probed_from_its_own_region(
    site: Site, contents: NetworkContents
) -> None:
    everything, wanted = live_probes(site, hosts=contents.ends, today=TODAY)
    pairs = {
        ((p.source.region, p.source.zone), (p.destination.region, p.destination.zone))
        for p in everything
    }
    assert (("north", "egov-pub"), ("city", "xchg")) in pairs
    assert (("city", "egov-pub"), ("city", "egov-pub")) not in pairs
    assert (("north", "internet"), ("city", "xchg")) not in pairs
    exchange = {
        (p.source.region, p.version)
        for p in wanted
        if p.port == 8443 and (p.source.zone, p.destination.zone) == ("egov-pub", "xchg")
    }
    assert exchange == {("city", 4), ("city", 6), ("north", 4), ("north", 6)}
    assert 0 < len(wanted) < len(everything) / 5


def test_a_firewall_itself_is_for_its_management_zone_and_for_the_bastion(
    site: Site, contents: NetworkContents
) -> None:
    firewall = replace(contents.ends[0], end="city-fw-1", addresses=((4, 0x0A090115),))
    _, wanted = probes_of_itself(site, firewall, hosts=contents.ends, today=TODAY)
    assert {probe.source.zone for probe in wanted} == {"access", "mgmt"}


def test_a_record_is_read_as_it_was_written(contents: NetworkContents, tmp_path: Path) -> None:
    record = record_of(contents, digest="d", subnet="198.18.5.0/24")
    write_network(tmp_path, record)
    assert read_network(tmp_path) == record
    assert [each.reached for each in record.devices][:2] == ["198.18.5.11", "198.18.5.12"]


def test_what_is_missing_is_said_by_name_and_no_device_is_asked_at_its_declared_address(
    contents: NetworkContents, tmp_path: Path
) -> None:
    settings = LabSettings(directory=tmp_path / "lab", venv=tmp_path)
    said: list[str] = []
    devices = network_up(
        settings,
        contents,
        lambda step: said.append(step.text),
        missing=lambda: ["root", "bgpd (package frr)"],
    )
    assert said == ["network: its 6 devices do not run; missing: root, bgpd (package frr)"]
    assert network_status(settings) == () and network_stop(settings) == 0
    write_endpoints(settings, make_record(settings), (), devices=devices)
    reached = json.loads(settings.endpoints.read_text())["ssh"]
    assert set(reached) == {each.address for each in contents.devices}
    assert {each["host"] for each in reached.values()} == {"127.0.0.1"}


def test_a_shadow_files_hash_is_the_systems_own_and_says_nothing_of_the_password() -> None:
    hashed = password_hash(Secret("correct horse"))
    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    assert library.crypt(b"correct horse", hashed.encode()).decode() == hashed
    assert library.crypt(b"wrong", hashed.encode()).decode() != hashed
    assert "correct" not in hashed and password_hash(Secret("correct horse")) != hashed


def test_status_tells_a_device_that_is_silent_from_one_that_is_off(tmp_path: Path) -> None:
    def device(name: str, *, answers: bool, processes: int, dead: str = "") -> DeviceStatus:
        return DeviceStatus(
            name=name,
            platform=Platform.FRR,
            address="10.0.0.1",
            reached="198.18.0.11",
            answers=answers,
            namespace=f"orch-x-{name}",
            processes=processes,
            dead=tuple(dead.split()),
        )

    service = ServiceStatus(
        service="nova", health=Health.RUNNING, url="", pid=1, memory_mib=1, log=tmp_path
    )
    devices = (
        device("one", answers=True, processes=5),
        device("two", answers=False, processes=4),
        device("three", answers=False, processes=0, dead="sshd zebra staticd bgpd"),
        device("four", answers=True, processes=3, dead="staticd bgpd"),
    )
    status = LabStatus(directory=tmp_path, services=(service,), devices=devices)
    assert not status.is_up
    assert [each.name for each in status.broken_devices] == ["two", "three", "four"]
    console = Console(width=200, record=True, file=StringIO())
    console.print(*status_parts(status))
    printed = console.export_text()
    shown = {line.split()[0]: line.split()[2] for line in printed.splitlines()
             if "orch-x-" in line}  # fmt: skip
    assert shown == {"one": "answers", "two": "silent", "three": "off", "four": "no"}
    assert "no staticd, no bgpd" in printed
    assert replace(status, devices=devices[:1]).is_up
