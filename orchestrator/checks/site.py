"""Checks of site.yaml: the regions, and what may be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, claimed_twice, error, named_twice
from orchestrator.model.site import Site


@error("ST001", "Two regions have one name", remedy="Rename one of them.")
def region_names_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require every region to have a name of its own.

    Racks, prefixes, quotas and stacks belong to a region by its name.
    """
    yield from named_twice(index.site.regions)


@error("ST002", "The site has no region", remedy="Declare at least the city under `regions:`.")
def site_has_a_region(index: SiteIndex) -> Iterator[Finding]:
    """Require at least one region.

    Everything stands in a region; without one nothing could be declared.
    """
    if not index.site.regions:
        yield Finding("`regions:` is empty.", index.site.identity.source)


@error(
    "ST003",
    "A removed thing is still declared",
    remedy="Take it out of its layer's file, or out of `removed:`.",
)
def removed_things_are_gone(index: SiteIndex) -> Iterator[Finding]:
    """Require what `removed:` lists to be declared nowhere.

    One line says that the thing should exist and another that it may be deleted: only you know
    which is meant.
    """
    declared = set(_declared_things(index.site))
    for removed in index.site.removed:
        if removed.thing in declared:
            yield Finding(f"`{removed.thing}` is still declared.", removed.source.at("thing"))


@error(
    "ST004",
    "A removed thing has an unknown form",
    remedy="Write KIND/NAME, or project/TENANT/NAME for a project.",
)
def removed_things_are_understood(index: SiteIndex) -> Iterator[Finding]:
    """Require every `removed:` entry to name a kind of thing that the tool could delete.

    A mistyped kind would leave the thing as an orphan for ever, with its owner believing it gone.
    """
    for removed in index.site.removed:
        kind, _, name = removed.thing.partition("/")
        if kind not in REMOVABLE_KINDS:
            detail = f"`{kind}` is none of {', '.join(sorted(REMOVABLE_KINDS))}."
            yield Finding(detail, removed.source.at("thing"), kind, REMOVABLE_KINDS)
        elif not all(name.split("/")) or name.count("/") != (kind == "project"):
            detail = f"`{removed.thing}` does not name one thing."
            yield Finding(detail, removed.source.at("thing"))


@error("ST005", "A thing is removed twice", remedy="Keep one of the lines.")
def removals_are_unique(index: SiteIndex) -> Iterator[Finding]:
    """Require each removed thing to be listed once.

    Two lines have two reasons and two approvals, and an auditor asks which of them counted.
    """
    claims = (
        Claim(removed.thing, "this line", removed.source, "thing") for removed in index.site.removed
    )
    yield from claimed_twice("The thing", claims)


REMOVABLE_KINDS = frozenset({
    "region", "system", "server", "tenant", "project", "image", "flavor", "host-aggregate",
    "address-scope", "subnet-pool", "provider-network", "volume-type",
})  # fmt: skip
"""What `removed:` may name; `region` and `system` stand for the stacks of those names."""


def _declared_things(site: Site) -> Iterator[str]:
    """Yield every removable thing that the site declares, as `removed:` would name it."""
    system = site.system
    named: dict[str, Iterable[str]] = {
        "region": (region.name for region in site.regions),
        "server": (server.name for server in site.hardware.servers),
        "tenant": (tenant.name for tenant in site.tenancy.tenants),
        "image": (image.name for image in system.images),
        "flavor": (flavor.name for flavor in system.flavors),
        "host-aggregate": (aggregate.name for aggregate in system.host_aggregates),
        "address-scope": (scope.name for scope in system.address_scopes),
        "subnet-pool": (pool.name for pool in system.subnet_pools),
        "provider-network": (network.name for network in system.provider_networks),
        "volume-type": (volume_type.name for volume_type in system.volume_types),
    }
    for kind, names in named.items():
        yield from (f"{kind}/{name}" for name in names)
    for tenant in site.tenancy.tenants:
        yield from (f"project/{tenant.name}/{project.name}" for project in tenant.projects)


CHECKS: tuple[Check, ...] = (
    region_names_are_unique,
    site_has_a_region,
    removed_things_are_gone,
    removed_things_are_understood,
    removals_are_unique,
)
