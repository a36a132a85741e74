"""Playbooks: what is run on which hosts, what is heard meanwhile, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.hardware import ServerRole
from orchestrator.model.units import (
    NOWHERE,
    Json,
    Name,
    PositiveInt,
    Secret,
    SecretRef,
    Source,
    Text,
)

Variables = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class CataloguedPlaybook:
    """What is known of a playbook before it is run; `name` is its path without the ending."""

    name: str
    """`area/verb-object`: the file is playbooks/area/verb-object.yml."""
    purpose: Text
    roles: tuple[ServerRole, ...] = ()
    """The hosts that it is for, by their role; empty: all."""
    disruptive: bool
    """A service on the host may stop answering while it runs."""
    window: bool
    """It is to run in a maintenance window only."""
    proof: str
    """How one sees, after a run, that it did what it is for."""
    controls: tuple[str, ...] = ()
    """Requirements that it serves, by their clause (GB/T 22239-2019); its tasks are tagged so."""
    minutes: PositiveInt
    """After this time a run is ended."""
    secrets: dict[str, str] = field(default_factory=dict)
    """The playbook's variables that are secrets, each with its reference."""
    source: Source = field(default=NOWHERE, compare=False, repr=False)

    @property
    def file(self) -> str:
        """Return the playbook's file, below the folder of playbooks."""
        return f"{self.name}.yml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """How a host is reached over SSH."""

    address: str
    port: PositiveInt = 22
    user: Name
    key: SecretRef
    pinned_as: str
    """What its host key is remembered by: the declared address, wherever it is reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybookHost:
    """One host of a run."""

    name: str
    login: Login | None
    """None: this machine itself."""
    groups: tuple[str, ...] = ()
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybookJob:
    """One run of one playbook."""

    playbook: str
    """Its file, below the folder of playbooks."""
    hosts: tuple[PlaybookHost, ...]
    within_seconds: float
    variables: Variables = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Variables of the playbook that nobody may see."""
    keys: Mapping[SecretRef, Secret] = field(default_factory=dict)
    """The private keys that the hosts' logins refer to."""
    rehearse: bool = False
    """Find out what would change, and change nothing (Ansible's check mode)."""
    parallel: PositiveInt = 20
    """Hosts at a time."""


class Outcome(StrEnum):
    """How a task on a host, or a host, ended."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    """It began and nobody saw its end; or a rehearsal cannot tell."""


WORST_FIRST = (
    Outcome.UNKNOWN,
    Outcome.UNREACHABLE,
    Outcome.FAILED,
    Outcome.CHANGED,
    Outcome.OK,
    Outcome.SKIPPED,
)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that needs looking at most; SKIPPED where there is none."""
    return min(outcomes, key=WORST_FIRST.index, default=Outcome.SKIPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskStarted:
    """A task begins on a host."""

    host: str
    task: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResult:
    """How one task ended on one host."""

    host: str
    task: str
    outcome: Outcome
    reason: str = ""
    """Why it is not `ok` or `changed`."""
    forgiven: bool = False
    """It failed, and the playbook goes on regardless: the failure was ignored, or rescued."""


PlaybookEvent = TaskStarted | TaskResult


class Ending(StrEnum):
    """How a run ended."""

    DONE = "done"
    """All hosts came to the end of the playbook."""
    FAILED = "failed"
    """Some hosts did not."""
    BROKEN = "broken"
    """The playbook cannot be run, or whoever ran it died."""
    TIMED_OUT = "timed-out"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostResult:
    """How a run ended for one host, with its tasks in their order."""

    host: str
    outcome: Outcome
    tasks: tuple[TaskResult, ...] = ()
    reason: str = ""
    """Why it is not `ok` or `changed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybookResult:
    """How a run ended: host, then task, then outcome."""

    playbook: str
    rehearsed: bool
    ending: Ending
    hosts: tuple[HostResult, ...]
    seconds: float
    reason: str = ""
    """Why it did not end as DONE, where no host tells."""
    record: str = ""
    """The folder that keeps what happened."""

    def count(self, outcome: Outcome) -> int:
        """Return how many hosts ended so."""
        return sum(host.outcome is outcome for host in self.hosts)
