"""Cut the site into slices: exactly what one stack's program needs.

A slice as canonical JSON is the stack's input; where it has not changed, nothing has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol, TypeVar

from orchestrator.compile.security_groups import dns_servers, project_rules
from orchestrator.model.hardware import HardwareProfile, Server
from orchestrator.model.network import PrefixRole
from orchestrator.model.physical_slices import (
    HardwareSlice,
    NetworkSlice,
    PortSlice,
    RoomSlice,
    ServerSlice,
    SettingsSlice,
)
from orchestrator.model.site import Site
from orchestrator.model.slices import (
    AddressScopeSlice,
    AggregateSlice,
    FlavorSlice,
    ImageSlice,
    ProjectSlice,
    ProviderNetworkSlice,
    QuotaSlice,
    SubnetPoolSlice,
    SystemSlice,
    TenantSlice,
    VolumeTypeSlice,
)
from orchestrator.model.system import HostAggregate, Image, ProviderNetwork
from orchestrator.model.tenancy import Project, Quota, Tenant
from orchestrator.model.units import Text

Slice = RoomSlice | NetworkSlice | HardwareSlice | SystemSlice | TenantSlice
Network = IPv4Network | IPv6Network

MIB_PER_GIB = 1024


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def slice_json(part: Slice) -> str:
    """Return a slice as canonical JSON: the same slice is always the same text."""
    return json.dumps(
        asdict(part), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def hardware_slice(site: Site, region: str) -> HardwareSlice:
    """Return the servers of one region."""
    servers = _by_name(site.servers_by_region.get(region, ()))
    settings = (_settings(site.profiles_by_name[server.profile], server) for server in servers)
    return HardwareSlice(
        site=site.name,
        region=region,
        servers=tuple(_server(site, region, server) for server in servers),
        settings=tuple(each for each in settings if each is not None),
    )


def system_slice(site: Site, site_directory: str) -> SystemSlice:
    """Return what the platform offers. `site_directory` is absolute; image files are under it."""
    system = site.system
    return SystemSlice(
        site=site.name,
        images=tuple(_image(image, site_directory) for image in _by_name(system.images)),
        flavors=tuple(
            FlavorSlice(
                name=flavor.name,
                vcpus=flavor.vcpus,
                memory_mib=flavor.memory_mib,
                disk_gib=flavor.disk_gib,
                extra_specs=dict(flavor.extra_specs),
            )
            for flavor in _by_name(system.flavors)
        ),
        aggregates=tuple(_aggregate(site, each) for each in _by_name(system.host_aggregates)),
        address_scopes=tuple(
            AddressScopeSlice(name=scope.name, ip_version=scope.ip_version, shared=scope.shared)
            for scope in _by_name(system.address_scopes)
        ),
        subnet_pools=tuple(
            SubnetPoolSlice(
                name=pool.name,
                prefixes=tuple(str(prefix) for prefix in pool.prefixes),
                default_prefix_length=pool.default_prefix_length,
                address_scope=pool.address_scope,
                shared=pool.shared,
            )
            for pool in _by_name(system.subnet_pools)
        ),
        provider_networks=tuple(
            _provider_network(network) for network in _by_name(system.provider_networks)
        ),
        volume_types=tuple(
            VolumeTypeSlice(
                name=sort.name, description=sort.description, extra_specs=dict(sort.extra_specs)
            )
            for sort in _by_name(system.volume_types)
        ),
    )


def tenant_slice(site: Site, tenant_name: str, *, today: date) -> TenantSlice:
    """Return one department. Flows that expired before `today` give no rules.

    Raises LookupError where the site has no such tenant.
    """
    tenant = next((t for t in site.tenancy.tenants if t.name == tenant_name), None)
    if tenant is None:
        raise LookupError(f"the site declares no tenant {tenant_name}")
    return TenantSlice(
        site=site.name,
        name=tenant.name,
        title=_title(tenant.display),
        description=_description(tenant),
        protection_level=tenant.protection_level,
        data_level=tenant.data_level,
        projects=tuple(
            _project(site, tenant, project, today=today) for project in _by_name(tenant.projects)
        ),
    )


def _server(site: Site, region: str, server: Server) -> ServerSlice:
    profile = site.profiles_by_name[server.profile]
    return ServerSlice(
        name=server.name,
        region=region,
        rack=server.rack,
        unit=server.unit,
        serial=server.serial,
        role=server.role.value,
        profile=profile.name,
        resource_class=profile.resource_class,
        traits=tuple(sorted(profile.traits)),
        bmc_address=str(server.bmc.address),
        bmc_user=server.bmc.user,
        bmc_password=str(server.bmc.password),
        cpu_threads=profile.cpu_threads,
        memory_gib=profile.memory_gib,
        disk_gib=profile.disk_gib,
        architecture=profile.architecture,
        ports=tuple(
            PortSlice(mac=nic.mac, pxe=nic.pxe, switch=nic.switch, switch_port=nic.port)
            for nic in sorted(server.nics, key=lambda nic: nic.mac)
        ),
    )


def _settings(profile: HardwareProfile, server: Server) -> SettingsSlice | None:
    if not (profile.bios or profile.boot_order or profile.asset_tag):
        return None
    return SettingsSlice(
        server=server.name,
        bmc_address=str(server.bmc.address),
        bmc_user=server.bmc.user,
        bmc_password=str(server.bmc.password),
        asset_tag=server.name if profile.asset_tag else None,
        bios=dict(profile.bios),
        boot_order=tuple(device.value for device in profile.boot_order),
    )


def _image(image: Image, site_directory: str) -> ImageSlice:
    return ImageSlice(
        name=image.name,
        title=_title(image.display),
        file=f"{site_directory.rstrip('/')}/{image.file}",
        sha256=image.sha256.lower(),
        disk_format=image.disk_format,
        os_distro=image.os_distro,
        os_version=image.os_version,
        min_disk_gib=image.min_disk_gib,
        min_memory_mib=image.min_memory_mib,
        visibility=image.visibility.value,
    )


def _aggregate(site: Site, aggregate: HostAggregate) -> AggregateSlice:
    servers = site.servers_by_region.get(aggregate.region, ())
    hosts = [
        server.name
        for server in servers
        if server.role is aggregate.role and (not aggregate.racks or server.rack in aggregate.racks)
    ]
    return AggregateSlice(
        name=aggregate.name,
        availability_zone=aggregate.availability_zone,
        hosts=tuple(sorted(hosts)),
        metadata=dict(aggregate.metadata),
    )


def _provider_network(network: ProviderNetwork) -> ProviderNetworkSlice:
    return ProviderNetworkSlice(
        name=network.name,
        zone=network.zone,
        kind=network.kind.value,
        physical_network=network.physical_network,
        vlan_id=network.vlan_id,
        external=network.external,
        shared=network.shared,
        prefix=str(network.prefix),
        gateway=None if network.gateway is None else str(network.gateway),
        dhcp=network.dhcp,
    )


def _project(site: Site, tenant: Tenant, project: Project, *, today: date) -> ProjectSlice:
    protection, data = project.protection_level, project.data_level
    return ProjectSlice(
        name=project.name,
        title=_title(project.display),
        region=project.region,
        zone=project.zone,
        prefix=str(project.prefix),
        external_network=_external_network(site, project),
        subnet_pool=_subnet_pool(site, project),
        dns_servers=tuple(str(server) for server in dns_servers(site)),
        quota=_quota(project.quota),
        rules=project_rules(site, tenant.name, project, today=today),
        protection_level=tenant.protection_level if protection is None else protection,
        data_level=tenant.data_level if data is None else data,
    )


def _quota(quota: Quota) -> QuotaSlice:
    return QuotaSlice(
        instances=quota.instances,
        cores=quota.cores,
        memory_mib=quota.memory_gib * MIB_PER_GIB,
        volumes=quota.volumes,
        storage_gib=quota.storage_gib,
        ports=quota.ports,
        floating_ips=quota.floating_ips,
    )


def _external_network(site: Site, project: Project) -> str | None:
    """Return the external network of the project's zone, its own region's where there is one."""
    choices = [
        network
        for network in _by_name(site.system.provider_networks)
        if network.external and network.zone == project.zone
    ]
    regional = [
        prefix.prefix
        for prefix in site.network.prefixes
        if prefix.region == project.region and prefix.role is not PrefixRole.INTERCONNECT
    ]
    near = [n for n in choices if any(_holds(prefix, n.prefix) for prefix in regional)]
    return next((network.name for network in (*near, *choices)), None)


def _subnet_pool(site: Site, project: Project) -> str | None:
    """Return the narrowest pool that holds the project's prefix."""
    holding = [
        (prefix.prefixlen, pool.name)
        for pool in site.system.subnet_pools
        for prefix in pool.prefixes
        if _holds(prefix, project.prefix)
    ]
    return max(holding)[1] if holding else None


def _holds(outer: Network, inner: Network) -> bool:
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def _title(text: Text) -> str:
    return f"{text.zh} {text.en}"


def _description(tenant: Tenant) -> str:
    desks = ", ".join(f"{c.duty} {c.name} <{c.email}>" for c in tenant.contacts)
    return f"{_title(tenant.display)}; {desks}" if desks else _title(tenant.display)


def _by_name(things: Iterable[T]) -> list[T]:
    """Sort, so that the order in YAML plans no work."""
    return sorted(things, key=lambda thing: thing.name)
