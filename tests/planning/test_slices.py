"""The site in slices: each holds what its stack needs, and changes only with that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Address, IPv4Network

import pytest
from pydantic import TypeAdapter

from orchestrator.model.hardware import (
    Bmc,
    HardwareLayer,
    HardwareProfile,
    Nic,
    Server,
    ServerRole,
)
from orchestrator.model.network import NetworkLayer, Prefix, PrefixRole
from orchestrator.model.physical_slices import HardwareSlice
from orchestrator.model.room import MachineRoom, Rack, RoomGrade, RoomLayer
from orchestrator.model.site import Region, RegionKind, Site, SiteIdentity
from orchestrator.model.slices import SystemSlice, TenantSlice
from orchestrator.model.system import (
    HostAggregate,
    Image,
    ProviderNetwork,
    SubnetPool,
    SystemLayer,
)
from orchestrator.model.tenancy import Contact, Project, Quota, TenancyLayer, Tenant
from orchestrator.model.units import SecretRef, Text
from orchestrator.planning.slices import (
    hardware_slice,
    slice_json,
    system_slice,
    tenant_slice,
)

TODAY = date(2026, 11, 22)
LABEL = Text(zh="工信局", en="Industry Bureau")


def server(name: str, *, role: ServerRole = ServerRole.COMPUTE, rack: str = "r1") -> Server:
    return Server(
        name=name,
        profile="2u",
        role=role,
        rack=rack,
        unit=1,
        serial=f"SN-{name}",
        bmc=Bmc(
            address=IPv4Address("10.0.0.1"), user="op", password=SecretRef("secret://bmc/city")
        ),
        nics=(
            Nic(name="b", mac="52:54:00:00:00:02", switch="leaf-b", port=2),
            Nic(name="a", mac="52:54:00:00:00:01", switch="leaf-a", port=1, pxe=True),
        ),
    )


def project(name: str, *, zone: str = "pub", region: str = "city") -> Project:
    return Project(
        name=name,
        display=LABEL,
        region=region,
        zone=zone,
        prefix=IPv4Network("10.77.3.0/24"),
        quota=Quota(instances=2, cores=4, memory_gib=3, volumes=5, storage_gib=6),
    )


def network(name: str, prefix: str, *, external: bool = True) -> ProviderNetwork:
    return ProviderNetwork(
        name=name,
        zone="pub",
        physical_network="physnet1",
        prefix=IPv4Network(prefix),
        external=external,
    )


def site() -> Site:
    rooms = tuple(
        MachineRoom(
            name=f"room-{region}",
            region=region,
            display=LABEL,
            grade=RoomGrade.A,
            area_m2=100,
            clear_height_m=3,
            floor_load_kn_m2=10,
        )
        for region in ("city", "county")
    )
    racks = tuple(
        Rack(
            name=name,
            room=room,
            row="a",
            position=1,
            max_watts=9000,
            max_weight_kg=900,
            feeds=(),
        )
        for name, room in (("r1", "room-city"), ("r2", "room-city"), ("c1", "room-county"))
    )
    profile = HardwareProfile(
        name="2u",
        vendor="v",
        model="m",
        cpu_threads=64,
        memory_gib=256,
        disk_gib=480,
        height_units=2,
        nameplate_watts=800,
        weight_kg=30,
        resource_class="baremetal.2u",
        traits=("CUSTOM_B", "CUSTOM_A"),
    )
    return Site(
        identity=SiteIdentity(name="yz", display=LABEL, cloud="c"),
        regions=(
            Region(name="city", kind=RegionKind.CITY, display=LABEL),
            Region(name="county", kind=RegionKind.COUNTY, display=LABEL),
        ),
        room=RoomLayer(rooms=rooms, racks=racks),
        hardware=HardwareLayer(
            profiles=(profile,),
            servers=(
                server("cmp-2", rack="r2"),
                server("cmp-1"),
                server("ctl-1", role=ServerRole.CONTROL),
                server("far-1", rack="c1"),
            ),
        ),
        network=NetworkLayer(
            prefixes=(
                Prefix(
                    prefix=IPv4Network("203.0.113.0/25"),
                    region="county",
                    zone="pub",
                    role=PrefixRole.PUBLIC,
                ),
            )
        ),
        system=SystemLayer(
            images=(
                Image(
                    name="os",
                    display=LABEL,
                    file="images/os.raw",
                    sha256="AB" * 32,
                    os_distro="x",
                    os_version="1",
                ),
            ),
            host_aggregates=(
                HostAggregate(name="all", availability_zone="az", region="city"),
                HostAggregate(name="half", availability_zone="az1", region="city", racks=("r2",)),
            ),
            subnet_pools=tuple(
                SubnetPool(
                    name=name,
                    prefixes=(IPv4Network(prefix),),
                    default_prefix_length=24,
                    address_scope="s",
                )
                for name, prefix in (("wide", "10.0.0.0/8"), ("narrow", "10.77.0.0/16"))
            ),
            provider_networks=(
                network("ext-county", "203.0.113.0/26"),
                network("ext-city", "198.51.100.0/24"),
                network("inner", "10.9.0.0/24", external=False),
            ),
        ),
        tenancy=TenancyLayer(
            tenants=(
                Tenant(
                    name="gongxin",
                    display=LABEL,
                    region="city",
                    contacts=(Contact(name="值班", duty="operations", email="a@b.example"),),
                    protection_level=3,
                    data_level=2,
                    projects=(
                        project("portal"),
                        replace(project("api", region="county"), protection_level=1),
                        project("db", zone="base-db"),
                    ),
                ),
            )
        ),
    )


def test_a_region_has_its_own_servers_in_order_of_name() -> None:
    there = hardware_slice(site(), "city")
    assert [each.name for each in there.servers] == ["cmp-1", "cmp-2", "ctl-1"]
    assert [each.name for each in hardware_slice(site(), "county").servers] == ["far-1"]
    first = there.servers[0]
    assert first.resource_class == "baremetal.2u"
    assert first.traits == ("CUSTOM_A", "CUSTOM_B")
    assert first.bmc_password == "secret://bmc/city"
    assert [(port.mac[-2:], port.pxe) for port in first.ports] == [("01", True), ("02", False)]


def test_an_aggregate_takes_hosts_of_its_role_and_racks() -> None:
    aggregates = {each.name: each.hosts for each in system_slice(site(), "/sites/yz").aggregates}
    assert aggregates == {"all": ("cmp-1", "cmp-2"), "half": ("cmp-2",)}


def test_an_image_file_is_found_from_anywhere_and_its_hash_is_in_one_case() -> None:
    image = system_slice(site(), "/sites/yz/").images[0]
    assert image.file == "/sites/yz/images/os.raw"
    assert image.sha256 == "ab" * 32


def test_a_project_leads_to_its_own_regions_external_network_first() -> None:
    projects = {each.name: each for each in tenant_slice(site(), "gongxin", today=TODAY).projects}
    assert projects["api"].external_network == "ext-county"
    assert projects["portal"].external_network == "ext-city"
    assert projects["db"].external_network is None


def test_a_project_takes_the_narrowest_pool_and_its_tenants_levels() -> None:
    projects = {each.name: each for each in tenant_slice(site(), "gongxin", today=TODAY).projects}
    assert {each.subnet_pool for each in projects.values()} == {"narrow"}
    assert projects["portal"].protection_level == 3
    assert projects["api"].protection_level == 1
    assert projects["portal"].quota.memory_mib == 3 * 1024


def test_an_unknown_tenant_has_no_slice() -> None:
    with pytest.raises(LookupError, match="nobody"):
        tenant_slice(site(), "nobody", today=TODAY)


def test_the_order_in_yaml_changes_no_slice() -> None:
    here = site()
    turned = replace(
        here,
        hardware=replace(here.hardware, servers=here.hardware.servers[::-1]),
        system=replace(here.system, provider_networks=here.system.provider_networks[::-1]),
    )
    assert slice_json(hardware_slice(here, "city")) == slice_json(hardware_slice(turned, "city"))
    assert slice_json(system_slice(here, "/s")) == slice_json(system_slice(turned, "/s"))


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (HardwareSlice, hardware_slice(site(), "city")),
        (SystemSlice, system_slice(site(), "/s")),
        (TenantSlice, tenant_slice(site(), "gongxin", today=TODAY)),
    ],
    ids=["hardware", "system", "tenant"],
)
def test_a_slice_comes_back_from_its_json(
    shape: type[object], part: HardwareSlice | SystemSlice | TenantSlice
) -> None:
    text = slice_json(part)
    assert TypeAdapter(shape).validate_json(text) == part
    assert json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False).replace(
        " ", ""
    ) == text.replace(" ", "")
