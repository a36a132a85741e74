"""Deploying servers: what Ironic and Glance tell, what is to be done, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.inventory import Comparison

IMAGE_RECORD = "/etc/orchestrator/image.json"
"""On every deployed host: name and SHA-256 of the image that it was written with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredImage:
    """An image as Glance has it."""

    id: str
    name: str
    sha256: str
    """As it was declared when it was uploaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFacts:
    """A server as Ironic has it."""

    id: str
    name: str
    state: str
    """Ironic's provision state."""
    image: str = ""
    """Id of the image that was deployed last, or is being deployed."""
    maintenance: bool = False
    instance: str = ""
    """Nova's, where Nova has given the server to a tenant."""
    error: str = ""
    """Ironic's words about what went wrong last."""


class DeployAct(StrEnum):
    """What a server needs."""

    NONE = "none"
    """It is as declared."""
    DEPLOY = "deploy"
    """Its disk is written for the first time."""
    REBUILD = "rebuild"
    """It runs something else: its disk is written anew."""
    FINISH = "finish"
    """An earlier run began: Ironic still writes."""
    CONFIRM = "confirm"
    """Ironic has written the image: its host has not said so yet."""
    REFUSED = "refused"
    """It cannot be deployed as it is."""

    @property
    def is_work(self) -> bool:
        """Say whether anything is to be done."""
        return self not in {DeployAct.NONE, DeployAct.REFUSED}

    @property
    def writes(self) -> bool:
        """Say whether the disk is written."""
        return self in {DeployAct.DEPLOY, DeployAct.REBUILD}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployStep:
    """One server of a plan."""

    server: str
    act: DeployAct
    before: str
    """Name of the image that it has; empty for none."""
    image: str
    """Name of the image that it is to have; empty where that is not known."""
    reason: str = ""
    """Why it is refused, or what is known of it."""
    node: NodeFacts | None = None
    stored: StoredImage | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployPlan:
    """What is to be done, in the order in which servers are begun."""

    steps: tuple[DeployStep, ...]

    @property
    def work(self) -> tuple[DeployStep, ...]:
        """Return the steps that do something."""
        return tuple(step for step in self.steps if step.act.is_work)

    @property
    def refused(self) -> tuple[DeployStep, ...]:
        """Return the steps that cannot be done."""
        return tuple(step for step in self.steps if step.act is DeployAct.REFUSED)


class DeployOutcome(StrEnum):
    """How one server ended."""

    DONE = "done"
    AS_DECLARED = "as declared"
    FAILED = "failed"
    REFUSED = "refused"
    NOT_STARTED = "not started"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployResult:
    """How one server ended, and in which state it is left."""

    server: str
    outcome: DeployOutcome
    state: str
    """What is known of it now, in a few words."""
    remedy: str = ""
    facts: tuple[Comparison, ...] = ()
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployReport:
    """How a rollout ended, in the order of its plan."""

    results: tuple[DeployResult, ...]
    interrupted: bool = False

    def count(self, outcome: DeployOutcome) -> int:
        """Return how many servers ended like this."""
        return sum(one.outcome is outcome for one in self.results)
