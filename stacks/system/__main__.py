"""What the platform offers: images, flavors, aggregates, addresses, networks, volume types."""

from ipaddress import ip_network

from orchestrator.model.slices import SystemSlice
from orchestrator.resources.compute import Flavor, FlavorArgs, HostAggregate, HostAggregateArgs
from orchestrator.resources.image import Image, ImageArgs
from orchestrator.resources.network import (
    AddressScope,
    AddressScopeArgs,
    Network,
    NetworkArgs,
    Subnet,
    SubnetArgs,
    SubnetPool,
    SubnetPoolArgs,
)
from orchestrator.resources.resource import owner_tags
from orchestrator.resources.slice import read_slice
from orchestrator.resources.volume import VolumeType, VolumeTypeArgs

platform = read_slice(SystemSlice)


def tags(thing: str) -> list[str]:
    """Say who owns it."""
    return owner_tags(site=platform.site, stack="system/site", thing=thing)


for image in platform.images:
    Image(
        f"image/{image.name}",
        ImageArgs(
            name=image.name,
            title=image.title,
            file=image.file,
            sha256=image.sha256,
            disk_format=image.disk_format,
            os_distro=image.os_distro,
            os_version=image.os_version,
            min_disk_gib=image.min_disk_gib,
            min_memory_mib=image.min_memory_mib,
            visibility=image.visibility,
            tags=tags(f"image/{image.name}"),
        ),
    )

for flavor in platform.flavors:
    Flavor(
        f"flavor/{flavor.name}",
        FlavorArgs(
            name=flavor.name,
            site=platform.site,
            vcpus=flavor.vcpus,
            memory_mib=flavor.memory_mib,
            disk_gib=flavor.disk_gib,
            extra_specs=flavor.extra_specs,
        ),
    )

for aggregate in platform.aggregates:
    HostAggregate(
        f"host-aggregate/{aggregate.name}",
        HostAggregateArgs(
            name=aggregate.name,
            site=platform.site,
            availability_zone=aggregate.availability_zone,
            hosts=aggregate.hosts,
            metadata=aggregate.metadata,
        ),
    )

scopes = {
    scope.name: AddressScope(
        f"address-scope/{scope.name}",
        AddressScopeArgs(name=scope.name, ip_version=scope.ip_version, shared=scope.shared),
    )
    for scope in platform.address_scopes
}

for pool in platform.subnet_pools:
    SubnetPool(
        f"subnet-pool/{pool.name}",
        SubnetPoolArgs(
            name=pool.name,
            prefixes=pool.prefixes,
            default_prefix_length=pool.default_prefix_length,
            address_scope_id=scopes[pool.address_scope].id,
            shared=pool.shared,
            description=f"tenant addresses of {platform.site}",
            tags=tags(f"subnet-pool/{pool.name}"),
        ),
    )

for wire in platform.provider_networks:
    thing = f"provider-network/{wire.name}"
    network = Network(
        thing,
        NetworkArgs(
            name=wire.name,
            description=f"zone {wire.zone} of {platform.site}",
            network_type=wire.kind,
            physical_network=wire.physical_network,
            segmentation_id=wire.vlan_id,
            external=wire.external,
            shared=wire.shared,
            tags=tags(thing),
        ),
    )
    Subnet(
        f"{thing}#subnet",
        SubnetArgs(
            name=wire.name,
            network_id=network.id,
            cidr=wire.prefix,
            ip_version=ip_network(wire.prefix).version,
            gateway_ip=wire.gateway,
            enable_dhcp=wire.dhcp,
            description=f"zone {wire.zone} of {platform.site}",
            tags=tags(thing),
        ),
    )

for sort in platform.volume_types:
    VolumeType(
        f"volume-type/{sort.name}",
        VolumeTypeArgs(
            name=sort.name,
            site=platform.site,
            description=sort.description,
            extra_specs=sort.extra_specs,
        ),
    )
