"""An in-memory site: cloud, stacks, lock and audit behind our ports, wired for the commands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.outside import Access, Look, OpenSite
from orchestrator.errors import SiteLockedError
from orchestrator.model.site import Layer, SiteIdentity
from orchestrator.model.stack import (
    StackName,
)
from orchestrator.model.units import Json
from orchestrator.ports import LockHolder, Ports, Watch
from orchestrator.ports.bmc import HardwarePorts
from orchestrator.ports.provider import Diff, Fault, Made, Observed, Properties
from tests.fakes.memory_stacks import KINDS, FakeStacks, Thing

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that moves only when somebody waits, or reads it (a second each time)."""

    time: datetime = START

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class FakeLock:
    """The site lock; `taken_by` is somebody else."""

    taken_by: LockHolder | None = None
    held_for: list[str] = field(default_factory=list)

    @contextmanager
    def hold(self, *, why: str, shared: bool = False) -> Iterator[None]:
        if self.taken_by is not None:
            raise SiteLockedError(
                f"the site is locked by {self.taken_by.who} on {self.taken_by.host}",
                remedy="Wait until that run ends.",
            )
        self.held_for.append(why)
        yield

    def holder(self) -> LockHolder | None:
        return self.taken_by


@dataclass
class FakeAudit:
    """The audit log as a list."""

    entries: list[dict[str, Json]] = field(default_factory=list)

    def append(self, *, act: str, facts: Mapping[str, Json]) -> None:
        self.entries.append(
            {"act": act, "who": "tester", "time": START.isoformat(), "facts": dict(facts)}
        )

    def last(self) -> Mapping[str, Json] | None:
        return self.entries[-1] if self.entries else None


class FakeProvider:
    """Reads the cloud in bulk; the fake stacks write to it themselves."""

    version = "fake-1"
    kinds = KINDS

    def __init__(self, cloud: dict[str, Thing]) -> None:
        self._cloud = cloud

    def list(self, kind: str, ids: Collection[str]) -> Mapping[str, Observed]:
        return {
            id_: Observed(id=id_, properties=dict(thing.inputs))
            for id_, thing in self._cloud.items()
            if id_ in ids and thing.kind == kind
        }

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        raise NotImplementedError

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        raise NotImplementedError

    def create(self, kind: str, inputs: Properties) -> Made:
        raise NotImplementedError

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        raise NotImplementedError

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        raise NotImplementedError

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        raise NotImplementedError


class SiteWorld:
    """A whole site in memory, and the wiring that hands it to the command line."""

    def __init__(self, *, person: bool = False) -> None:
        self.person = person
        self.clock = FakeClock()
        self.cloud: dict[str, Thing] = {}
        self.stacks = FakeStacks(self.cloud)
        self.lock = FakeLock()
        self.audit = FakeAudit()
        self.opened_with: list[tuple[Path, SiteIdentity | None, Access]] = []

    def ports(self, watch: Watch = lambda event: None) -> Ports:
        return Ports(
            clock=self.clock,
            stacks=self.stacks,
            archive=self.stacks,
            provider=FakeProvider(self.cloud),
            lock=self.lock,
            audit=self.audit,
            watch=watch,
        )

    def resources(self) -> set[str]:
        """Return the names of everything that the stacks record."""
        return {name for record in self.stacks.records.values() for name in record.things}

    def change_outside(self, name: str, **attributes: Json) -> None:
        """Change a thing in the cloud behind the tool's back."""
        thing = self.cloud[name]
        self.cloud[name] = replace(thing, inputs={**thing.inputs, **attributes})

    # What follows is the Wiring that commands see.

    def look(self) -> Look:
        return Look()

    def can_ask(self) -> bool:
        return self.person

    @contextmanager
    def open(
        self, directory: Path, identity: SiteIdentity | None, *, access: Access, watch: Watch
    ) -> Iterator[OpenSite]:
        self.opened_with.append((directory, identity, access))
        yield OpenSite(ports=self.ports(watch), stop=self.stacks.stop)

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        raise NotImplementedError("BMCs are played by tests.fakes.bmc_server")

    def vault(self, directory: Path, password_file: Path | None) -> AnsibleVaultSecrets:
        return AnsibleVaultSecrets(directory, password_file)

    def crash_log(self, directory: Path) -> Path:
        return directory / ".orchestrator" / "crash.log"


def stack(text: str) -> StackName:
    """Return a stack's name from `layer/name`."""
    layer, _, name = text.partition("/")
    return StackName(layer=Layer(layer), name=name)
