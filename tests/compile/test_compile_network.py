"""Compiled texts, word for word: `python -m tests.compile.small_city` writes them anew."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestrator.compile.frr import frr_configs, interface_name
from orchestrator.compile.nftables import nft_ruleset
from orchestrator.compile.permits import region_permits
from orchestrator.compile.targets import Compiled, configured_devices, uncompiled_switches
from orchestrator.compile.territory import Territory
from orchestrator.model.network import DeviceLogin, DeviceRole, Platform
from orchestrator.model.site import Site
from orchestrator.model.units import SecretRef
from orchestrator.spec.load import load_site
from orchestrator.workflows.network import compiled_for, verify_network
from tests.compile.small_city import GOLDEN, TODAY, golden_site, golden_texts

CASES = sorted(folder.name for folder in GOLDEN.iterdir())
YANGZHOU = Path(__file__).parents[2] / "inventory" / "yangzhou"


@pytest.mark.parametrize("case", CASES)
def test_a_case_compiles_to_its_files_and_no_others(case: str) -> None:
    folder = GOLDEN / case / "expected"
    expected = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.*")
    }
    assert {one.file_name: one.text for one in golden_texts(case)} == expected


def texts(kind: Platform) -> list[Compiled]:
    return [one for case in CASES for one in golden_texts(case) if one.kind is kind]


@pytest.mark.parametrize("one", texts(Platform.NFTABLES), ids=lambda one: one.name)
def test_nft_accepts_the_ruleset(one: Compiled, tmp_path: Path) -> None:
    nft, unshare = shutil.which("nft"), shutil.which("unshare")
    if nft is None or unshare is None:
        pytest.skip("nft or unshare is not installed")
    file = tmp_path / "zones.nft"
    file.write_text(one.text)
    result = subprocess.run(
        [unshare, "--net", "--map-root-user", nft, "--check", "--file", str(file)],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    if "unshare" in result.stderr:
        pytest.skip(f"this machine gives no network namespace: {result.stderr.strip()}")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("one", texts(Platform.FRR), ids=lambda one: one.name)
def test_frr_accepts_the_configuration(one: Compiled, tmp_path: Path) -> None:
    vtysh = shutil.which("vtysh")
    if vtysh is None:
        pytest.skip("vtysh is not installed")
    file = tmp_path / "frr.conf"
    file.write_text(one.text)
    result = subprocess.run(
        [vtysh, "--dryrun", "--inputfile", str(file)], capture_output=True, text=True, timeout=30
    )
    assert (result.returncode, result.stdout) == (0, "")


def site() -> Site:
    return golden_site("small-city")


def flow_names(region: str, today: date = TODAY) -> set[str]:
    return {name for permit in region_permits(site(), region, today=today) for name in permit.flows}


def test_an_expired_flow_opens_nothing_and_one_of_its_last_day_still_does() -> None:
    assert "last-day" in flow_names("city") and "expired" not in flow_names("city")
    assert "last-day" not in flow_names("city", TODAY + timedelta(days=1))


def test_without_a_current_flow_nothing_is_permitted() -> None:
    late = date(2030, 1, 1)
    assert region_permits(site(), "city", today=late) == ()
    forwarding = nft_ruleset(site(), "city", today=late).partition("chain input")[0]
    assert "chain forward" in forwarding and " accept\n" not in forwarding


def ssh_sources(region: str, today: date = TODAY) -> list[str]:
    """Return who may log in to a zone firewall, as its text says."""
    text = nft_ruleset(site(), region, today=today)
    assert ("tcp dport 22 counter accept" in text) is ("set administrators4" in text)
    found = re.search(r"set administrators4 \{.*?elements = \{(.*?)\}", text, re.DOTALL)
    return [each.strip() for each in found[1].split(",")] if found else []


def test_ssh_reaches_a_firewall_from_its_management_prefix_and_where_a_flow_says_so() -> None:
    """`bastion` opens port 22 from the access zone to the management zone, where 10.9.1.0/24 is."""
    assert ssh_sources("city") == ["10.7.0.0/24", "10.9.1.0/24"]
    assert ssh_sources("city", today=date(2030, 1, 1)) == ["10.9.1.0/24"]
    assert ssh_sources("north") == []


def with_routers(*names: str) -> Site:
    """Return the city with FRR routers of these names, and its lines ending at one each."""
    leaf = next(each for each in site().network.devices if each.name == "leaf-1")
    frr = {"role": DeviceRole.ROUTER, "platform": Platform.FRR, "pair": None}
    routers = tuple(replace(leaf, name=name, **frr) for name in names)
    lines = {"line-to-the-north-county": names[0], "line-south": names[-1]}
    carriers = tuple(
        replace(line, routers=(lines[line.name],) if line.name in lines else ())
        for line in site().network.carriers
    )
    network = replace(
        site().network, devices=(*site().network.devices, *routers), carriers=carriers
    )
    return replace(site(), network=network)


def test_a_pair_of_routers_gets_a_text_each_with_the_lines_it_ends() -> None:
    texts = dict(frr_configs(with_routers("one", "two"), "city"))
    assert set(texts) == {"one", "two"}
    interfaces = {
        name: re.findall(r"^interface (\S+)", t, re.MULTILINE) for name, t in texts.items()
    }
    assert set(interfaces["one"]) == {interface_name("line-to-the-north-county")}
    assert interfaces["two"] == ["line-south"]
    assert "hostname two" in texts["two"] and "TO-north" not in texts["two"]


def test_one_router_ends_every_line_of_its_region_without_being_named() -> None:
    alone = with_routers("one")
    unnamed = replace(
        alone,
        network=replace(
            alone.network,
            carriers=tuple(replace(line, routers=()) for line in alone.network.carriers),
        ),
    )
    [(name, text)] = frr_configs(unnamed, "city")
    assert name == "one" and "interface line-south" in text and "TO-north" in text


def test_two_routers_together_hear_what_one_would() -> None:
    paired = with_routers("one", "two")
    compiled = compiled_for(paired, today=TODAY, kinds={Platform.FRR})
    assert {one.name for one in compiled} == {"one", "two", "north", "south"}
    [verdict] = verify_network(paired, today=TODAY, compiled=compiled)
    assert verdict.agrees
    without = [one for one in compiled if one.name != "two"]
    [verdict] = verify_network(paired, today=TODAY, compiled=without)
    assert any("south" in d.detail for d in verdict.differences)


def configured(**changes: object) -> list[tuple[str, Platform]]:
    """Return what is configured where leaf-1 has a login and these changes."""
    login = DeviceLogin(user="ops", password=SecretRef("secret://network/leaf-1"))
    devices = tuple(
        replace(each, login=login, **changes) if each.name == "leaf-1" else each
        for each in site().network.devices
    )
    changed = replace(site(), network=replace(site().network, devices=devices))
    return [(c.device.name, c.platform) for c in configured_devices(changed, today=TODAY)]


def test_a_device_is_configured_where_it_has_a_login_and_something_is_compiled() -> None:
    assert list(configured_devices(site(), today=TODAY)) == []
    assert configured() == [("leaf-1", Platform.VRP)]
    assert configured(platform=Platform.COMWARE) == [("leaf-1", Platform.COMWARE)]
    assert configured(vendor="Ruijie") == []
    assert configured(platform=Platform.FRR) == []


def test_a_firewall_is_given_its_regions_ruleset() -> None:
    login = DeviceLogin(user="ops", password=SecretRef("secret://network/fw"))
    leaf = site().network.devices[0]
    firewall = replace(
        leaf, name="fw", role=DeviceRole.FIREWALL, platform=Platform.NFTABLES, login=login
    )
    network = replace(site().network, devices=(firewall,))
    [found] = configured_devices(replace(site(), network=network), today=TODAY)
    assert found.text == next(
        one.text for one in golden_texts("small-city") if one.file_name == "nftables/city.nft"
    )


def test_nothing_is_permitted_between_two_counties() -> None:
    """`peers` opens egov-pub to egov-pub, which both counties have."""
    north, south = "10.5.0.0/16", "10.6.0.0/16"
    for region in ("city", "north", "south"):
        pairs = {
            (str(permit.source), str(permit.destination))
            for permit in region_permits(site(), region, today=TODAY)
        }
        assert not {(north, south), (south, north)} & pairs
    assert (north, "10.1.0.0/16") in {
        (str(p.source), str(p.destination)) for p in region_permits(site(), "north", today=TODAY)
    }


def test_a_zone_has_no_address_that_lies_in_a_smaller_prefix_of_another_zone() -> None:
    """mgmt is 10.0.0.0/8 in this site, and most others lie inside."""
    management = [place.network for place in Territory(site()).places("zone/mgmt")]
    others = [p.prefix for p in site().network.prefixes if p.zone != "mgmt"]
    assert management
    assert not [
        (mine, other) for mine in management for other in others if mine and mine.overlaps(other)
    ]


def test_every_vlan_with_a_gateway_is_filtered_where_the_vlans_meet() -> None:
    spine = next(one.text for one in golden_texts("small-city") if one.name == "spine-h3c")
    leaf = next(one.text for one in golden_texts("small-city") if one.name == "leaf-1")
    assert "interface Vlan-interface200\n packet-filter filter route\n" in spine
    assert "packet-filter" not in leaf and "traffic-filter" not in leaf


def test_switches_without_a_compiler_are_named() -> None:
    devices = tuple(replace(each, vendor="Ruijie") for each in site().network.devices)
    strange = replace(site(), network=replace(site().network, devices=devices))
    assert {device.name for device in uncompiled_switches(strange)} == {
        "leaf-1",
        "leaf-2",
        "spine-h3c",
    }


def test_interface_names_fit_into_linux_and_differ() -> None:
    names = [carrier.name for carrier in load_site(YANGZHOU).site.network.carriers]
    found = [interface_name(name) for name in names]
    assert len(set(found)) == len(names) and max(map(len, found)) <= 15
    assert interface_name("baoying-telecom") == "baoying-telecom"
