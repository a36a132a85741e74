"""Which servers of a site the lab boots as hosts, and what each is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.errors import LabError
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.names import did_you_mean
from orchestrator.model.site import RegionKind, Site


@dataclass(frozen=True, kw_only=True, slots=True)
class HostSpec:
    """One server that the lab boots."""

    name: str
    address: str
    """The address that the site declares; empty where it declares none."""
    user: str
    public_key: str
    """Opens SSH for the user, as a line of `authorized_keys`."""
    neighbours: tuple[str, ...] = ()
    """Networks of the declared addresses of servers: hosts reach each other there."""


CITY_DEFAULTS = (
    (ServerRole.DATABASE, 2),
    (ServerRole.BACKUP, 1),
    (ServerRole.COMPUTE, 2),
    (ServerRole.CONTROL, 2),
)
"""Of the first region; the control hosts are the bastion and the log host."""

RECOVERY_DEFAULTS = ((ServerRole.DATABASE, 2), (ServerRole.BACKUP, 1))
"""A database host for replicas, and a spare for restores and drills."""


def chosen_servers(site: Site, names: Sequence[str]) -> tuple[Server, ...]:
    """Return the named servers, or without names a few of each role.

    Raises:
        LabError: a name is not one of the site's servers, or none is of such a role.
    """
    if not names:
        some = tuple(_defaults(site))
        if not some:  # none at all would mean: remove the hosts that the lab has
            raise LabError(
                "the site has no server that the lab boots without being told its name",
                remedy="Name some of its servers: --hosts=NAME,NAME",
            )
        return some
    servers = {server.name: server for server in site.hardware.servers}
    unknown = [name for name in names if name not in servers]
    if unknown:
        raise LabError(
            f"the site has no server `{unknown[0]}`.{did_you_mean(unknown[0], servers)}",
            remedy="Name servers of the site, with commas between them: --hosts=db-01,db-02",
        )
    return tuple(servers[name] for name in dict.fromkeys(names))


def _defaults(site: Site) -> Iterator[Server]:
    regions = {RegionKind.CITY: CITY_DEFAULTS, RegionKind.DISASTER_RECOVERY: RECOVERY_DEFAULTS}
    for region in site.regions:
        servers = site.servers_by_region.get(region.name, ())
        for role, count in regions.get(region.kind, ()):
            yield from _apart((server for server in servers if server.role is role), count)


def _apart(servers: Iterable[Server], count: int) -> list[Server]:
    """Return the first servers, each of another rack where there are so many racks."""
    known = list(servers)
    first_of_rack: dict[str, Server] = {}
    for server in known:
        first_of_rack.setdefault(server.rack, server)
    apart = list(first_of_rack.values())
    rest = [server for server in known if server not in apart]
    return (apart + rest)[:count]
