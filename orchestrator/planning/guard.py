"""Refuse plans that nobody can have meant."""

from __future__ import annotations

from orchestrator.errors import RefusedError
from orchestrator.model.plan import Plan
from orchestrator.model.stack import Action

SMALL_DELETION = 40
"""Resources that one plan may delete without further question: about two tenants' worth."""
DELETION_SHARE = 0.1
"""Beyond that, the part of all known resources that one plan may delete."""


def guard(plan: Plan) -> None:
    """Let the plan pass, or refuse it.

    A deletion needs a line under `removed:` already; this stops the wrong hundred lines.

    Raises:
        RefusedError: the plan deletes more than SMALL_DELETION resources and more than
            DELETION_SHARE of everything the site has.
    """
    deleted = plan.count(Action.DELETE) + plan.count(Action.REPLACE)
    known = plan.unchanged + sum(len(step.preview.changes) for step in plan.steps)
    if deleted > SMALL_DELETION and deleted > DELETION_SHARE * known:
        raise RefusedError(
            f"the plan deletes or replaces {deleted} of {known} resources",
            remedy="Apply it in parts (--tenant, --region, --layer), or `destroy` what you mean.",
        )
