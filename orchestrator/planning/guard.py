"""Refuse plans that nobody can have meant."""

from __future__ import annotations

from orchestrator.errors import RefusedError
from orchestrator.model.plan import Plan
from orchestrator.model.stack import Action

SMALL_LOSS = 40
"""Resources that one plan may delete, or find gone, without question: about two tenants' worth."""
SHARE_OF_ALL = 0.1
"""Beyond that, the part of all known resources."""


def guard(plan: Plan) -> None:
    """Let the plan pass, or refuse it.

    A deletion needs a line under `removed:` already; this stops the wrong hundred lines.

    When most of what is recorded seems gone, the cloud is more likely the wrong one: making
    everything anew there would forget what stands in the right one.

    Raises:
        RefusedError: the plan deletes, or makes anew what is gone, more than SMALL_LOSS resources
            and more than SHARE_OF_ALL of everything the site has.
    """
    changes = [change for step in plan.steps for change in step.preview.changes]
    known = plan.unchanged + len(changes)
    limit = max(SMALL_LOSS, SHARE_OF_ALL * known)
    deleted = plan.count(Action.DELETE) + plan.count(Action.REPLACE)
    if deleted > limit:
        raise RefusedError(
            f"the plan deletes or replaces {deleted} of {known} resources",
            remedy="Apply it in parts (--tenant, --region, --layer), or `destroy` what you mean.",
        )
    gone = sum(change.drifted and change.action is Action.CREATE for change in changes)
    if gone > limit:
        raise RefusedError(
            f"{gone} of {known} resources that are recorded are gone from the cloud",
            remedy="See that this is the right cloud (OS_CLOUD, --os-cloud). If they are really "
            "gone, apply in parts (--tenant, --region, --layer).",
        )
