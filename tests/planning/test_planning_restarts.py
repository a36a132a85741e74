from orchestrator.model.plan import PlanStep
from orchestrator.model.site import Layer
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    ResourceState,
    StackName,
    StackPreview,
    StackState,
)
from orchestrator.planning.restarts import awaited_restarts
from orchestrator.ports.provider import Kind, Observed

SETTINGS = "govcloud:hardware:Settings"
KINDS = {SETTINGS: Kind(token=SETTINGS, holds=False, at_restart=frozenset({"bios"}))}
CITY = StackName(layer=Layer.HARDWARE, name="city")


def step(action: Action, *attributes: AttributeChange) -> PlanStep:
    change = ResourceChange(
        kind=SETTINGS, name="server/a#settings", action=action, attributes=attributes
    )
    preview = StackPreview(stack=CITY, changes=(change,), unchanged=0)
    return PlanStep(preview=preview, job_digest="d", state_serial="s")


def bios(old: object, new: object) -> AttributeChange:
    return AttributeChange(path="bios", old=old, new=new)


def planned(*steps: PlanStep) -> list[tuple[str, ...]]:
    found = awaited_restarts(steps, (), observed={}, kinds=KINDS)
    assert not any(one.written for one in found)
    return [one.paths for one in found]


def test_what_a_plan_writes_for_the_next_restart_is_named_and_nothing_else():
    tag = AttributeChange(path="asset_tag", old="", new="a")
    changed = bios({"Turbo": "Off", "Mode": "Uefi"}, {"Turbo": "On", "Mode": "Uefi"})
    assert planned(step(Action.UPDATE, tag, changed)) == [("bios.Turbo",)]
    assert planned(step(Action.CREATE, bios(None, {"Turbo": "On"}))) == [("bios.Turbo",)]
    assert planned(step(Action.UPDATE, tag)) == []


def test_what_is_forgotten_waits_for_nothing():
    assert planned(step(Action.DELETE, bios({"Turbo": "On"}, None))) == []
    assert planned(step(Action.UPDATE, bios({"Turbo": "On", "M": "1"}, {"M": "1"}))) == []


def test_what_waits_already_is_told_of_each_resource():
    resources = tuple(
        ResourceState(
            kind=SETTINGS, name=f"server/{n}#settings", urn=n, id=n, inputs={}, outputs={}
        )
        for n in ("a", "b")
    )
    state = StackState(stack=CITY, resources=resources, digest="d", serial="s")
    seen = {SETTINGS: {"a": Observed(id="a", pending=("bios.Turbo",)), "b": Observed(id="b")}}
    (one,) = awaited_restarts((), (state,), observed=seen, kinds=KINDS)
    assert (one.name, one.paths, one.written) == ("server/a#settings", ("bios.Turbo",), True)
