"""One service on three hosts, and what they tell of it, for tests of what is decided."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import ServiceError
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.model.hardware import Server
from orchestrator.model.service_state import (
    ClusterFacts,
    ClusterRole,
    HostDatabases,
    LetStart,
    Lineage,
    Observed,
    Term,
)
from orchestrator.model.site import Site
from orchestrator.ports.database import Upstream
from orchestrator.spec.load import load_site

TESTS = Path(__file__).parents[1]
UNTIL = datetime(2027, 6, 1, tzinfo=UTC)
ABSENT = ClusterFacts(role=ClusterRole.ABSENT)
PRIMARY = ClusterFacts(
    role=ClusterRole.PRIMARY,
    service="gongan/population",
    version="15.19",
    system_id="7",
    timeline=1,
    lsn=1000,
    follows=False,
)
REPLICA = replace(
    PRIMARY,
    role=ClusterRole.REPLICA,
    follows=True,
    upstream="10.9.2.31",
    streaming=True,
    lag_seconds=0.0,
)
STOPPED = ClusterFacts(
    role=ClusterRole.DOWN, service="gongan/population", follows=False, clean=True, lsn=1000
)


def service_site(folder: Path) -> Site:
    """Load the city that services are proved with."""
    import shutil

    directory = folder / "site"
    shutil.copytree(TESTS / "cases" / "_base", directory)
    shutil.copytree(TESTS / "lab" / "service_city", directory, dirs_exist_ok=True)
    return load_site(directory).site


def population(site: Site) -> DeclaredService:
    return next(one for one in declared_services(site) if one.name == "gongan/population")


def observed(declared: DeclaredService, **clusters: ClusterFacts | None) -> Observed:
    """Return what hosts tell, by host with underscores; None is silent."""
    return {
        host.replace("_", "-"): HostDatabases(answers=False, reason="it is silent")
        if facts is None
        else HostDatabases(
            answers=True, certificate_until=UNTIL, clusters={declared.cluster: facts}
        )
        for host, facts in clusters.items()
    }


@dataclass
class FakeDatabases:
    """The Databases port: clusters are values; acts change them as the real ones would."""

    clusters: dict[str, ClusterFacts]
    acts: list[str] = field(default_factory=list)
    deaf: set[str] = field(default_factory=set)
    """Replicas that get nothing any more."""
    fails: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    """Hosts that do not answer at all."""
    trusted: str = ""
    """The authority's certificate that hosts have."""
    terms: dict[str, Term] = field(default_factory=dict)
    """By voter."""
    starts: dict[str, LetStart] = field(default_factory=dict)
    """By voter."""

    def look(self, server: Server, services: Sequence[DeclaredService]) -> HostDatabases:
        if server.name in self.silent:
            return HostDatabases(answers=False, reason="it is silent")
        clusters = {one.cluster: self.clusters.get(server.name, ABSENT) for one in services}
        term, start = self.terms.get(server.name), self.starts.get(server.name)
        return HostDatabases(
            answers=True,
            certificate_until=UNTIL,
            certificate_authority=hashlib.sha256(self.trusted.encode()).hexdigest(),
            clusters=clusters,
            terms={one.cluster: term for one in services} if term else {},
            starts={one.cluster: start for one in services} if start else {},
        )

    def certificate_request(self, server: Server) -> str:
        raise NotImplementedError

    def flush(self, server: Server, declared: DeclaredService) -> None:
        if f"flush {server.name}" in self.fails:
            raise ServiceError(f"{server.name}: flush failed")

    def stop(self, server: Server, declared: DeclaredService) -> int:
        self._act("stop", server)
        end = 2000
        self.clusters[server.name] = replace(STOPPED, lsn=end)
        for name, one in self.clusters.items():
            if one.role is ClusterRole.REPLICA and name not in self.deaf:
                self.clusters[name] = replace(one, lsn=end, streaming=False)
        return end

    def start(self, server: Server, declared: DeclaredService) -> None:
        self._act("start", server)
        self.clusters[server.name] = replace(PRIMARY, lsn=2000)

    def promote(
        self, server: Server, declared: DeclaredService, *, followers: Sequence[str]
    ) -> Lineage:
        self._act("promote", server)
        self.clusters[server.name] = replace(PRIMARY, timeline=2, lsn=2000)
        return Lineage(system_id="7", timeline=2, forks={1: 2000})

    def claim(self, server: Server, declared: DeclaredService, *, term: Term) -> None:
        if f"claim {server.name}" in self.fails:
            raise ServiceError(f"{server.name}: claim failed")
        known = self.terms.get(server.name)
        if known and known != term and known.number >= term.number:
            raise ServiceError(f"{server.name} knows of term {known.number}")
        self.terms[server.name] = term

    def follow(self, server: Server, declared: DeclaredService, *, upstream: Upstream) -> None:
        self._act("follow", server)
        self.clusters[server.name] = replace(
            REPLICA, upstream=upstream.address, timeline=2, lsn=2000
        )

    def _act(self, verb: str, server: Server) -> None:
        self.acts.append(f"{verb} {server.name}")
        if f"{verb} {server.name}" in self.fails:
            raise ServiceError(f"{server.name}: {verb} failed")
