"""The network keeps the zone rules that the standards ask for, counted here independently."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from ipaddress import ip_network

import pytest
from yangzhou_city import city, counties, flow_end_zone, projects

from orchestrator.model.declared_service import declared_services
from orchestrator.model.leadership import LEADERS_PORT, voters_of
from orchestrator.model.network import INTERNET, Flow, PrefixRole, Protocol

WRITTEN = date(2026, 11, 22)
"""The day on which the flows were approved."""

ZONES = {
    "inet-dmz", "egov-pub", "egov-vpn", "xchg", "access", "mgmt", "sec", "stor", "bkup", "base-db",
    "shared-svc",
}  # fmt: skip
SPACES = dict(
    zip(
        ("city", "dr", "baoying", "yizheng", "gaoyou", "jiangdu", "hanjiang", "guangling"),
        range(16, 144, 16),
        strict=True,
    )
)
PUBLIC = [ip_network(p) for p in ("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
ADMINISTRATION_PORTS = {22, 3389, 3306, 5432, 5236, 54321, 6379, 9200, 623}
FORBIDDEN_PORTS = {21, 23, 69, 161, 445, *range(135, 140)}


def ends(flow: Flow) -> tuple[str, str]:
    return flow_end_zone(flow.from_), flow_end_zone(flow.to)


def test_the_zones_are_those_of_the_model() -> None:
    assert {zone.name for zone in city().network.zones} == ZONES


def test_flows_have_owner_ticket_ports_and_an_end_within_a_year() -> None:
    owners = {"platform", *(tenant.name for tenant in city().tenancy.tenants)}
    for flow in city().network.flows:
        assert flow.owner in owners and flow.purpose and flow.ports, flow.name
        assert flow.ticket.startswith("YZ-2026-"), flow.name
        assert timedelta(0) < flow.expires - WRITTEN <= timedelta(days=365), flow.name


def test_a_witness_stands_where_another_host_of_the_service_is() -> None:
    """A county's room, on a line of its own, has no say in what the city's databases do."""
    site = city()
    for declared in declared_services(site):
        voters = voters_of(site, declared)
        home, *away = (site.region_of_rack(one.rack) for one in voters.members)
        assert voters.witness is not None
        assert site.region_of_rack(voters.witness.rack) in set(away) - {home}, declared.name


def test_replicas_and_voters_of_other_regions_reach_each_other() -> None:
    site = city()
    hosts = [one for one in site.network.prefixes if one.role is PrefixRole.MANAGEMENT]
    for declared in declared_services(site):
        voters = voters_of(site, declared).all
        regions = {site.region_of_rack(one.rack) for one in voters}
        assert len(regions) > 1, f"{declared.name} and its witness are in one region"
        zones = {
            prefix.zone
            for one in voters
            for prefix in hosts
            if one.address is not None and one.address in prefix.prefix
        }
        wanted = {declared.service.port, LEADERS_PORT}
        for start in zones:
            for end in zones:
                open_ports = {
                    port
                    for flow in site.network.flows
                    if ends(flow) == (start, end) and flow.protocol is Protocol.TCP
                    for port in flow.ports
                }
                assert wanted <= open_ports, f"{declared.name}: {start} to {end}"


def test_the_internet_reaches_the_dmz_on_its_two_ports_only() -> None:
    public = [flow for flow in city().network.flows if INTERNET in (flow.from_, flow.to)]
    assert public
    for flow in public:
        assert ends(flow) == (INTERNET, "inet-dmz"), flow.name
        assert flow.protocol is Protocol.TCP and set(flow.ports) <= {80, 443}, flow.name


ADMINISTERED = {"mgmt", "shared-svc", "xchg", "egov-pub", "egov-vpn", "inet-dmz", "base-db"}
MAY_REACH = {
    "inet-dmz": {"xchg", "sec"},
    "egov-pub": {"xchg", "shared-svc", "sec"},
    "egov-vpn": {"xchg", "shared-svc", "sec"},
    "xchg": {"base-db", "egov-pub", "shared-svc", "sec"},
    "access": {*ADMINISTERED, "sec"},
    "mgmt": {"access", "mgmt", "sec", "stor", "bkup"},
    "sec": {"bkup"},
    "stor": {"bkup", "sec"},
    "base-db": {"sec"},
    "shared-svc": {"sec"},
}
"""Section 2.2 of the zone model; the backup zone never opens a connection."""


def test_flows_cross_zones_only_where_the_model_lets_them() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for flow in city().network.flows:
        source, target = ends(flow)
        found[source].add(target)
    del found[INTERNET]
    assert found == MAY_REACH


def test_no_flow_opens_a_port_of_administration_or_of_old_sins() -> None:
    for flow in city().network.flows:
        assert not FORBIDDEN_PORTS & set(flow.ports), flow.name
        if ADMINISTRATION_PORTS & set(flow.ports):
            assert ends(flow)[0] in {"access", "mgmt"}, flow.name


def test_departments_meet_in_the_exchange_only() -> None:
    for flow in city().network.flows:
        source, target = flow.from_.split("/"), flow.to.split("/")
        if source[0] == target[0] == "project" and source[1] != target[1]:
            assert "xchg" in ends(flow), flow.name


def test_no_flow_joins_two_counties() -> None:
    names = {region.name for region in counties()}
    region_of = {f"project/{t.name}/{p.name}": p.region for t, p in projects()}
    for flow in city().network.flows:
        joined = {region_of.get(flow.from_), region_of.get(flow.to)}
        assert len(joined & names) < 2, flow.name


def test_tickets_are_of_one_flow_each() -> None:
    tickets = [flow.ticket for flow in city().network.flows]
    assert len(set(tickets)) == len(tickets)
    assert 60 <= len(tickets) <= 100


def test_every_project_has_a_way_to_be_of_use() -> None:
    used = {end for flow in city().network.flows for end in (flow.from_, flow.to)}
    idle = [
        f"{t.name}/{p.name}"
        for t, p in projects()
        if f"project/{t.name}/{p.name}" not in used and p.zone != "shared-svc"
    ]
    assert idle == []


def test_every_address_lies_in_its_regions_space_or_in_a_documentation_range() -> None:
    for prefix in city().network.prefixes:
        if prefix.role is PrefixRole.PUBLIC:
            homes = PUBLIC
        else:
            homes = [ip_network(f"10.{SPACES[prefix.region]}.0.0/12")]
        fits = [
            home
            for home in homes
            if home.version == prefix.prefix.version and prefix.prefix.subnet_of(home)
        ]
        assert fits, prefix.prefix


def test_the_second_octet_says_the_zone() -> None:
    zones: dict[int, set[str]] = defaultdict(set)
    for prefix in city().network.prefixes:
        if prefix.role not in (PrefixRole.PUBLIC, PrefixRole.INTERCONNECT):
            octet = int(str(prefix.prefix).split(".")[1])
            zones[octet - SPACES[prefix.region]].add(prefix.zone)
    assert {plane: zone for plane, (zone,) in zones.items()} == {
        0: "mgmt", 1: "access", 2: "sec", 3: "shared-svc", 4: "xchg", 5: "egov-pub",
        6: "egov-vpn", 7: "base-db", 8: "inet-dmz", 9: "stor", 10: "bkup",
    }  # fmt: skip


def test_vlan_ids_say_region_and_zone_and_are_unique() -> None:
    vlans = city().network.vlans
    assert len({vlan.vlan_id for vlan in vlans}) == len(vlans)
    order = list(SPACES)
    for vlan in vlans:
        assert vlan.vlan_id // 100 == order.index(vlan.region) + 1, vlan.name
    tens = {(vlan.vlan_id % 100, vlan.zone) for vlan in vlans}
    assert len({offset for offset, _ in tens}) == len(tens), "an offset means one zone everywhere"


@pytest.mark.parametrize("place", list(SPACES)[1:])
def test_two_carriers_on_two_routes(place: str) -> None:
    lines = [c for c in city().network.carriers if {c.from_region, c.to} == {"city", place}]
    assert len(lines) == 2
    assert len({line.provider for line in lines}) == 2
    assert len({line.route for line in lines}) == 2


def test_the_internet_is_reached_by_two_carriers() -> None:
    lines = [c for c in city().network.carriers if c.to == INTERNET and c.from_region == "city"]
    assert len({line.provider for line in lines}) == len({line.route for line in lines}) == 2


def test_pairs_of_devices_do_not_stand_in_one_rack() -> None:
    devices = {device.name: device for device in city().network.devices}
    paired = [d for d in devices.values() if d.pair]
    assert len(paired) > 60
    for device in paired:
        assert devices[device.pair or ""].pair == device.name
        assert devices[device.pair or ""].rack != device.rack, device.name


def test_every_leaf_reaches_every_spine_of_its_room() -> None:
    up: dict[str, set[str]] = defaultdict(set)
    for link in city().network.links:
        a, b = link.a.split(":")[0], link.b.split(":")[0]
        if "-leaf-" in a and "-spine-" in b:
            up[a].add(b)
    assert {len(spines) for leaf, spines in up.items() if leaf.startswith("city")} == {4}
    assert {len(spines) for leaf, spines in up.items() if leaf.startswith("dr")} == {2}
    assert len(up) == 24 + 8


def test_each_port_takes_one_cable_and_exists() -> None:
    ports = {device.name: device.ports for device in city().network.devices}
    cables = [
        (end.split(":")[0], int(end.split(":")[1]))
        for link in city().network.links
        for end in (link.a, link.b)
    ]
    cables += [(n.switch, n.port) for s in city().hardware.servers for n in s.nics]
    assert len(set(cables)) == len(cables)
    assert [c for c in cables if not 1 <= c[1] <= ports[c[0]]] == []
