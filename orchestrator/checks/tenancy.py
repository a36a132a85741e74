"""Checks of the tenancy layer: departments, their projects, and what was promised to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orchestrator.checks.addresses import nested_pairs
from orchestrator.checks.capacity import Capacity, capacities, consumers
from orchestrator.checks.flows import DMZ
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, Known, error, named_twice
from orchestrator.model.network import PrefixRole
from orchestrator.model.site import Region
from orchestrator.model.tenancy import Project, Tenant

SENSITIVE_DATA_LEVEL: Final = 3
"""From here on data is encrypted at rest and has no copy in the DMZ."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@error("TN001", "Two tenants, or two projects of a tenant, have one name", remedy="Rename one.")
def tenant_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require unique names of tenants, and of projects within a tenant, as Keystone does."""
    tenants = index.site.tenancy.tenants
    yield from named_twice(tenants)
    for tenant in tenants:
        yield from named_twice(tenant.projects)


@error(
    "TN002",
    "A tenant refers to something that is not declared",
    remedy="Correct the name, or declare the thing.",
)
def tenant_references_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require every region, zone and backup policy that is named to be declared."""
    regions, zones = Known("region", index.regions), Known("zone", index.zones)
    policies = Known("backup policy", {policy.name for policy in index.site.system.backup_policies})
    for tenant in index.site.tenancy.tenants:
        yield from regions.miss(tenant.region, tenant.source, "region")
    for _, project in index.projects:
        yield from regions.miss(project.region, project.source, "region")
        yield from zones.miss(project.zone, project.source, "zone")
        yield from policies.miss(project.backup, project.source, "backup")


@error(
    "TN003",
    "Quotas exceed the region's capacity",
    remedy="Lower a quota, add servers, or raise the region's overcommit.",
)
def quotas_fit_the_region(index: SiteIndex) -> Iterator[Finding]:
    """Require all quotas of a region to fit what it can promise.

    Cores and memory: the compute servers', less the largest one in reserve (so that any one may
    fail), times the declared overcommit. Storage: the storage servers' disks, times the overcommit.
    """
    for region in index.site.regions:
        for capacity in capacities(index, region):
            yield from _overpromised(index, region, capacity)


def _overpromised(index: SiteIndex, region: Region, capacity: Capacity) -> Iterator[Finding]:
    shares = consumers(index, region, capacity.resource)
    promised = sum(amount for amount, _, _ in shares)
    if promised <= capacity.promisable:
        return
    biggest = ", ".join(
        f"{tenant.name}/{project.name} {amount:,}" for amount, tenant, project in shares[:3]
    )
    detail = (
        f"Region {region.name} promises {promised:,} {capacity.resource.name}, but has "
        f"{capacity.promisable:,} ({capacity.explanation}). The biggest: {biggest}."
    )
    largest_project = shares[0][2]
    yield Finding(detail, largest_project.source.at(f"quota.{capacity.resource.quota_key}"))


@error(
    "TN004",
    "A protection level is above its platform's",
    remedy="Place it in a region and zone of that level, or correct the level.",
)
def protection_levels_are_covered(index: SiteIndex) -> Iterator[Finding]:
    """Require a tenant's and a project's protection level to be at most its region's and zone's.

    GB/T 22239-2019, 8.2.2.1 a: a platform never carries a system of a higher grade than its own.
    """
    for tenant in index.site.tenancy.tenants:
        region = index.regions.get(tenant.region)
        if region and tenant.protection_level > region.protection_level:
            detail = _level_detail(tenant.name, tenant.protection_level, region.name) + (
                f"{region.protection_level}."
            )
            yield Finding(detail, tenant.source.at("protection_level"))
    for tenant, project in index.projects:
        yield from _uncovered_level(index, tenant, project)


def _uncovered_level(index: SiteIndex, tenant: Tenant, project: Project) -> Iterator[Finding]:
    level = project.protection_level
    level = tenant.protection_level if level is None else level
    places = (index.regions.get(project.region), index.zones.get(project.zone))
    for key, place in zip(("region", "zone"), places, strict=True):
        if place and level > place.protection_level:
            source = project.source.at("protection_level" if project.protection_level else key)
            name = f"{tenant.name}/{project.name}"
            yield Finding(
                _level_detail(name, level, f"{key} {place.name}") + f"{place.protection_level}.",
                source,
            )


def _level_detail(name: str, level: int, place: str) -> str:
    return f"{name} has level {level}; {place} has level "


@error(
    "TN005",
    "Sensitive data stands in the DMZ",
    remedy="Move the project behind the exchange, and leave only a proxy in inet-dmz.",
)
def sensitive_data_is_not_in_the_dmz(index: SiteIndex) -> Iterator[Finding]:
    """Refuse data of level 3 and above in the zone inet-dmz."""
    for tenant, project in index.projects:
        level = project.data_level
        level = tenant.data_level if level is None else level
        if project.zone == DMZ and level >= SENSITIVE_DATA_LEVEL:
            detail = f"{tenant.name}/{project.name} holds data of level {level}."
            yield Finding(detail, project.source.at("zone"))


@error(
    "TN006",
    "A project's prefix is not from its zone's tenant addresses",
    remedy="Use a prefix inside a `tenant` prefix of the project's region and zone.",
)
def project_prefixes_are_declared(index: SiteIndex) -> Iterator[Finding]:
    """Require a project's prefix to lie in a tenant prefix of its own region and zone."""
    for tenant, project in index.projects:
        if project.region not in index.regions or project.zone not in index.zones:
            continue  # TN002's finding
        addresses = index.addresses(project.region, PrefixRole.TENANT, zone=project.zone)
        if not addresses.holds_all_of(project.prefix):
            detail = (
                f"{tenant.name}/{project.name} has {project.prefix}, in no tenant prefix of "
                f"{project.region}, {project.zone}."
            )
            yield Finding(detail, project.source.at("prefix"))


@error("TN007", "Two projects' prefixes overlap", remedy="Choose a free prefix.")
def project_prefixes_do_not_overlap(index: SiteIndex) -> Iterator[Finding]:
    """Require projects' prefixes to be apart: the exchange must be able to reach each of them."""
    projects = index.projects
    for outer, inner in nested_pairs([project.prefix for _, project in projects]):
        (other, around), (tenant, within) = projects[outer], projects[inner]
        detail = (
            f"{within.prefix} of {tenant.name}/{within.name} lies in {around.prefix} of "
            f"{other.name}/{around.name} ({around.source.file}:{around.source.line})."
        )
        yield Finding(detail, within.source.at("prefix"))


@error("TN008", "A tenant has no contact", remedy="Name a desk with an e-mail address.")
def tenants_can_be_reached(index: SiteIndex) -> Iterator[Finding]:
    """Require at least one contact per tenant, with an e-mail address that can be one."""
    for tenant in index.site.tenancy.tenants:
        if not tenant.contacts:
            yield Finding(f"{tenant.name} has none.", tenant.source.at("contacts"))
        for number, contact in enumerate(tenant.contacts):
            if not _EMAIL.fullmatch(contact.email):
                detail = f"`{contact.email}` is no e-mail address."
                yield Finding(detail, tenant.source.at(f"contacts.{number}.email"))


@error(
    "TN009",
    "A project's backups are all in its own region",
    remedy="Choose a policy with a copy in another region.",
)
def project_backups_are_elsewhere(index: SiteIndex) -> Iterator[Finding]:
    """Require a project's backup policy to keep a copy outside the project's region."""
    policies = {policy.name: policy for policy in index.site.system.backup_policies}
    for tenant, project in index.projects:
        policy = policies.get(project.backup) if project.backup else None
        if policy and set(policy.copies) <= {project.region}:
            detail = f"{tenant.name}/{project.name} and all copies of {policy.name} are in "
            yield Finding(f"{detail}{project.region}.", project.source.at("backup"))


CHECKS: tuple[Check, ...] = (
    tenant_names_are_unique,
    tenant_references_resolve,
    quotas_fit_the_region,
    protection_levels_are_covered,
    sensitive_data_is_not_in_the_dmz,
    project_prefixes_are_declared,
    project_prefixes_do_not_overlap,
    tenants_can_be_reached,
    project_backups_are_elsewhere,
)
