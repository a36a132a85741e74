"""Checks of the system software layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

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
from orchestrator.model.site import RegionKind
from orchestrator.model.system import (
    BackupPolicy,
    HostAggregate,
    MaintenanceWindow,
    NetworkKind,
    ProviderNetwork,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

LONGEST_RPO_MINUTES: Final = {1: 10_080, 2: 10_080, 3: 1_440, 4: 1_440, 5: 30, 6: 0}
"""By grade of GB/T 20988: a week, a day, half an hour, nothing."""
LONGEST_RTO_MINUTES: Final = {4: 2_880, 5: 2_880, 6: 60}
"""By grade: two days, an hour; the lower grades set none."""
LONGEST_DRILL_INTERVAL_DAYS: Final = 366


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
    "SW009",
    "A backup policy would not survive the loss of the city",
    remedy="Keep two copies or more, one of them outside the city's own region.",
)
def backups_leave_the_city(index: SiteIndex) -> Iterator[Finding]:
    """Require two copies, and one of them outside the production region (kind `city`)."""
    cities = {region.name for region in index.site.regions if region.kind is RegionKind.CITY}
    for policy in index.site.system.backup_policies:
        if len(policy.copies) < 2:
            detail = f"{policy.name} keeps {len(policy.copies)} copy."
            yield Finding(detail, policy.source.at("copies"))
        elif set(policy.copies) <= cities:
            detail = f"All copies of {policy.name} are in {', '.join(sorted(set(policy.copies)))}."
            yield Finding(detail, policy.source.at("copies"))


@error(
    "SW010",
    "A backup policy's figures contradict each other",
    remedy="Correct the figure, or choose the grade that fits it.",
)
def backup_figures_are_sane(index: SiteIndex) -> Iterator[Finding]:
    """Require RPO and RTO to fit the grade, copies kept longer than the RPO, and yearly drills.

    Limits by grade follow the informative annex of GB/T 20988: an RPO of a week (1, 2), a day
    (3, 4), half an hour (5), nothing (6); an RTO of two days (4, 5), an hour (6).
    """
    for policy in index.site.system.backup_policies:
        for key, fault in _backup_faults(policy):
            yield Finding(f"{policy.name} {fault}.", policy.source.at(key))


def _backup_faults(policy: BackupPolicy) -> Iterator[tuple[str, str]]:
    rpo_limit = LONGEST_RPO_MINUTES[policy.grade]
    rto_limit = LONGEST_RTO_MINUTES.get(policy.grade)
    if policy.rpo_minutes > rpo_limit:
        yield "rpo_minutes", f"may lose {policy.rpo_minutes} minutes; its grade allows {rpo_limit}"
    if rto_limit is not None and policy.rto_minutes > rto_limit:
        yield "rto_minutes", f"may take {policy.rto_minutes} minutes; its grade allows {rto_limit}"
    if policy.keep_days * 24 * 60 < policy.rpo_minutes:
        yield "keep_days", f"keeps a copy {policy.keep_days} days, less than its RPO"
    if policy.drill_every_days > LONGEST_DRILL_INTERVAL_DAYS:
        yield "drill_every_days", f"is drilled every {policy.drill_every_days} days, not yearly"


@error("SW011", "A maintenance window makes no sense", remedy="Correct its start, hours or days.")
def windows_make_sense(index: SiteIndex) -> Iterator[Finding]:
    """Require a window to start at HH:MM, to last at most a day, and to name each weekday once."""
    for window in index.site.system.maintenance_windows:
        if not _TIME.fullmatch(window.start):
            yield Finding(f"`{window.start}` is not HH:MM.", window.source.at("start"))
        if window.hours > 24:
            yield Finding(f"{window.hours} hours are too long.", window.source.at("hours"))
        if not window.weekdays or len(set(window.weekdays)) < len(window.weekdays):
            detail = f"{window.name} names no weekday, or one of them twice."
            yield Finding(detail, window.source.at("weekdays"))


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
    backups_leave_the_city,
    backup_figures_are_sane,
    windows_make_sense,
    flavors_fit_a_host,
)
