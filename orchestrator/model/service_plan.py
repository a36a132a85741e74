"""What is to be done for a service, decided before anything is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.declared_service import DeclaredService
from orchestrator.model.hardware import Server
from orchestrator.model.service_state import Term


class ClusterAct(StrEnum):
    """What is to be done with one cluster on one host."""

    CREATE_PRIMARY = "make the primary"
    CREATE_REPLICA = "make a replica"
    REBUILD = "rebuild as a replica"
    KEEP_PRIMARY = "keep as primary"
    KEEP_REPLICA = "keep as replica"
    LEAVE_OUT = "leave out"
    """Nothing can be said of it, and nothing is done to it."""

    @property
    def creates(self) -> bool:
        """Say whether the cluster is not there yet, or not as it will be."""
        made = {ClusterAct.CREATE_PRIMARY, ClusterAct.CREATE_REPLICA, ClusterAct.REBUILD}
        return self in made

    @property
    def leads(self) -> bool:
        """Say whether it is the primary afterwards."""
        return self in {ClusterAct.CREATE_PRIMARY, ClusterAct.KEEP_PRIMARY}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterStep:
    """One cluster on one host."""

    server: Server
    act: ClusterAct
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a service is not touched, and what to do about it."""

    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePlan:
    """One service: its steps, or why there are none."""

    declared: DeclaredService
    steps: tuple[ClusterStep, ...] = ()
    refusal: Refusal | None = None

    @property
    def primary(self) -> Server | None:
        """Return the host that is the primary afterwards."""
        return next((step.server for step in self.steps if step.act.leads), None)

    @property
    def worked_on(self) -> tuple[ClusterStep, ...]:
        """Return the steps of hosts that are reached."""
        return tuple(step for step in self.steps if step.act is not ClusterAct.LEAVE_OUT)

    @property
    def left_out(self) -> tuple[ClusterStep, ...]:
        """Return the steps of hosts that are not."""
        return tuple(step for step in self.steps if step.act is ClusterAct.LEAVE_OUT)


class Health(StrEnum):
    """How a cluster is, against what is declared."""

    OK = "ok"
    LAGGING = "lagging"
    CONFLICT = "conflict"
    """A second primary, or another database's replica."""
    WAITS = "waits"
    """It was the primary, and waits until enough voters say that nobody else is it now."""
    DOWN = "down"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterHealth:
    """One cluster on one host, judged."""

    host: str
    health: Health
    reason: str = ""
    lag_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPlan:
    """Who becomes the primary of a service, and who follows it."""

    declared: DeclaredService
    old: Server | None
    """The primary until now; None: nobody is, or it is out of reach."""
    new: Server
    stop: bool
    """The old one runs, and is stopped first."""
    promote: bool
    """The new one is not the primary yet."""
    term: Term
    """What is told to the voters before it is promoted."""
    voters: tuple[Server, ...]
    """Those that answer; the new primary first."""
    needed: int
    """How many of them must know of the term; 1: a person has seen that nobody else leads."""
    unheard: tuple[str, ...] = ()
    """Voters that do not answer: what they are told they do not hear."""
    start: bool = False
    """The new one was the primary, and is down: it is started, not promoted."""
    followers: tuple[Server, ...]
    """Those that are told to follow the new one; the rest does already, or is out of reach."""
    out_of_reach: tuple[str, ...] = ()
    may_lead: tuple[Server, ...] = ()
    """Of those that are out of reach: the primary until now, or who may have been it."""
    must_have: int | None = None
    """The end of the old one's log, where that is known: the new one must have it all."""

    @property
    def has_work(self) -> bool:
        """Say whether anything is to be done."""
        return self.stop or self.promote or bool(self.followers)


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchReport:
    """How a switch ended."""

    plan: SwitchPlan
    gap_seconds: float | None
    """How long nobody took writes; None: nothing was promoted."""
    failed: tuple[tuple[str, str], ...] = ()
    """Hosts that do not follow, each with its reason."""
