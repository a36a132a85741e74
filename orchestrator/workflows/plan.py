"""Plan: work out what an apply would do now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.execution.execute import Work
from orchestrator.execution.observe import observe
from orchestrator.model.plan import Plan, PlanStep, Scope
from orchestrator.model.site import Site
from orchestrator.model.stack import PROJECT_OF_LAYER, StackJob, StackName, StackState
from orchestrator.planning.drift import find_drifts, recorded_ids
from orchestrator.planning.jobs import (
    APPLIED_LAYERS,
    Programs,
    in_scope,
    plan_job,
    recorded_only,
    stack_names,
)
from orchestrator.planning.restarts import awaited_restarts
from orchestrator.planning.undeclared import plan_undeclared
from orchestrator.ports import Ports
from orchestrator.workflows.check import CheckedSite

PROGRAMS_FOLDER = Path(__file__).resolve().parents[2] / "stacks"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedWork:
    """A plan with what its execution needs."""

    plan: Plan
    work: Work


def plan_site(checked: CheckedSite, ports: Ports, scope: Scope) -> Plan:
    """Return the plan; nothing is written."""
    with ports.lock.hold(why="plan", shared=True):
        return plan_work(checked, ports, scope).plan


def plan_work(checked: CheckedSite, ports: Ports, scope: Scope) -> PlannedWork:
    """Plan under a lock that the caller holds."""
    site = checked.site
    # 1. What each stack is to become
    jobs = plan_jobs(checked, ports, scope)
    # 2. What its last run recorded
    states = recorded_states(site, ports, scope)
    # 3. What the cloud has
    observed = observe(ports.provider, recorded_ids(tuple(states.values()), ports.provider.kinds))
    drifts = {
        stack: find_drifts(state, observed, ports.provider.kinds) for stack, state in states.items()
    }
    # 4. The difference, asked only of stacks that have one
    steps, unchanged = [], 0
    for stack, job in jobs.items():
        state = states.get(stack)
        if state is not None and is_settled(state, job) and not drifts[stack]:
            unchanged += len(state.resources)
            continue
        preview = ports.stacks.preview(job, drifts=drifts.get(stack, ()))
        unchanged += preview.unchanged
        serial = state.serial if state else None
        step = PlanStep(preview=preview, job_digest=job.digest, state_serial=serial)
        steps.append(step)
    # 5. Stacks that the site no longer declares
    undeclared = {name: state for name, state in states.items() if name not in jobs}
    steps += plan_undeclared(undeclared, site.removed)
    plan = Plan(
        site=site.name,
        site_digest=checked.loaded.digest,
        created=ports.clock.now().isoformat(timespec="seconds"),
        scope=scope,
        steps=tuple(steps),
        unchanged=unchanged,
        not_applied=recorded_only(site, scope),
        awaiting_restart=awaited_restarts(
            steps, tuple(states.values()), observed=observed, kinds=ports.provider.kinds
        ),
    )
    return PlannedWork(plan=plan, work=Work(jobs=jobs, drifts=drifts))


def program_digests(folder: Path = PROGRAMS_FOLDER) -> Mapping[str, str]:
    """Return the SHA-256 of every program's files, by project."""
    digests = {}
    for project in (PROJECT_OF_LAYER[layer] for layer in APPLIED_LAYERS):
        content = hashlib.sha256()
        for file in sorted((folder / project).rglob("*")):
            if file.suffix in {".py", ".yaml"}:
                content.update(file.relative_to(folder).as_posix().encode() + b"\0")
                content.update(file.read_bytes())
        digests[project] = content.hexdigest()
    return digests


def plan_jobs(checked: CheckedSite, ports: Ports, scope: Scope) -> dict[StackName, StackJob]:
    """Return the job of every stack in the scope, in order of execution."""
    programs = Programs(digests=program_digests(), provider_version=ports.provider.version)
    return {
        stack: plan_job(
            stack,
            checked.site,
            site_directory=str(checked.loaded.directory.resolve()),
            today=ports.clock.now().date(),
            programs=programs,
        )
        for stack in stack_names(checked.site, scope)
    }


def recorded_states(site: Site, ports: Ports, scope: Scope) -> dict[StackName, StackState]:
    """Return the recorded state of every stack in the scope, declared or left over."""
    found = {}
    for stack in ports.stacks.names():
        if stack.layer in APPLIED_LAYERS and in_scope(stack, site, scope):
            state = ports.stacks.state(stack)
            if state is not None:
                found[stack] = state
    return found


def is_settled(state: StackState, job: StackJob) -> bool:
    """Say whether the last run finished whole, with the same inputs."""
    return state.digest == job.digest and not state.interrupted
