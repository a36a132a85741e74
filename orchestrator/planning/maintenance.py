"""Plan maintenance: which hosts together, in which order, and what is done to each first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    Act,
    Batch,
    Blocked,
    HandOver,
    Instance,
    Move,
    Operation,
    ServiceRoles,
)
from orchestrator.model.site import RegionKind
from orchestrator.planning.drain import fleet_of, immovable
from orchestrator.planning.failure_domains import domains
from orchestrator.planning.host_needs import (
    packages_of,
)
from orchestrator.planning.maintenance_host import HostsToDo, Work
from orchestrator.planning.maintenance_notes import compute_notes, host_notes
from orchestrator.planning.windows import parallel_hosts

REGIONS = (RegionKind.DISASTER_RECOVERY, RegionKind.COUNTY, RegionKind.CITY)
"""Where nobody works on it first, and the city, which everybody leans on, last."""

ROLES = (
    ServerRole.BACKUP,
    ServerRole.NETWORK,
    ServerRole.STORAGE,
    ServerRole.COMPUTE,
    ServerRole.DATABASE,
    ServerRole.CONTROL,
)
"""Likewise: what fails on a backup host has not failed on a control host yet."""


@dataclass(kw_only=True)
class Planned:
    """What comes of it."""

    batches: list[Batch] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)


def plan_maintenance(work: Work) -> Planned:
    """Return the batches in their order, and the hosts that are left alone, with every reason."""
    return _Planner(work).planned()


class _Planner:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._observed = work.observed
        self._fleet = fleet_of(work.observed.computes, work.observed.instances)
        self._primaries = {
            one.service: one.primary
            for one in work.observed.services
            if not isinstance(one.primary, Unknown)
        }
        stuck = immovable(work.observed.instances, {server.name for server in work.servers})
        self._todo = HostsToDo(work=work, stuck=stuck)
        self._result = Planned()
        self._number = 0
        self._through: set[str] = set()
        """Compute hosts that are finished, or never begun: instances may go there for good."""

    def planned(self) -> Planned:
        free = [server for server in self._work.servers if self._may_begin(server)]
        going = {server.name for server in free}
        self._through = {name for name in self._fleet.hosts if name not in going}
        for region in self._regions():
            here = [one for one in free if self._region(one) == region]
            for role in ROLES:
                self._roll(region, [one for one in here if one.role is role])
        return self._result

    def _regions(self) -> list[str]:
        regions = self._work.site.regions
        return [one.name for one in sorted(regions, key=lambda one: REGIONS.index(one.kind))]

    def _region(self, server: Server) -> str:
        return self._work.site.region_of_rack(server.rack) or ""

    def _may_begin(self, server: Server) -> bool:
        facts = self._observed.hosts.get(server.name, Unknown("it was not asked"))
        reasons = tuple(self._todo.reasons_against(server, facts))
        if reasons:
            self._result.blocked.append(Blocked(host=server.name, reasons=reasons))
            return False
        if not isinstance(facts, Unknown) and not self._todo.all_acts(server, facts):
            self._result.idle.append(server.name)
            return False
        return True

    def _roll(self, region: str, servers: Sequence[Server]) -> None:
        """Put hosts of one role into batches until all are in one, or none of the rest can be."""
        most = parallel_hosts(self._work.site.system.maintenance_windows, region)
        waiting = sorted(servers, key=lambda one: (self._primaries_on(one.name), one.name))
        while waiting:
            batch = _Draft()
            for server in waiting:
                if len(batch.servers) < most:
                    self._try(batch, server, region=region)
            if not batch.servers:
                self._block_rest(waiting)
                return
            self._commit(batch, region)
            waiting = [one for one in waiting if one not in batch.servers]

    def _primaries_on(self, host: str) -> int:
        return sum(primary == host for primary in self._primaries.values())

    def _try(self, batch: _Draft, server: Server, *, region: str) -> None:
        """Add a host to the batch where nothing speaks against it."""
        mine = domains(server, region, self._observed, fleet=self._fleet)
        if mine & batch.domains:
            return
        hosts = {one.name for one in (*batch.servers, server) if self._todo.disturbs(one)}
        moves = self._fleet.moves_off(hosts, preferred=self._through)
        overs = self._hand_overs(server, hosts)
        if isinstance(moves, Instance) or overs is None:
            return
        batch.servers.append(server)
        batch.domains |= mine
        batch.moves = moves
        batch.hand_overs[server.name] = overs

    def _hand_overs(self, server: Server, batch: Collection[str]) -> tuple[HandOver, ...] | None:
        """Return where each primary of the host goes; None: one has no place outside the batch."""
        overs = []
        for one in self._observed.services if self._todo.disturbs(server) else ():
            if self._primaries.get(one.service) != server.name:
                continue
            to = self._successor(one, server, batch)
            if to is None:
                return None
            overs.append(HandOver(service=one.service, source=server.name, to=to))
        return tuple(overs)

    def _successor(self, one: ServiceRoles, server: Server, batch: Collection[str]) -> str | None:
        """Return who takes over: in the same region where somebody is, as the site lists them."""
        by_name = {each.name: each for each in self._work.site.hardware.servers}
        members = (str(one.primary), *one.standbys)
        others = [name for name in members if name in by_name and name not in batch]
        here = self._region(server)
        return min(others, key=lambda name: self._region(by_name[name]) != here, default=None)

    def _block_rest(self, waiting: Sequence[Server]) -> None:
        for server in waiting:
            nowhere = self._fleet.moves_off({server.name}, preferred=self._through)
            reason = "its databases would have no primary"
            if isinstance(nowhere, Instance):
                reason = (
                    f"instance {nowhere.name} ({nowhere.id}: {nowhere.vcpus} vCPUs, "
                    f"{nowhere.memory_mib} MiB) would have no place on another host"
                )
            self._result.blocked.append(Blocked(host=server.name, reasons=(reason,)))

    def _commit(self, batch: _Draft, region: str) -> None:
        self._fleet = self._fleet.after(batch.moves)
        self._through |= {server.name for server in batch.servers}
        operations = []
        for server in batch.servers:
            self._number += 1
            overs = batch.hand_overs[server.name]
            self._primaries.update({over.service: over.to for over in overs})
            moves = tuple(move for move in batch.moves if move.source == server.name)
            operations.append(self._operation(server, moves, overs))
        number = len(self._result.batches) + 1
        self._result.batches.append(
            Batch(number=number, region=region, operations=tuple(operations))
        )

    def _operation(
        self, server: Server, moves: tuple[Move, ...], overs: tuple[HandOver, ...]
    ) -> Operation:
        facts = self._observed.hosts[server.name]
        if isinstance(facts, Unknown):
            raise ValueError(f"{server.name} was planned without knowing it")
        compute = self._observed.computes.get(server.name)
        acts = self._todo.all_acts(server, facts)
        expires = self._todo.expires(server.name)
        if overs:
            acts |= {Act.HAND_OVER}
        return Operation(
            number=self._number,
            host=server.name,
            role=server.role.value,
            acts=tuple(act for act in Act if act in acts),
            moves=moves,
            hand_overs=overs,
            packages=packages_of(facts, self._work.needs),
            firmware=self._todo.firmware(server),
            certificate_until=expires.isoformat() if expires else "",
            services=tuple(
                one.service
                for one in self._observed.services
                if server.name in {one.primary, *one.standbys}
            ),
            failed_before=facts.failed_units,
            notes=(
                *host_notes(facts),
                *(compute_notes(server, compute) if compute or self._todo.disturbs(server) else ()),
                *(
                    f"its replica of {one.service} did not follow the primary beforehand"
                    for one in self._observed.services
                    if server.name in one.hosts and server.name not in {one.primary, *one.standbys}
                ),
            ),
        )


@dataclass(kw_only=True)
class _Draft:
    """A batch that is being filled."""

    servers: list[Server] = field(default_factory=list)
    domains: frozenset[str] = frozenset()
    moves: tuple[Move, ...] = ()
    hand_overs: dict[str, tuple[HandOver, ...]] = field(default_factory=dict)
