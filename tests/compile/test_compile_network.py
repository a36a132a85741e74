"""Compiled texts, word for word: `python -m tests.compile.small_city` writes them anew."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestrator.compile.frr import interface_name
from orchestrator.compile.nftables import nft_ruleset
from orchestrator.compile.permits import region_permits
from orchestrator.compile.targets import Compiled, TargetKind, uncompiled_switches
from orchestrator.compile.territory import Territory
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site
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


def texts(kind: TargetKind) -> list[Compiled]:
    return [one for case in CASES for one in golden_texts(case) if one.kind is kind]


@pytest.mark.parametrize("one", texts(TargetKind.NFTABLES), ids=lambda one: one.name)
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


@pytest.mark.parametrize("one", texts(TargetKind.FRR), ids=lambda one: one.name)
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
    assert " accept\n" not in nft_ruleset(site(), "city", today=late)


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
