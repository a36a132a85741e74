"""Checks of the system software layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.checks.addresses import is_usable
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import (
    Check,
    Finding,
    Known,
    Named,
    error,
    named_twice,
)
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.system import (
    HostAggregate,
    MaintenanceWindow,
    NetworkKind,
    ProviderNetwork,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@error("SW001", "Two things of the platform have one name", remedy="Rename one of them.")
def system_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names of each kind: images, flavors, aggregates, pools, networks, policies."""
    system = index.site.system
    kinds: tuple[Iterable[Named], ...] = (
        system.images, system.flavors, system.host_aggregates, system.address_scopes,
        system.subnet_pools, system.provider_networks, system.volume_types,
        system.host_baselines, system.backup_policies, system.maintenance_windows,
    )  # fmt: skip
    for things in kinds:
        yield from named_twice(things)


@error(
    "SW002",
    "A reference of the platform leads nowhere",
    remedy="Correct the name, or declare the thing.",
)
def system_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every region, rack, zone and address scope that is named to be declared."""
    system = index.site.system
    regions, zones = Known("region", index.regions), Known("zone", index.zones)
    racks = Known("rack", index.site.racks_by_name)
    scopes = Known("address scope", {scope.name for scope in system.address_scopes})
    placed: tuple[HostAggregate | MaintenanceWindow, ...] = (
        *system.host_aggregates,
        *system.maintenance_windows,
    )
    for thing in placed:
        yield from regions.miss(thing.region, thing.source, "region")
    for aggregate in system.host_aggregates:
        for number, rack in enumerate(aggregate.racks):
            yield from racks.miss(rack, aggregate.source, f"racks.{number}")
    for pool in system.subnet_pools:
        yield from scopes.miss(pool.address_scope, pool.source, "address_scope")
    for network in system.provider_networks:
        yield from zones.miss(network.zone, network.source, "zone")
    for policy in system.backup_policies:
        for number, region in enumerate(policy.copies):
            yield from regions.miss(region, policy.source, f"copies.{number}")


def _members(index: SiteIndex, aggregate: HostAggregate) -> Sequence[Server]:
    """Return the servers of an aggregate."""
    return [
        server
        for server in index.site.servers_by_region.get(aggregate.region, ())
        if server.role is aggregate.role and (not aggregate.racks or server.rack in aggregate.racks)
    ]


@error(
    "SW003",
    "A host aggregate has no host",
    remedy="Correct its region, role or racks, or remove it.",
)
def aggregates_have_hosts(index: SiteIndex) -> Iterator[Finding]:
    """Require each host aggregate to match at least one server.

    Whoever chooses its availability zone would wait for a machine that never comes.
    """
    for aggregate in index.site.system.host_aggregates:
        if aggregate.region in index.regions and not _members(index, aggregate):
            racks = f" in {', '.join(aggregate.racks)}" if aggregate.racks else ""
            detail = f"No {aggregate.role} server of region {aggregate.region} stands{racks}."
            yield Finding(detail, aggregate.source)


@error(
    "SW004",
    "A host is in two availability zones",
    remedy="Let the aggregates' racks not overlap, or give both one zone.",
)
def hosts_have_one_zone(index: SiteIndex) -> Iterator[Finding]:
    """Require the aggregates of one server to agree on its availability zone; Nova refuses more."""
    homes: dict[str, HostAggregate] = {}
    for aggregate in index.site.system.host_aggregates:
        for server in _members(index, aggregate):
            home = homes.setdefault(server.name, aggregate)
            if home.availability_zone != aggregate.availability_zone:
                detail = (
                    f"{server.name} is in {home.availability_zone} by {home.name} and in "
                    f"{aggregate.availability_zone} by {aggregate.name}."
                )
                yield Finding(detail, aggregate.source.at("availability_zone"))


@error(
    "SW005",
    "A subnet pool's addresses are not the site's",
    remedy="Use declared prefixes, of the scope's IP version.",
)
def pools_are_declared(index: SiteIndex) -> Iterator[Finding]:
    """Require a pool's prefixes to lie in declared prefixes and to fit its scope's IP version.

    And its default subnets must not be larger than the prefixes that they are cut from.
    """
    versions = {scope.name: scope.ip_version for scope in index.site.system.address_scopes}
    for pool in index.site.system.subnet_pools:
        version = versions.get(pool.address_scope)
        for number, prefix in enumerate(pool.prefixes):
            source = pool.source.at(f"prefixes.{number}")
            if not index.declared_addresses.holds_all_of(prefix):
                yield Finding(f"{prefix} is in no declared prefix.", source)
            if version and prefix.version != version:
                detail = f"{prefix} is IPv{prefix.version}, its scope is IPv{version}."
                yield Finding(detail, source)
            if not prefix.prefixlen <= pool.default_prefix_length <= prefix.max_prefixlen:
                detail = f"Subnets of /{pool.default_prefix_length} cannot be cut from {prefix}."
                yield Finding(detail, pool.source.at("default_prefix_length"))


@error(
    "SW006",
    "A provider network's addresses are not the site's",
    remedy="Use a declared prefix, and a gateway inside it.",
)
def provider_prefixes_are_declared(index: SiteIndex) -> Iterator[Finding]:
    """Require a provider network's prefix to lie in declared prefixes, and its gateway in it."""
    for network in index.site.system.provider_networks:
        if not index.declared_addresses.holds_all_of(network.prefix):
            detail = f"{network.prefix} is in no declared prefix."
            yield Finding(detail, network.source.at("prefix"))
        if network.gateway and not is_usable(network.gateway, network.prefix):
            detail = f"{network.gateway} is no host address of {network.prefix}."
            yield Finding(detail, network.source.at("gateway"))


@error(
    "SW007",
    "A provider network's VLAN is not the site's",
    remedy="Use the id of a VLAN that is declared for the same zone.",
)
def provider_vlans_are_declared(index: SiteIndex) -> Iterator[Finding]:
    """Require a network of kind vlan to use a VLAN declared for its zone, and a flat one none."""
    zones: dict[int, set[str]] = defaultdict(set)
    for vlan in index.site.network.vlans:
        zones[vlan.vlan_id].add(vlan.zone)
    for network in index.site.system.provider_networks:
        fault = _vlan_fault(network, zones)
        if fault:
            yield Finding(f"{network.name} {fault}.", network.source.at("vlan_id"))


def _vlan_fault(network: ProviderNetwork, zones: dict[int, set[str]]) -> str | None:
    if network.kind is NetworkKind.FLAT:
        return None if network.vlan_id is None else "is flat and has a VLAN"
    if network.vlan_id is None:
        return "has no `vlan_id`"
    if network.vlan_id not in zones:
        return f"uses VLAN {network.vlan_id}, which no region declares"
    if network.zone not in zones[network.vlan_id]:
        others = ", ".join(sorted(zones[network.vlan_id]))
        return f"is in zone {network.zone}, but VLAN {network.vlan_id} is in {others}"
    return None


@error(
    "SW008",
    "An image cannot be found or proved",
    remedy="Give a path below the site directory and the 64 hexadecimal digits of `sha256sum`.",
)
def images_can_be_proved(index: SiteIndex) -> Iterator[Finding]:
    """Require an image's file to lie below the site directory, and its SHA-256 to be one."""
    for image in index.site.system.images:
        if not _SHA256.fullmatch(image.sha256):
            detail = f"The sum of {image.name} is not 64 lower-case hexadecimal digits."
            yield Finding(detail, image.source.at("sha256"))
        if image.file.startswith("/") or ".." in image.file.split("/"):
            detail = f"{image.name}'s file `{image.file}` leads out of the site directory."
            yield Finding(detail, image.source.at("file"))


@error(
    "SW012",
    "A flavor fits on no host",
    remedy="Make the flavor smaller, or declare the larger hosts.",
)
def flavors_fit_a_host(index: SiteIndex) -> Iterator[Finding]:
    """Require some compute server to have the threads and the memory of each flavor.

    Overcommit lets many machines share a host; it does not let one machine outgrow it.
    """
    profiles = index.site.profiles_by_name
    hosts = {
        profiles[server.profile]
        for server in index.site.hardware.servers
        if server.role is ServerRole.COMPUTE and server.profile in profiles
    }
    for flavor in index.site.system.flavors:
        fits = any(
            flavor.vcpus <= host.cpu_threads and flavor.memory_mib <= host.memory_gib * 1024
            for host in hosts
        )
        if hosts and not fits:
            detail = f"{flavor.name} wants {flavor.vcpus} vCPUs and {flavor.memory_mib:,} MiB."
            yield Finding(detail, flavor.source.at("name"))


CHECKS: tuple[Check, ...] = (
    system_names_are_unique,
    system_references_resolve,
    aggregates_have_hosts,
    hosts_have_one_zone,
    pools_are_declared,
    provider_prefixes_are_declared,
    provider_vlans_are_declared,
    images_can_be_proved,
    flavors_fit_a_host,
)
