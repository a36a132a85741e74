"""The rooms carry what stands in them, by the values of GB 50174-2017 for their grade."""

from __future__ import annotations

from collections import Counter, defaultdict
from ipaddress import ip_address

import pytest
from yangzhou_city import city

from orchestrator.model.hardware import ServerRole
from orchestrator.model.room import PowerSourceKind, RoomGrade, SensorKind, Side

BATTERY_MINUTES = {RoomGrade.A: 15, RoomGrade.B: 7, RoomGrade.C: 0}
ADDRESS_SPACE = {
    "city": 16, "dr": 32, "baoying": 48, "yizheng": 64,
    "gaoyou": 80, "jiangdu": 96, "hanjiang": 112, "guangling": 128,
}  # fmt: skip


def rack_watts() -> dict[str, int]:
    site, watts = city(), defaultdict(int)
    for server in site.hardware.servers:
        watts[server.rack] += site.profiles_by_name[server.profile].nameplate_watts
    for device in site.network.devices:
        watts[device.rack] += device.nameplate_watts
    return watts


def room_watts() -> dict[str, int]:
    watts: dict[str, int] = defaultdict(int)
    for rack, load in rack_watts().items():
        watts[city().racks_by_name[rack].room] += load
    return watts


def test_376_servers_in_their_regions() -> None:
    counts = {name: len(servers) for name, servers in city().servers_by_region.items()}
    assert counts.pop("city") == 240
    assert counts.pop("dr") == 64
    assert set(counts.values()) == {12} and len(counts) == 6
    assert len(city().hardware.servers) == 376


COUNTY_ROLES = {"control": 3, "compute": 5, "storage": 3, "backup": 1}
ROLES = {
    "city": {
        "control": 12, "compute": 132, "storage": 48, "database": 24, "backup": 12, "network": 12,
    },
    "dr": {"control": 4, "compute": 32, "storage": 12, "database": 8, "backup": 4, "network": 4},
} | dict.fromkeys(list(ADDRESS_SPACE)[2:], COUNTY_ROLES)  # fmt: skip


@pytest.mark.parametrize(("region", "roles"), ROLES.items())
def test_roles_of_a_region(region: str, roles: dict[str, int]) -> None:
    assert Counter(server.role.value for server in city().servers_by_region[region]) == roles


@pytest.mark.parametrize(
    ("region", "grades", "racks"),
    [("city", "A", 24), ("dr", "B", 8), ("baoying", "C", 2), ("yizheng", "B", 2),
     ("gaoyou", "C", 2), ("jiangdu", "B", 2), ("hanjiang", "C", 2), ("guangling", "C", 2)],
)  # fmt: skip
def test_grade_and_racks(region: str, grades: str, racks: int) -> None:
    site = city()
    assert {r.grade.value for r in site.room.rooms if r.region == region} == {grades}
    found = [rack for rack in site.room.racks if site.region_of_rack(rack.name) == region]
    assert len(found) == racks


def test_every_rack_lives_on_either_of_its_feeds() -> None:
    watts = rack_watts()
    for rack in city().room.racks:
        assert {feed.side for feed in rack.feeds} == {Side.A, Side.B}
        assert {pdu.side for pdu in rack.pdus} == {Side.A, Side.B}
        limit = min(rack.max_watts, *(feed.usable_watts for feed in rack.feeds))
        assert 0 < watts[rack.name] <= limit, rack.name


def test_pdus_have_an_outlet_for_each_supply() -> None:
    site = city()
    plugs = Counter(s.rack for s in site.hardware.servers)
    plugs.update(d.rack for d in site.network.devices)
    for rack in site.room.racks:
        assert all(plugs[rack.name] <= pdu.outlets for pdu in rack.pdus), rack.name


def test_one_side_of_ups_carries_its_room_with_a_tenth_to_spare() -> None:
    loads = room_watts()
    for room in city().room.rooms:
        for side in Side:
            ups = [u for u in city().room.ups if u.room == room.name and u.side is side]
            assert sum(u.capacity_watts for u in ups) >= 1.1 * loads[room.name], (room.name, side)
            assert all(u.battery_minutes >= BATTERY_MINUTES[room.grade] for u in ups)


def test_cooling_removes_the_heat_with_its_largest_unit_lost() -> None:
    loads = room_watts()
    for room in city().room.rooms:
        units = [u.capacity_watts for u in city().room.cooling_units if u.room == room.name]
        assert sum(units) - max(units) >= loads[room.name], room.name


def test_a_side_never_reaches_over_to_the_other() -> None:
    room = city().room
    side_of = {u.name: u.side for u in room.ups} | {s.name: s.side for s in room.power_sources}
    side_of |= {p.name: p.side for p in room.power_panels}
    for fed in (*room.ups, *room.power_panels):
        assert {side_of[source] for source in fed.fed_by} <= {fed.side, None}, fed.name
    for rack in room.racks:
        assert all(side_of[feed.panel] is feed.side for feed in rack.feeds), rack.name


def test_rooms_that_count_on_a_generator_have_one() -> None:
    site = city()
    for room in site.room.rooms:
        if room.grade is RoomGrade.C:
            continue
        rooms = {r.name for r in site.room.rooms if r.region == room.region}
        generators = [
            source
            for source in site.room.power_sources
            if source.room in rooms and source.kind is PowerSourceKind.GENERATOR
        ]
        hours = 12 if room.grade is RoomGrade.A else 1
        assert generators and all((g.fuel_hours or 0) >= hours for g in generators), room.name


def test_every_room_has_every_kind_of_sensor_and_every_row_an_inlet_temperature() -> None:
    site = city()
    for room in site.room.rooms:
        assert {s.kind for s in site.room.sensors if s.room == room.name} == set(SensorKind)
    rows = {(rack.room, rack.row) for rack in site.room.racks}
    measured = {
        (rack.room, rack.row)
        for sensor in site.room.sensors
        if sensor.kind is SensorKind.TEMPERATURE and sensor.rack
        for rack in [site.racks_by_name[sensor.rack]]
    }
    assert measured == rows


def test_a_bmc_address_tells_region_rack_and_unit() -> None:
    site = city()
    for region, servers in site.servers_by_region.items():
        racks = [r.name for r in site.room.racks if site.region_of_rack(r.name) == region]
        for server in servers:
            place = f"10.{ADDRESS_SPACE[region]}.{racks.index(server.rack) + 1}.{server.unit}"
            assert server.bmc.address == ip_address(place), server.name


def test_servers_have_cables_to_both_leaves_of_one_pair_and_boot_from_the_first() -> None:
    site = city()
    pair_of = {device.name: device.pair for device in site.network.devices}
    for server in site.hardware.servers:
        first, second, *more = [nic.switch for nic in server.nics]
        assert pair_of[first] == second and set(more) <= {first, second}, server.name
        assert [nic.pxe for nic in server.nics] == [True] + [False] * (len(server.nics) - 1)
        wants = 4 if server.role in (ServerRole.STORAGE, ServerRole.DATABASE) else 2
        assert len(server.nics) == wants, server.name


def test_majorities_and_copies_do_not_share_a_rack() -> None:
    for region, servers in city().servers_by_region.items():
        for role in (ServerRole.CONTROL, ServerRole.STORAGE):
            racks = Counter(s.rack for s in servers if s.role is role)
            assert len(racks) >= 2 and max(racks.values()) < sum(racks.values()), (region, role)
