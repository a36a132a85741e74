from dataclasses import replace

import pytest

from orchestrator.errors import RefusedError
from orchestrator.model.plan import Plan, PlanStep
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    StackName,
    StackPreview,
)
from orchestrator.planning.guard import guard
from orchestrator.planning.saved_plan import reasons_stale


def change(name: str, action: Action = Action.CREATE, new: str = "x") -> ResourceChange:
    return ResourceChange(
        kind="govcloud:network:Network",
        name=name,
        action=action,
        attributes=(AttributeChange(path="name", new=new),),
    )


def step(tenant: str, *changes: ResourceChange, digest: str = "d") -> PlanStep:
    preview = StackPreview(
        stack=StackName(layer=Layer.TENANCY, name=tenant), changes=changes, unchanged=0
    )
    return PlanStep(preview=preview, job_digest=digest, state_serial="1")


def plan(*steps: PlanStep, unchanged: int = 0, site_digest: str = "s") -> Plan:
    return Plan(
        site="yangzhou",
        site_digest=site_digest,
        created="2026-11-22T00:00:00+00:00",
        steps=steps,
        unchanged=unchanged,
    )


def deletions(count: int) -> PlanStep:
    return step("a", *(change(f"n{number}", Action.DELETE) for number in range(count)))


@pytest.mark.parametrize(
    ("deleted", "unchanged"), [(40, 0), (0, 0), (100, 900)], ids=["few", "none", "a tenth"]
)
def test_deletions_within_the_limits_pass(deleted, unchanged):
    guard(plan(deletions(deleted), unchanged=unchanged))


@pytest.mark.parametrize(("deleted", "unchanged"), [(41, 0), (101, 900), (400, 600)])
def test_mass_deletion_is_refused_with_the_numbers(deleted, unchanged):
    with pytest.raises(RefusedError, match=f"{deleted} of {deleted + unchanged}"):
        guard(plan(deletions(deleted), unchanged=unchanged))


def test_replacements_count_as_deletions():
    replaced = step("a", *(change(f"n{number}", Action.REPLACE) for number in range(50)))
    with pytest.raises(RefusedError):
        guard(plan(replaced))


def test_a_cloud_without_most_of_what_is_recorded_is_taken_for_the_wrong_one():
    gone = step("a", *(replace(change(f"n{number}"), drifted=True) for number in range(50)))
    with pytest.raises(RefusedError, match="gone from the cloud") as refused:
        guard(plan(gone))
    assert "OS_CLOUD" in refused.value.remedy


def test_a_first_plan_may_make_as_much_as_it_wants():
    guard(plan(step("a", *(change(f"n{number}") for number in range(5000)))))


def test_a_plan_that_says_the_same_is_fresh():
    saved = plan(step("a", change("n1")), step("b", change("n2")))
    assert reasons_stale(saved, saved) == ()


def test_what_the_plan_has_already_done_does_not_make_it_stale():
    saved = plan(step("a", change("n1"), change("n2")), step("b", change("n3")))
    assert reasons_stale(saved, plan(step("a", change("n2")), step("b", change("n3")))) == ()
    assert reasons_stale(saved, plan(step("b", change("n3")))) == ()
    assert reasons_stale(saved, plan()) == ()


@pytest.mark.parametrize(
    "fresh",
    [
        pytest.param(plan(step("a", change("n1")), site_digest="t"), id="files changed"),
        pytest.param(plan(step("a", change("n1"), change("n9"))), id="more to do"),
        pytest.param(plan(step("a", change("n1", new="y"))), id="another value"),
        pytest.param(plan(step("a", change("n1", Action.DELETE))), id="another action"),
        pytest.param(plan(step("c", change("n1"))), id="another stack"),
        pytest.param(plan(step("a", change("n1"), digest="e")), id="other inputs"),
    ],
)
def test_anything_that_was_not_reviewed_makes_the_plan_stale(fresh):
    saved = plan(step("a", change("n1")))
    assert len(reasons_stale(saved, fresh)) == 1
