"""Which hosts stand in for each other, so that never two of them are worked on at a time."""

from __future__ import annotations

from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.maintenance import Observed
from orchestrator.model.site import Site
from orchestrator.planning.drain import Fleet

REDUNDANT = frozenset(
    {ServerRole.BACKUP, ServerRole.NETWORK, ServerRole.STORAGE, ServerRole.CONTROL}
)
"""Hosts of these roles stand in for each other: never two at a time in one region."""


def domains(
    server: Server, region: str, observed: Observed, *, fleet: Fleet | None = None
) -> frozenset[str]:
    """Return the failure domains that a host is in: two hosts of one are never in one batch."""
    mine = {f"service {one.service}" for one in observed.services if server.name in one.hosts}
    if server.role in REDUNDANT:
        mine.add(f"{server.role} of {region}")
    if fleet is not None:
        mine |= {f"server group {group}" for group in fleet.groups_on(server.name)}
    return frozenset(mine)


def partners_of(server: Server, site: Site) -> tuple[Server, ...]:
    """Return the hosts that stand in for a host while it is away; a server without a host cannot.

    Databases are not among them: which replica may take over is observed.
    """
    if server.role not in REDUNDANT:
        return ()
    region = site.region_of_rack(server.rack)
    return tuple(
        one
        for one in site.hardware.servers
        if one.role is server.role
        and one.name != server.name
        and one.address is not None
        and site.region_of_rack(one.rack) == region
    )
