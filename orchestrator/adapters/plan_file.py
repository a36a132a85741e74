"""A saved plan: the plan's facts as JSON with their own digest, so that an edit is noticed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator.adapters.sealed_file import read_sealed, write_sealed
from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import AwaitedRestart, Plan, PlanStep, Scope
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    ResourceFailure,
    StackName,
    StackPreview,
)


def write_plan(path: Path, plan: Plan, *, directory: Path) -> None:
    """Save a plan with the site directory that it was made from, as it was named.

    Secret values are not in it: a change of one is marked, not shown.
    """
    body = json.dumps(asdict(plan), default=sorted, ensure_ascii=False)
    write_sealed(path, "plan", body, directory=str(directory))


def read_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        OrchestratorError: not a plan of this format, or changed since it was saved.
    """
    try:
        return _plan(read_sealed(path, "plan"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OrchestratorError(
            f"{path} is not a plan of this version, or it was changed after it was saved",
            remedy="Make it again: orchestrator plan SITE --out FILE",
        ) from error


def site_directory_of(path: Path) -> Path | None:
    """Return the site directory that a saved plan names; None where it names none.

    It only helps to find the site: `read_plan` and the digests in the plan decide what is applied.
    """
    try:
        named = json.loads(path.read_bytes())["directory"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(named) if isinstance(named, str) else None


# The counterpart of asdict, written out: what is read here decides what is done to a cloud.


def _plan(facts: dict[str, Any]) -> Plan:
    scope, counts = facts.pop("scope"), facts.pop("not_applied")
    waiting = facts.pop("awaiting_restart")
    return Plan(
        scope=Scope(
            layers=frozenset(map(Layer, scope["layers"])),
            tenants=frozenset(scope["tenants"]),
            regions=frozenset(scope["regions"]),
        ),
        steps=tuple(_step(step) for step in facts.pop("steps")),
        not_applied={Layer(layer): count for layer, count in counts.items()},
        awaiting_restart=tuple(
            AwaitedRestart(name=one["name"], paths=tuple(one["paths"]), written=one["written"])
            for one in waiting
        ),
        **facts,
    )


def _step(facts: dict[str, Any]) -> PlanStep:
    preview = facts.pop("preview")
    stack = preview["stack"]
    return PlanStep(
        preview=StackPreview(
            stack=StackName(layer=Layer(stack["layer"]), name=stack["name"]),
            changes=tuple(_change(change) for change in preview["changes"]),
            unchanged=preview["unchanged"],
            failures=tuple(ResourceFailure(**failure) for failure in preview["failures"]),
        ),
        **facts,
    )


def _change(facts: dict[str, Any]) -> ResourceChange:
    attributes = facts.pop("attributes")
    return ResourceChange(
        action=Action(facts.pop("action")),
        attributes=tuple(AttributeChange(**attribute) for attribute in attributes),
        **facts,
    )
