"""Which stacks a site has, in the order in which they are applied, and what each is to become."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from orchestrator.model.plan import Scope
from orchestrator.model.site import Layer, Site
from orchestrator.model.stack import PROJECT_OF_LAYER, StackJob, StackName
from orchestrator.planning.network_slice import network_slice, reachable_devices
from orchestrator.planning.room_devices import room_devices
from orchestrator.planning.room_slice import room_slice
from orchestrator.planning.slices import hardware_slice, slice_json, system_slice, tenant_slice

SITE_STACK = "site"
"""The system layer has one stack: what the platform offers is the same for the whole cloud."""

APPLIED_LAYERS = (Layer.ROOM, Layer.NETWORK, Layer.HARDWARE, Layer.SYSTEM, Layer.TENANCY)

REGIONAL_LAYERS = frozenset({Layer.ROOM, Layer.NETWORK, Layer.HARDWARE})
"""Layers with one stack per region."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """What besides the site decides a stack's outcome: the programs and the provider."""

    digests: Mapping[str, str]
    """SHA-256 of each program folder under stacks/, by project."""
    provider_version: str


def stack_names(site: Site, scope: Scope) -> tuple[StackName, ...]:
    """Return the stacks that the site declares and the scope names, in order of execution."""
    return tuple(name for name in _declared(site) if in_scope(name, site, scope))


def _declared(site: Site) -> Iterator[StackName]:
    rooms = {device.room for device in room_devices(site)}
    regions = {room.region for room in site.room.rooms if room.name in rooms}
    for region in site.regions:
        if region.name in regions:
            yield StackName(layer=Layer.ROOM, name=region.name)
    connected = {site.region_of_rack(device.rack) for device in reachable_devices(site)}
    for region in site.regions:
        if region.name in connected:
            yield StackName(layer=Layer.NETWORK, name=region.name)
    for region in site.regions:
        if site.servers_by_region.get(region.name):
            yield StackName(layer=Layer.HARDWARE, name=region.name)
    yield StackName(layer=Layer.SYSTEM, name=SITE_STACK)
    for tenant in site.tenancy.tenants:
        yield StackName(layer=Layer.TENANCY, name=tenant.name)


def in_scope(stack: StackName, site: Site, scope: Scope) -> bool:
    """Say whether a command with this scope is about the stack.

    A region narrows rooms, network and hardware to that region, tenancy to its tenants; the
    platform's own offer belongs to no region. A tenant narrows everything to that tenant, but for
    the layers that are named beside it: `--layer system --layer tenancy --tenant gongxin` is both.
    """
    if scope.layers and stack.layer not in scope.layers:
        return False
    if scope.tenants and not _in_tenants(stack, scope):
        return False
    if not scope.regions:
        return True
    if stack.layer in REGIONAL_LAYERS:
        return stack.name in scope.regions
    homes = {tenant.name: tenant.region for tenant in site.tenancy.tenants}
    return stack.layer is Layer.TENANCY and homes.get(stack.name) in scope.regions


def _in_tenants(stack: StackName, scope: Scope) -> bool:
    if stack.layer is Layer.TENANCY:
        return stack.name in scope.tenants
    return stack.layer in scope.layers


def plan_job(
    stack: StackName, site: Site, *, site_directory: str, today: date, programs: Programs
) -> StackJob:
    """Cut the stack's slice out of the site and name it by its digest."""
    match stack.layer:
        case Layer.ROOM:
            sliced = slice_json(room_slice(site, stack.name))
        case Layer.NETWORK:
            sliced = slice_json(network_slice(site, stack.name, today=today))
        case Layer.HARDWARE:
            sliced = slice_json(hardware_slice(site, stack.name))
        case Layer.SYSTEM:
            sliced = slice_json(system_slice(site, site_directory))
        case Layer.TENANCY:
            sliced = slice_json(tenant_slice(site, stack.name, today=today))
    parts = (sliced, programs.digests[PROJECT_OF_LAYER[stack.layer]], programs.provider_version)
    return StackJob(
        stack=stack,
        slice_json=sliced,
        digest=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
        removals=frozenset(removed.thing for removed in site.removed),
    )


def recorded_only(site: Site, scope: Scope) -> Mapping[Layer, int]:
    """Count the devices without a login: what is compiled for them is given to nobody.

    A command that is not about the network has nothing to say of them.
    """
    silent = len(site.network.devices) - len(reachable_devices(site))
    networks = (StackName(layer=Layer.NETWORK, name=region.name) for region in site.regions)
    if not silent or not any(in_scope(network, site, scope) for network in networks):
        return {}
    return {Layer.NETWORK: silent}
