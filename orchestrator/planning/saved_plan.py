"""Decide whether a saved plan still says exactly what an apply would do now."""

from __future__ import annotations

from orchestrator.model.plan import Plan


def reasons_stale(saved: Plan, fresh: Plan) -> tuple[str, ...]:
    """Return why the saved plan may not be applied; empty where it may.

    What this very plan has already done (an apply that was killed) is not in the fresh plan any
    more: that is no reason. Anything in the fresh plan that the saved one does not have is.
    """
    reasons = []
    if saved.site != fresh.site:
        return (f"it was made for the site {saved.site}, not {fresh.site}",)
    if saved.site_digest != fresh.site_digest:
        reasons.append("the site's files changed")
    reviewed = {step.stack: step for step in saved.steps}
    for step in fresh.steps:
        known = reviewed.get(step.stack)
        if known is None:
            reasons.append(f"{step.stack} has changes that the plan does not show")
        elif step.job_digest != known.job_digest or step.destroys != known.destroys:
            reasons.append(f"{step.stack} would be run with other inputs")
        elif not set(map(repr, step.preview.changes)) <= set(map(repr, known.preview.changes)):
            reasons.append(f"{step.stack} would change other things: its state or the cloud moved")
    return tuple(reasons)
