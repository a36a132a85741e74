"""The reference city has nothing to correct, by the product's own checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from yangzhou_city import DIRECTORY, city

from orchestrator.checks.run import check_site
from orchestrator.compile.targets import configured_devices
from orchestrator.model.network import Platform
from orchestrator.model.site import Site
from orchestrator.model.units import SecretRef
from orchestrator.spec.load import load_site

WRITTEN = date(2026, 11, 22)


def test_no_error_and_no_warning() -> None:
    assert check_site(city(), today=WRITTEN) == ()


def test_the_secrets_are_of_bmcs_by_region_of_configured_devices_and_of_repositories() -> None:
    regions = {region.name for region in city().regions}
    devices = {device.name for device in city().network.devices if device.login}
    assert load_site(DIRECTORY).secret_refs == {
        *(SecretRef(f"secret://bmc/{region}") for region in regions),
        *(SecretRef(f"secret://network/{device}") for device in devices),
        *(one.key for one in city().system.backup_repositories),
    }


def test_zone_firewalls_and_routers_of_the_city_and_one_county_are_configured_by_this_tool() -> (
    None
):
    configured = configured_devices(city(), today=WRITTEN)
    assert {(each.device.name, each.platform) for each in configured} == {
        *((f"city-fw-core-{n}", Platform.NFTABLES) for n in (1, 2)),
        *((f"baoying-fw-{n}", Platform.NFTABLES) for n in (1, 2)),
        *((f"{region}-router-{n}", Platform.FRR) for region in ("city", "baoying") for n in (1, 2)),
    }


def test_a_server_moved_onto_another_is_found() -> None:
    """The silence above is an answer only if a planted fault is heard."""
    first, second, *rest = city().hardware.servers
    servers = (first, replace(second, unit=first.unit), *rest)
    broken: Site = replace(city(), hardware=replace(city().hardware, servers=servers))
    found = check_site(broken, today=WRITTEN)
    assert any(first.name in d.detail and second.name in d.detail for d in found)


def test_quotas_above_capacity_are_found() -> None:
    tenants = list(city().tenancy.tenants)
    project = tenants[0].projects[0]
    greedy = replace(project, quota=replace(project.quota, cores=1_000_000))
    tenants[0] = replace(tenants[0], projects=(greedy, *tenants[0].projects[1:]))
    broken: Site = replace(city(), tenancy=replace(city().tenancy, tenants=tuple(tenants)))
    found = check_site(broken, today=WRITTEN)
    assert any(f"{tenants[0].name}/{greedy.name} 1,000,000" in d.detail for d in found)
