"""Status: what is recorded of the site, without asking the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model.plan import Scope
from orchestrator.model.stack import StackName
from orchestrator.model.units import Json
from orchestrator.planning.undeclared import managed
from orchestrator.ports import LockHolder, Ports
from orchestrator.workflows.check import CheckedSite
from orchestrator.workflows.plan import is_settled, plan_jobs, recorded_states


@dataclass(frozen=True, kw_only=True, slots=True)
class StackStatus:
    """One stack: how many resources it has, and whether the site has moved on since its run."""

    stack: StackName
    resources: int
    declared: bool
    current: bool
    """The last run finished whole, with the inputs that the site declares now."""
    interrupted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteStatus:
    """Everything that is known without asking the cloud."""

    site: str
    stacks: tuple[StackStatus, ...]
    lock_holder: LockHolder | None
    last_act: Mapping[str, Json] | None


def site_status(checked: CheckedSite, ports: Ports) -> SiteStatus:
    """Return the recorded condition of every stack, declared or left over."""
    jobs = plan_jobs(checked, ports, Scope())
    states = recorded_states(checked.site, ports, Scope())
    return SiteStatus(
        site=checked.site.name,
        stacks=tuple(
            StackStatus(
                stack=stack,
                resources=len(managed(states[stack])) if stack in states else 0,
                declared=stack in jobs,
                current=stack in jobs
                and stack in states
                and is_settled(states[stack], jobs[stack]),
                interrupted=states[stack].interrupted if stack in states else (),
            )
            for stack in dict.fromkeys([*jobs, *states])
        ),
        lock_holder=ports.lock.holder(),
        last_act=ports.audit.last(),
    )
