"""Restore drills: what was seen when a copy was brought back, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.model.backup import (
    BackupPolicy,
    BackupRepository,
    Copy,
    Facts,
    Manifest,
    Subject,
)
from orchestrator.model.site import Site
from orchestrator.model.units import NaturalInt
from orchestrator.model.verdict import Verdict

FORMAT = "orchestrator-drill/1"
DRILL_CLUSTER = "orchestrator_drill"
"""Each drill restores under this name, and removes what it finds there."""
CLAUSES = ("8.1.4.9", "8.1.10.12", "8.1.10.13")
"""Of GB/T 22239-2019, level 3: data backup and recovery, its management, contingency plans."""


class DrillStep(StrEnum):
    """What a drill does, in this order."""

    FIND = "find the copy"
    CLEAR = "clear the host"
    ISOLATE = "isolate the host"
    RESTORE = "restore"
    COUNT = "count"
    LOG_IN = "log in"
    TEAR_DOWN = "tear down"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """How long one step took."""

    step: DrillStep
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFault:
    """Why a step did not come to its end."""

    step: DrillStep
    kind: str
    """The BackupFault or HostFault."""
    message: str
    broken: tuple[str, ...] = ()
    """Files and objects that are to blame, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A TCP port of production, which the drill's host must not reach."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """What came of the attempts to leave the drill's host."""

    targets: tuple[Target, ...]
    reached: tuple[str, ...]
    """Those that answered, as HOST:PORT; none may."""
    dropped: NaturalInt | None
    """Packets that the drill's own firewall dropped meanwhile; None: it did not tell.

    A production that is switched off does not answer either: only this tells the two apart.
    """
    clock_seconds: float | None = None
    """The host's clock, in seconds since 1970; None: it did not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One attempt to use the restored service as somebody."""

    role: str
    way: str
    """`password` over the network with what is in the vault, or `local`."""
    fault: str = ""
    """Why it failed; empty: it did not."""
    tls: str = ""
    """The protocol, such as `TLSv1.3`; empty: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that was seen; nothing here is judged."""

    subject: Subject
    repository: str
    host: str
    lost_at: datetime
    """The moment that the loss is declared for: when the drill began."""
    ended_at: datetime
    """When the last look at the restored data was over."""
    copy: Copy | None = None
    manifest: Manifest | None = None
    isolation: Isolation | None = None
    restored: bool = False
    found: Facts | None = None
    logins: tuple[Login, ...] | None = None
    without_login: tuple[str, ...] = ()
    """Roles that should have a login in the vault, and have none: nobody tried them."""
    clock_offset_seconds: float | None = None
    """The host's clock minus ours; None: it did not tell."""
    faults: tuple[StepFault, ...] = ()
    steps: tuple[Timed, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Assertion:
    """One thing that must hold of what was restored."""

    what: str
    wanted: str
    found: str
    verdict: Verdict
    broken: tuple[str, ...] = ()
    """Files and objects that are to blame, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """How a drill ended, with what it was judged by."""

    site: str
    evidence: Evidence
    policy: BackupPolicy
    assertions: tuple[Assertion, ...]
    rpo_seconds: float | None
    """Data that the loss would have cost; None: it could not be told."""
    rto_seconds: float | None
    """From the loss to the last assertion; None: they did not all hold."""

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict; what is unknown keeps a drill from passing."""
        verdicts = {one.verdict for one in self.assertions}
        if Verdict.FAIL in verdicts or not verdicts:
            return Verdict.FAIL
        return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.PASS


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDrill:
    """What the calendar needs of a drill's record."""

    subject: str
    began: datetime
    verdict: Verdict
    rpo_seconds: float | None
    rto_seconds: float | None
    record: str


class DueState(StrEnum):
    """How a subject stands in the calendar."""

    CURRENT = "current"
    DUE = "due"
    """It was drilled, but too long ago."""
    FAILED = "failed"
    """Its last drill failed: whenever the one before was, it is due."""
    NEVER = "never"
    """No drill of it ever passed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One line of the calendar."""

    subject: str
    policy: str
    every_days: int
    state: DueState
    last: PastDrill | None = None
    last_passed: PastDrill | None = None
    next_by: datetime | None = None
    """None: at once."""
    overdue_days: int = 0

    @property
    def is_due(self) -> bool:
        """Say whether a drill is to be run now."""
        return self.state is not DueState.CURRENT


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillWork:
    """What is to be drilled: subjects with the repository and the host for each."""

    subject: Subject
    repository: str
    host: str
    production: tuple[Target, ...] = ()
    """What the host must not reach; empty where nothing of it listens."""
    logins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By role: references to its logins in the vault, the newest first."""


def free_hosts(site: Site, repository: BackupRepository) -> tuple[str, ...]:
    """Return the restore hosts of a repository that no service is declared on."""
    taken = servers_with_services(site)
    return tuple(name for name in repository.restore_hosts if name not in taken)


def servers_with_services(site: Site) -> frozenset[str]:
    """Return the servers that some tenant's service is declared on."""
    return frozenset(
        host
        for tenant in site.tenancy.tenants
        for service in tenant.services
        for host in service.hosts
    )
