"""Rules about uniqueness, rack units, power and capacity against brute force."""

from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.checks.capacity import CORES, capacities
from orchestrator.checks.hardware import (
    dual_supplies_have_two_sides,
    machines_fit_their_rack,
    rack_units_do_not_overlap,
    serials_are_unique,
)
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.loads import node_watts
from orchestrator.checks.power import power_nodes_carry_their_load, rack_fits_each_side
from orchestrator.checks.rule import Check, Claim, claimed_twice
from orchestrator.checks.tenancy import quotas_fit_the_region
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.site import Site
from orchestrator.model.units import NOWHERE
from orchestrator.spec.load import load_site

BASE = load_site(Path(__file__).parents[1] / "cases" / "_base").site
TODAY = date(2026, 11, 22)
SERVER = BASE.hardware.servers[0]


def with_servers(servers: list[Server]) -> Site:
    return replace(BASE, hardware=replace(BASE.hardware, servers=tuple(servers)))


def details(check: Check, site: Site) -> list[str]:
    return [finding.detail for finding in check.find(SiteIndex(site, TODAY))]


@given(st.lists(st.integers(0, 6)))
def test_every_claim_after_the_first_is_found(keys: list[int]) -> None:
    claims = [Claim(key, f"thing {n}", NOWHERE, "name") for n, key in enumerate(keys)]
    found = list(claimed_twice("The key", claims))
    assert len(found) == len(keys) - len(set(keys))
    first = {key: keys.index(key) for key in keys}
    for finding, number in zip(
        found, (n for n, key in enumerate(keys) if first[key] != n), strict=True
    ):
        assert f"of thing {number} is that of thing {first[keys[number]]} " in finding.detail


@given(st.lists(st.tuples(st.sampled_from(["r1", "r2"]), st.integers(1, 42)), max_size=12))
def test_unit_overlaps_exist_exactly_where_two_machines_share_a_unit(
    places: list[tuple[str, int]],
) -> None:
    servers = [
        replace(SERVER, name=f"s{n}", rack=rack, unit=unit) for n, (rack, unit) in enumerate(places)
    ]
    filled = [(rack, {unit, unit + 1}) for rack, unit in places]
    filled += [(device.rack, {device.unit}) for device in BASE.network.devices]
    shared = any(a[0] == b[0] and a[1] & b[1] for a, b in combinations(filled, 2))
    assert bool(details(rack_units_do_not_overlap, with_servers(servers))) == shared
    above = sum(unit + 1 > 42 for _, unit in places)
    assert len(details(machines_fit_their_rack, with_servers(servers))) == above


@given(st.lists(st.sampled_from(["a", "b", "c", "L-1"]), max_size=5))
def test_serials_are_compared_between_servers_and_devices(serials: list[str]) -> None:
    servers = [replace(SERVER, name=f"s{n}", serial=serial) for n, serial in enumerate(serials)]
    everything = serials + [device.serial for device in BASE.network.devices]
    found = details(serials_are_unique, with_servers(servers))
    assert len(found) == len(everything) - len(set(everything))


@given(st.integers(0, 12))
def test_a_rack_is_too_full_from_the_first_watt_above_one_feed(count: int) -> None:
    servers = [replace(SERVER, name=f"s{n}", unit=3 * n + 1) for n in range(count)]
    load = count * 800 + 300
    usable = int(230 * 32 * 0.8)
    found = [text for text in details(rack_fits_each_side, with_servers(servers)) if "r1" in text]
    assert len(found) == (2 if load > usable else 0)
    for text in found:
        assert f"{load:,} W" in text and f"{usable:,} W" in text


def test_every_side_carries_the_whole_load() -> None:
    loads = node_watts(SiteIndex(BASE, TODAY))
    total = 3 * 800 + 2 * 900 + 2 * 300
    assert loads == {name: total for name in ("panel-a", "panel-b", "ups-a", "ups-b")}


def test_two_upses_before_one_panel_share_its_load() -> None:
    [ups_a, ups_b] = BASE.room.ups
    [panel_a, panel_b] = BASE.room.power_panels
    room = replace(
        BASE.room,
        ups=(ups_a, ups_b, replace(ups_a, name="ups-a2", capacity_watts=2640)),
        power_panels=(replace(panel_a, fed_by=("ups-a", "ups-a2")), panel_b),
    )
    site = replace(BASE, room=room)
    assert node_watts(SiteIndex(site, TODAY))["ups-a2"] == 2400
    # 2400 W x 1.1 is exactly what it has: allowed; a watt less is not.
    assert details(power_nodes_carry_their_load, site) == []
    weaker = replace(room, ups=(*room.ups[:2], replace(room.ups[2], capacity_watts=2639)))
    [found] = details(power_nodes_carry_their_load, replace(site, room=weaker))
    assert "ups-a2" in found and "2,400 W x 1.1" in found and "2,639 W" in found


def test_two_feeds_of_one_side_share_the_racks_load() -> None:
    rack = BASE.room.racks[0]
    [feed_a, feed_b] = rack.feeds
    doubled = replace(rack, feeds=(feed_a, feed_b, replace(feed_b, panel="panel-c")))
    panel_c = replace(BASE.room.power_panels[1], name="panel-c", capacity_watts=1349)
    room = replace(
        BASE.room,
        racks=(doubled, *BASE.room.racks[1:]),
        power_panels=(*BASE.room.power_panels, panel_c),
    )
    site = replace(BASE, room=room)
    assert node_watts(SiteIndex(site, TODAY))["panel-c"] == (3 * 800 + 300) / 2
    [found] = details(power_nodes_carry_their_load, site)
    assert found == "panel-c would carry 1,350 W, but has 1,349 W."


def test_the_sides_that_a_rack_has_are_named() -> None:
    rack = BASE.room.racks[0]
    for feeds, sides in ((rack.feeds[:1], "A"), ((), "no side")):
        racks = (replace(rack, feeds=feeds), *BASE.room.racks[1:])
        site = replace(BASE, room=replace(BASE.room, racks=racks))
        found = details(dual_supplies_have_two_sides, site)
        assert found[0] == f"cmp-01 has 2 supplies; r1 is fed from {sides}."


@given(st.integers(0, 6), st.integers(0, 600))
def test_cores_are_promised_up_to_the_hosts_less_one(hosts: int, cores: int) -> None:
    servers = [replace(SERVER, name=f"s{n}") for n in range(hosts)]
    servers.append(replace(SERVER, name="control", role=ServerRole.CONTROL))
    [tenant] = BASE.tenancy.tenants
    [project] = tenant.projects
    project = replace(
        project, quota=replace(project.quota, cores=cores, memory_gib=0, storage_gib=0)
    )
    tenancy = replace(BASE.tenancy, tenants=(replace(tenant, projects=(project,)),))
    site = replace(with_servers(servers), tenancy=tenancy)
    promisable = max(0, hosts - 1) * 64 * 2
    index = SiteIndex(site, TODAY)
    capacity = capacities(index, site.regions[0])[0]
    assert (capacity.resource, capacity.promisable) == (CORES, promisable)
    found = details(quotas_fit_the_region, site)
    assert len(found) == (cores > promisable)
    for text in found:
        assert f"promises {cores:,} cores" in text and f"has {promisable:,}" in text
        assert f"industry/enterprise {cores:,}" in text


def test_the_biggest_consumers_are_named_first() -> None:
    [tenant] = BASE.tenancy.tenants
    [project] = tenant.projects
    projects = tuple(
        replace(project, name=f"p{cores}", quota=replace(project.quota, cores=cores))
        for cores in (100, 400, 200, 300)
    )
    tenancy = replace(BASE.tenancy, tenants=(replace(tenant, projects=projects),))
    [text] = details(quotas_fit_the_region, replace(BASE, tenancy=tenancy))
    assert text.endswith("The biggest: industry/p400 400, industry/p300 300, industry/p200 200.")
