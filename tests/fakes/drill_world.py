"""Repositories, a bare host and signed records in memory, behind the ports of drills."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from orchestrator.errors import BackupError, HostError, SignatureError
from orchestrator.model.backup import (
    BackupFault,
    Cluster,
    Copy,
    Facts,
    Holding,
    Listing,
    Manifest,
    Place,
    Restored,
    Sentinel,
    Subject,
    TableFacts,
    Verified,
)
from orchestrator.model.drill import Isolation, Login, Target
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.site import Site
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.planning.backup import subjects_of
from orchestrator.ports.backup import BackupEngine, Store
from orchestrator.workflows.backup import stores_of
from orchestrator.workflows.drill_run import DrillPorts
from tests.fakes.site_world import FakeAudit, FakeClock, FakeLock

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SUBJECT = "gongan/population"
LOGINS = {
    f"secret://service/{SUBJECT}/{role}": f"population_{role}:secret" for role in ("app", "owner")
}


def facts_of_population(written_at: datetime, *, rows: int = 5000) -> Facts:
    return Facts(
        tables={
            "data.person": TableFacts(rows=rows, checksum=f"sum-of-{rows}"),
            "data.household": TableFacts(rows=800, checksum="sum-of-800"),
        },
        extensions={"pgaudit": "1.7", "plpgsql": "1.0"},
        roles=("app", "owner", "population_app"),
        server_version="15.14 (Debian 15.14-0+deb12u1)",
        sentinel=Sentinel(id=7, written_at=written_at),
    )


@dataclass
class DrillWorld:
    """One subject with one remote copy, and a spare host. What a test breaks, it says so."""

    site: Site
    age: timedelta = timedelta(minutes=5)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    audit: FakeAudit = field(default_factory=FakeAudit)
    lock: FakeLock = field(default_factory=FakeLock)
    secrets: dict[str, str] = field(default_factory=lambda: dict(LOGINS))
    records: dict[str, str] = field(default_factory=dict)
    """JSON by name."""
    pages: dict[str, str] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    held: dict[str, Facts] = field(default_factory=dict)
    """What the drill's cluster holds, by host."""
    reaches: tuple[str, ...] = ()
    drops: int | None = 2
    lost_rows: int = 0
    """So many rows of `data.person` do not come back."""
    refused_roles: frozenset[str] = frozenset()
    faults: dict[str, BackupError | HostError | KeyboardInterrupt] = field(default_factory=dict)
    """By act: it fails so."""
    broken: tuple[str, ...] = ()
    """What reading the repository finds."""
    damaged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By subject: what listing its copies finds that cannot be read."""
    unwritten: OSError | None = None
    """Records cannot be written, for this reason."""
    acts: list[str] = field(default_factory=list)
    clock_offset: float = 0.0

    def __post_init__(self) -> None:
        taken = NOW - self.age
        self.copy = Copy(
            subject=SUBJECT,
            repository="dr-copies",
            run="r1",
            taken_at=taken,
            data_id="data-1",
            manifest_id="manifest-1",
        )
        self.manifest = Manifest(
            run="r1",
            subject=SUBJECT,
            taken_at=taken,
            host="db-1",
            facts=facts_of_population(taken),
            data_id="data-1",
            data_bytes=1 << 20,
        )
        self.copies: list[Copy] = [self.copy]

    def ports(self) -> DrillPorts:
        return DrillPorts(
            engine=BackupEngine(
                copying=_NoCopying(),
                archive=_Archive(self),
                restores=_Restores(self),
                stores=stores_of(self.site),
            ),
            ground=_Ground(self),
            records=MemoryRecords(self),
            secrets=_Secrets(self),
            signer=FakeSigner(),
            clock=self.clock,
            audit=self.audit,
            lock=self.lock,
        )

    def meet(self, act: str) -> None:
        """Note an act, and fail it where the test says so."""
        self.acts.append(act)
        if act in self.faults:
            raise self.faults[act]


class _NoCopying:
    """Drills copy nothing."""

    def source(self, subject: Subject, servers: Sequence[Server]) -> Server:
        raise NotImplementedError

    def back_up(
        self, subject: Subject, server: Server, *, store: Store, run: str, at: datetime
    ) -> Copy:
        raise NotImplementedError

    def back_up_site(self, subject: Subject, *, store: Store, run: str, at: datetime) -> Copy:
        raise NotImplementedError

    def may_delete(self, subject: str, *, store: Store, server: Server) -> bool:
        raise NotImplementedError


@dataclass
class _Archive:
    world: DrillWorld

    def prepare(self, subjects: Sequence[str], *, store: Store) -> tuple[str, ...]:
        raise NotImplementedError

    def copies(self, subjects: Sequence[str], *, store: Store) -> Listing:
        self.world.meet("copies")
        found = (one for one in self.world.copies if one.repository == store.repository.name)
        return Listing(
            copies=tuple(one for one in found if one.subject in subjects),
            damaged=self.world.damaged,
        )

    def manifest(self, copy: Copy, *, store: Store) -> Manifest:
        self.world.meet("manifest")
        return replace(self.world.manifest, run=copy.run, taken_at=copy.taken_at)

    def verify(self, subject: str, *, store: Store, parts: Sequence[int]) -> Verified:
        self.world.meet("verify")
        return Verified(
            subject=subject,
            repository=store.repository.name,
            files_read=9,
            bytes_read=900,
            broken=self.world.broken,
        )

    def prune(self, copies: Sequence[Copy], *, store: Store, now: datetime) -> int:
        raise NotImplementedError


@dataclass
class _Restores:
    world: DrillWorld

    def holding(self, place: Place, *, server: Server) -> Holding:
        raise NotImplementedError

    def restore(self, copy: Copy, *, store: Store, place: Place, server: Server) -> Restored:
        assert server.name in self.world.isolated, "data came to a host that is not isolated"
        assert place.make, "a drill makes a cluster of its own"
        facts = self.world.manifest.facts
        lost = self.world.lost_rows
        if lost:
            left = TableFacts(rows=facts.tables["data.person"].rows - lost, checksum="another")
            facts = replace(facts, tables={**facts.tables, "data.person": left})
        self.world.held[server.name] = facts
        self.world.meet("restore")
        return Restored(seconds=1.0, fetched_bytes=1 << 20)

    def restore_site(self, copy: Copy, *, store: Store, folder: str) -> Facts:
        raise NotImplementedError

    def facts(self, place: Place, *, server: Server, like: Facts) -> Facts:
        self.world.meet("facts")
        return self.world.held[server.name]

    def remove(self, place: Place, *, server: Server) -> None:
        self.world.meet("remove")
        self.world.held.pop(server.name, None)


@dataclass
class _Ground:
    world: DrillWorld

    def isolate(
        self,
        server: Server,
        *,
        repository: IPv4Address | IPv6Address,
        targets: Sequence[Target],
        release_after: float,
    ) -> None:
        self.world.meet("isolate")
        self.world.isolated.add(server.name)

    def prove(self, server: Server, *, targets: Sequence[Target]) -> Isolation:
        self.world.meet("prove")
        return Isolation(
            targets=tuple(targets),
            reached=self.world.reaches,
            dropped=self.world.drops,
            clock_seconds=self.world.clock.time.timestamp() + self.world.clock_offset,
        )

    def quiet(self, server: Server) -> None:
        self.world.meet("quiet")

    def release(self, server: Server) -> None:
        self.world.meet("release")
        self.world.isolated.discard(server.name)

    def log_in(
        self, server: Server, *, cluster: Cluster, logins: Mapping[str, Iterable[Secret]]
    ) -> tuple[Login, ...]:
        self.world.meet("log in")
        return tuple(
            Login(
                role=role,
                way="password" if tuple(given) else "local",
                fault="password refused" if role in self.world.refused_roles else "",
            )
            for role, given in logins.items()
        )


@dataclass
class MemoryRecords:
    world: DrillWorld

    def write(self, name: str, *, signed: Mapping[str, Json], page: str) -> str:
        if self.world.unwritten:
            raise self.world.unwritten
        self.world.records[name] = json.dumps(signed)
        self.world.pages[name] = page
        return f"drills/{name}.json"

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.world.records))

    def read(self, name: str) -> Mapping[str, Json]:
        try:
            found: Mapping[str, Json] = json.loads(self.world.records[name])
        except KeyError:
            raise SignatureError(f"there is no record {name}") from None
        return found


class FakeSigner:
    """Signs with the length of the text: enough to meet who changes it."""

    def sign(self, report: Mapping[str, Json]) -> Mapping[str, Json]:
        value = str(len(json.dumps(report)))
        signature: dict[str, Json] = {"algorithm": "fake", "public_key": "key", "value": value}
        return {"report": dict(report), "signature": signature}

    def verify(self, signed: Mapping[str, Json]) -> Mapping[str, Json]:
        report = signed["report"]
        assert isinstance(report, dict)
        if self.sign(report)["signature"] != signed["signature"]:
            raise SignatureError("its signature does not fit")
        return report


@dataclass
class _Secrets:
    world: DrillWorld

    def get(self, ref: SecretRef) -> Secret:
        return Secret(self.world.secrets[ref])

    def names(self) -> frozenset[str]:
        return frozenset(self.world.secrets)

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise NotImplementedError


def backup_fault(kind: BackupFault, message: str, *broken: str) -> BackupError:
    return BackupError(message, fault=kind, broken=broken)


def host_fault(message: str) -> HostError:
    return HostError(message, fault=HostFault.SILENT)


def subject_of(site: Site, name: str = SUBJECT) -> Subject:
    return next(one for one in subjects_of(site) if one.name == name)
