"""The lab's network: real nft, FRR, sshd and packets in namespaces, for a small site."""

import json
import os
import signal
import time
from pathlib import Path

import paramiko
import pytest

from orchestrator.compile.frr import interface_name
from orchestrator.errors import LabError
from orchestrator.lab.network.life import network_status
from orchestrator.lab.network.live import LiveNetwork
from orchestrator.lab.network.plumbing import processes
from orchestrator.model.network import Platform
from orchestrator.verify.judge import Fault
from tests.compile.small_city import golden_site
from tests.lab.network_town import MISSING, SAVE, TODAY, NetworkTown, running_network

pytestmark = [
    pytest.mark.lab,
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"the lab's network needs: {MISSING}"),
]
BGP_SECONDS = 40
DEVICES = {
    "city-fw-1", "city-fw-2", "city-router-1", "city-router-2", "north-fw", "north-router",
}  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with running_network(tmp_path_factory.mktemp("network")) as town:
        yield town


@pytest.fixture(scope="module")
def town(empty):
    """The same network, provisioned by `apply`, and BGP settled."""
    first_rules = empty.ssh("city-fw-1", "nft list ruleset")
    first_routing = empty.ssh("city-router-1", "vtysh -c 'show running-config'")
    assert first_rules == "" and "router bgp" not in first_routing, "devices start empty"
    applied = empty.orchestrator("apply", "--layer", "network", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    until = time.monotonic() + BGP_SECONDS
    while not established(empty):
        assert time.monotonic() < until, empty.ssh("north-router", "vtysh -c 'show bgp summary'")
        time.sleep(0.3)
    return empty


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def lasting(town, device):
    """Return a device's processes, but for sessions that just end."""
    kept = {"unshare", "zebra", "staticd", "bgpd"}
    return {pid for pid in processes(town.namespace(device)) if name_of(pid) in kept}


def peers(town, router, family):
    told = town.json(router, f"show bgp {family} unicast summary")
    return {peer: one["state"] for peer, one in told["peers"].items()}


def established(town):
    states = [
        state
        for router in ("city-router-1", "city-router-2", "north-router")
        for family in ("ipv4", "ipv6")
        for state in peers(town, router, family).values()
    ]
    return len(states) == 8 and set(states) == {"Established"}


def learned(town, router):
    return {
        prefix
        for command in ("show ip route bgp", "show ipv6 route bgp")
        for prefix in town.json(router, command)
    }


def faults(town, *, target=""):
    return {
        (verdict.target, difference.fault, difference.from_, difference.to, difference.family)
        for verdict in town.verdicts()
        for difference in verdict.differences
        if target in verdict.target
    }


def test_every_device_with_a_login_runs_and_says_its_name(empty):
    assert {status.name for status in network_status(empty.settings)} == DEVICES
    assert all(status.is_whole for status in network_status(empty.settings))
    for device in DEVICES:
        assert empty.ssh(device, "hostname").strip() == device
    assert empty.said[-1].startswith("network: 6 devices and ")


def test_nobody_but_the_declared_user_gets_in(empty):
    for login in (
        {"password": "wrong"},
        {"username": "root"},
        {"username": "nobody"},
        {"username": "sshd", "password": ""},
    ):
        with pytest.raises(paramiko.AuthenticationException):
            empty.ssh("city-fw-1", "true", **login)
    with pytest.raises(paramiko.AuthenticationException):
        empty.ssh("north-fw", "true", pkey=None, password="a password where a key is declared")


def test_a_device_changes_its_own_files_and_none_of_the_machine(empty):
    empty.ssh("city-fw-1", "echo of-the-device > /etc/motd")
    assert empty.ssh("city-fw-1", "cat /etc/motd") == "of-the-device\n"
    with pytest.raises(AssertionError, match="Read-only file system"):
        empty.ssh("city-fw-1", "touch /usr/bin/planted")
    assert empty.ssh("city-fw-2", "cat /etc/motd || true") == ""


def test_bgp_brings_exactly_the_declared_aggregates(town):
    north = {"10.5.0.0/16", "10.16.0.0/16", "2001:db8:b::/48"}
    city = {
        "10.0.0.0/14", "10.4.0.0/16", "10.7.0.0/16", "10.9.0.0/16", "2001:db8:a::/48",
    }  # fmt: skip
    assert learned(town, "city-router-1") == north
    assert learned(town, "city-router-2") == north
    assert learned(town, "north-router") == city


def test_the_standard_tools_show_the_declared_lines(town):
    running = town.ssh("city-router-1", "vtysh -c 'show running-config'").splitlines()
    for line in (
        f"interface {interface_name('north-by-the-canal')}",
        " ip address 10.30.0.1/30",
        " ipv6 address 2001:db8:f::1/126",
        "router bgp 65001",
        " neighbor 10.30.0.2 remote-as 65002",
        "ip prefix-list TO-north seq 5 permit 10.0.0.0/14",
    ):
        assert line in running
    assert not [line for line in running if "10.30.0.5" in line], "that line ends at the other"
    rules = town.ssh("city-fw-2", "nft list ruleset")
    assert "chain forward" in rules and 'comment "exchange-all"' in rules
    assert "ip saddr @administrators4 tcp dport 22" in rules


def test_rulesets_and_packets_agree_with_the_flows_within_and_between_the_regions(town):
    verdicts = town.verdicts()
    assert [verdict.name for verdict in verdicts] == [
        "city-fw-1", "city-fw-2", "north-fw", "city-fw-1, north-fw", "city-fw-2, north-fw",
    ]  # fmt: skip
    assert [d.detail for verdict in verdicts for d in verdict.differences] == []
    assert all(verdict.compared > 100 for verdict in verdicts if verdict.target == "packets")


@pytest.mark.parametrize(("family", "version"), [("IPv4", 4), ("IPv6", 6)])
def test_a_countys_rule_deleted_by_hand_is_found_in_the_kernel_and_by_packets(
    town, family, version
):
    rules = town.ssh("north-fw", "nft --handle list chain inet orchestrator_zones forward")
    word = "@flows4_16_16" if version == 4 else "@flows6_64_64"
    [handle] = [line.rsplit(" ", 1)[1] for line in rules.splitlines() if word in line]
    town.ssh("north-fw", f"nft delete rule inet orchestrator_zones forward handle {handle}")
    try:
        found = faults(town)
    finally:
        town.load_everything()
    assert ("packets", Fault.CLOSED, "zone/egov-pub", "zone/xchg", family) in found
    assert {target for target, *_ in found} == {"packets", "nftables in the kernel"}
    assert {fault for _, fault, *_ in found} == {Fault.CLOSED}


def test_drift_names_a_rule_deleted_by_hand_and_apply_puts_it_right(town):
    planned = town.orchestrator("plan", "--layer", "network", "-o", "json")
    assert (planned.returncode, json.loads(planned.stdout)["steps"]) == (0, [])
    element = "flows4_16_16 '{ 10.5.0.0/16 . 10.3.0.0/16 . 6 . 8443 }'"
    town.ssh("north-fw", f"nft delete element inet orchestrator_zones {element}")
    drifted = town.orchestrator("drift", "--layer", "network")
    assert "1 changed outside" in drifted.stdout and "north-fw" in drifted.stdout
    verified = town.orchestrator("network", "verify", "--live", "--target", "frr")
    assert verified.returncode == 1 and "tcp 8443" in verified.stdout
    assert town.orchestrator("apply", "--layer", "network", "--yes").returncode == 0
    verified = town.orchestrator("network", "verify", "--live", "--target", "frr")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_hole_in_the_second_firewall_of_a_pair_is_found_too(town):
    hole = "insert rule inet orchestrator_zones forward ip daddr 10.4.0.0/16 accept"
    town.ssh("city-fw-2", f"nft {hole}")
    try:
        verdicts = town.verdicts()
    finally:
        town.load_everything()
    wrong = {verdict.name for verdict in verdicts if not verdict.agrees}
    assert wrong == {"city-fw-2", "city-fw-2, north-fw"}


def test_a_firewall_that_answers_everybody_is_found(town):
    element = "administrators4 '{ 10.5.0.0/16 }'"
    town.ssh("north-fw", f"nft add element inet orchestrator_zones {element}")
    try:
        found = [d for verdict in town.verdicts() for d in verdict.differences]
    finally:
        town.load_everything()
    assert {(d.fault, d.ports) for d in found} == {(Fault.UNDECLARED, "22")}
    assert "north-fw" in {d.to for d in found} and "zone/egov-pub" in {d.from_ for d in found}


def test_a_lost_line_leaves_the_region_without_that_way_until_it_is_back(town):
    port = interface_name("north-by-the-canal")
    town.inside("city-router-1", "ip", "link", "set", port, "down")
    until = time.monotonic() + BGP_SECONDS
    while learned(town, "city-router-1"):
        assert time.monotonic() < until
        time.sleep(0.3)
    assert learned(town, "city-router-2")
    town.inside("city-router-1", "ip", "link", "set", port, "up")
    while not established(town):
        assert time.monotonic() < until + BGP_SECONDS
        time.sleep(0.3)


def test_another_sites_network_is_not_judged(town):
    with pytest.raises(LabError, match="not those of this site"):
        list(
            LiveNetwork(town.settings).verdicts(
                golden_site("small-city"), today=TODAY, watch=lambda text: None
            )
        )


def test_a_second_up_leaves_everything_alone(town):
    before = {device: lasting(town, device) for device in DEVICES}
    said = len(town.said)
    town.up()
    assert {device: lasting(town, device) for device in DEVICES} == before
    assert town.said[said:] == []


@pytest.mark.parametrize(
    ("device", "platform"),
    [("city-fw-1", Platform.NFTABLES), ("north-router", Platform.FRR)],
)
def test_a_device_that_lost_its_power_boots_with_what_it_saved(town, device, platform):
    shown = {
        Platform.NFTABLES: "nft --stateless list ruleset",
        Platform.FRR: "vtysh -c 'show running-config'",
    }[platform]
    before = town.ssh(device, shown)
    town.ssh(device, SAVE[platform])
    town.ssh(device, "setsid sh -c 'sleep 1000' >/dev/null 2>&1 </dev/null &")
    town.ssh(device, "touch /run/only-in-memory")
    [outermost] = [pid for pid in processes(town.namespace(device)) if name_of(pid) == "unshare"]
    # It takes everything of the device along.
    os.kill(outermost, signal.SIGKILL)
    until = time.monotonic() + 10
    while processes(town.namespace(device)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert [s.name for s in network_status(town.settings) if not s.answers] == [device]
    town.up()
    assert town.ssh(device, shown) == before
    assert town.ssh(device, "ls /run/only-in-memory 2>/dev/null || true") == ""


@pytest.mark.parametrize("daemon", ["staticd", "bgpd"])
def test_a_router_of_which_a_daemon_died_is_started_again(town, daemon):
    [died] = [pid for pid in processes(town.namespace("north-router")) if name_of(pid) == daemon]
    os.kill(died, signal.SIGKILL)
    until = time.monotonic() + 10
    while died in processes(town.namespace("north-router")):
        assert time.monotonic() < until
        time.sleep(0.05)
    dead = {one.name: one.dead for one in network_status(town.settings) if not one.is_whole}
    assert dead == {"north-router": (daemon,)}
    town.up()
    running = {name_of(pid) for pid in processes(town.namespace("north-router"))}
    assert running >= {"sshd", "zebra", "staticd", "bgpd"}
    assert processes(town.namespace("north-router")).count(died) == 0


def test_two_labs_run_side_by_side(town, tmp_path):
    with running_network(tmp_path / "other") as other:
        assert other.record.subnet != town.record.subnet
        assert not set(other.namespaces) & set(town.namespaces)
        other.ssh("city-fw-1", "nft add table inet of_the_other")
        assert "of_the_other" not in town.ssh("city-fw-1", "nft list tables")
    assert other.namespaces == [] and not other.has_cable
    assert all(status.is_whole for status in network_status(town.settings))


@pytest.mark.parametrize("seconds", [0.9, 1.3, 1.8, 2.5])
def test_an_up_that_was_killed_is_mended_by_the_next_and_cleaned_by_down(tmp_path, seconds):
    town = NetworkTown(tmp_path / "killed")
    try:
        process = town.up_in_another_process()
        time.sleep(seconds)
        process.kill()
        process.wait(10)
        town.up()
        assert all(status.is_whole for status in network_status(town.settings))
        assert town.ssh("north-router", "hostname").strip() == "north-router"
        again = town.up_in_another_process()
        again.kill()
        again.wait(10)
    finally:
        town.down()
    assert town.namespaces == [] and not town.has_cable


def test_without_zone_firewalls_verify_says_what_to_do(tmp_path):
    town = NetworkTown(tmp_path / "none")
    town.endpoints = {}
    verified = town.orchestrator("network", "verify", "--live", "--target", "frr")
    assert verified.returncode == 1
    assert "runs no zone firewalls" in verified.stderr and "lab up SITE" in verified.stderr


def test_without_login_the_lab_has_no_network_and_the_old_one_goes(tmp_path):
    with running_network(tmp_path / "one") as town:
        network = town.directory / "network" / "lab.yaml"
        lines = network.read_text().splitlines()
        kept = [line.partition(", platform:")[0] + "}" if "login:" in line else line
                for line in lines]  # fmt: skip
        network.write_text("\n".join(kept) + "\n")
        without = NetworkTown(town.folder)
        without.up()
        assert without.record is None
        assert without.namespaces == [] and network_status(without.settings) == ()
