"""What the cloud offers agrees with the layers below; the image that ships is what it says."""

from __future__ import annotations

import hashlib
import runpy
from collections import Counter
from ipaddress import ip_address
from itertools import pairwise

from yangzhou_city import DIRECTORY, city, projects

from orchestrator.model.hardware import ServerRole
from orchestrator.model.network import PrefixRole

IMAGES = DIRECTORY / "images"


def test_images_have_the_sum_that_is_declared() -> None:
    for image in city().system.images:
        content = (DIRECTORY / image.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == image.sha256, image.name


def test_the_placeholder_is_what_its_script_writes_and_can_be_booted() -> None:
    content = (IMAGES / "placeholder.raw").read_bytes()
    script = runpy.run_path(str(IMAGES / "make_placeholder.py"))
    assert content == script["image"]()
    assert len(content) == 1024 * 1024
    assert content[510:512] == b"\x55\xaa", "the BIOS boots a sector that ends so"
    text_at = int.from_bytes(content[13:15], "little") - 0x7C00
    assert content[12] == 0xBE, "mov si, text"
    assert content[text_at:].startswith(b"\r\nThis is the placeholder image")


def test_every_compute_host_is_in_one_aggregate() -> None:
    site = city()
    members: Counter[str] = Counter()
    for aggregate in site.system.host_aggregates:
        hosts = [
            server.name
            for server in site.servers_by_region[aggregate.region]
            if server.role is aggregate.role
            and (not aggregate.racks or server.rack in aggregate.racks)
        ]
        assert hosts, aggregate.name
        members.update(hosts)
    compute = {s.name for s in site.hardware.servers if s.role is ServerRole.COMPUTE}
    assert set(members) == compute
    assert set(members.values()) == {1}


def test_an_availability_zone_of_the_city_is_a_hall() -> None:
    site = city()
    for aggregate in site.system.host_aggregates:
        rooms = {site.racks_by_name[rack].room for rack in aggregate.racks}
        if aggregate.region == "city":
            assert rooms == {f"city-hall-{aggregate.availability_zone[-1]}"}


def test_provider_networks_are_the_declared_vlans_and_prefixes() -> None:
    site = city()
    vlans = {vlan.vlan_id: vlan for vlan in site.network.vlans}
    prefixes = {str(prefix.prefix): prefix for prefix in site.network.prefixes}
    for network in site.system.provider_networks:
        assert network.vlan_id is not None and 100 <= network.vlan_id <= 3000
        assert network.physical_network == "physnet1"
        vlan, prefix = vlans[network.vlan_id], prefixes[str(network.prefix)]
        assert vlan.zone == prefix.zone == network.zone
        assert (prefix.vlan, prefix.gateway) == (vlan.name, network.gateway)


def test_every_zone_that_holds_projects_has_its_way_out_and_its_pool() -> None:
    system = city().system
    zones = {project.zone for _, project in projects()}
    assert {n.zone for n in system.provider_networks if n.external} == zones
    assert {pool.name for pool in system.subnet_pools} == zones
    tenant_prefixes = {
        (p.zone, str(p.prefix)) for p in city().network.prefixes if p.role is PrefixRole.TENANT
    }
    pooled = {(pool.name, str(prefix)) for pool in system.subnet_pools for prefix in pool.prefixes}
    assert pooled == tenant_prefixes


def test_flavors_say_their_size_and_boot_some_image() -> None:
    system = city().system
    smallest = min(image.min_memory_mib for image in system.images)
    for flavor in system.flavors:
        size = flavor.name.split("-")[1]
        assert size == f"{flavor.vcpus}c{flavor.memory_mib // 1024}g"
        assert flavor.memory_mib >= smallest
        assert flavor.disk_gib >= max(image.min_disk_gib for image in system.images)


def test_a_copy_of_every_backup_lies_in_another_region() -> None:
    policies = {policy.name: policy for policy in city().system.backup_policies}
    for _, project in projects():
        copies = policies[project.backup or ""].copies
        assert len(set(copies)) >= 2
        assert set(copies) - {project.region}


def test_policies_get_stricter_with_their_grade() -> None:
    by_grade = sorted(city().system.backup_policies, key=lambda policy: policy.grade)
    for lower, higher in pairwise(by_grade):
        assert lower.rpo_minutes > higher.rpo_minutes
        assert lower.rto_minutes > higher.rto_minutes
        assert lower.drill_every_days > higher.drill_every_days


def test_city_and_disaster_recovery_are_never_worked_on_together() -> None:
    windows = {window.region: window for window in city().system.maintenance_windows}
    assert set(windows) == {region.name for region in city().regions}
    assert not set(windows["city"].weekdays) & set(windows["dr"].weekdays)


def test_every_role_has_one_baseline() -> None:
    roles = Counter(role for b in city().system.host_baselines for role in b.roles)
    assert roles == dict.fromkeys(ServerRole, 1)


def test_no_server_of_the_platform_stands_where_the_cloud_gives_out_addresses() -> None:
    site = city()
    given_out = [network.prefix for network in site.system.provider_networks]
    fixed = {
        str(server)
        for baseline in site.system.host_baselines
        for server in (*baseline.ntp_servers, *baseline.dns_servers, *baseline.log_servers)
    }
    assert fixed
    assert [a for a in fixed if any(ip_address(a) in prefix for prefix in given_out)] == []
    zones = {p.zone for p in site.network.prefixes for a in fixed if ip_address(a) in p.prefix}
    assert zones == {"shared-svc", "sec"}
