from orchestrator.model.site import Layer
from orchestrator.model.stack import HIDDEN, ResourceState, StackName, StackState
from orchestrator.planning.drift import find_drifts, recorded_ids
from orchestrator.ports.provider import Kind, Observed

NETWORK = "govcloud:network:Network"
USER = "govcloud:identity:User"
KINDS = {
    NETWORK: Kind(token=NETWORK, holds=True),
    USER: Kind(token=USER, holds=True, write_only=frozenset({"seed"})),
}


def recorded(kind: str, resource_id: str, **inputs: object) -> ResourceState:
    return ResourceState(
        kind=kind, name=resource_id, urn=f"urn:{resource_id}", id=resource_id, inputs=inputs
    )


def stack(*resources: ResourceState) -> StackState:
    name = StackName(layer=Layer.TENANCY, name="gongxin")
    return StackState(stack=name, resources=resources, digest="d", serial="s")


def test_equal_resources_do_not_drift():
    state = stack(recorded(NETWORK, "n1", name="a", mtu=1500))
    observed = {NETWORK: {"n1": Observed(id="n1", properties={"name": "a"})}}
    assert find_drifts(state, observed, KINDS) == ()


def test_a_resource_that_is_not_there_is_gone():
    (drift,) = find_drifts(stack(recorded(NETWORK, "n1", name="a")), {NETWORK: {}}, KINDS)
    assert drift.gone and drift.urn == "urn:n1"


def test_a_changed_attribute_is_told_with_both_values():
    state = stack(recorded(NETWORK, "n1", name="a", tags=["x"]))
    observed = {NETWORK: {"n1": Observed(id="n1", properties={"name": "b", "tags": ["x"]})}}
    (drift,) = find_drifts(state, observed, KINDS)
    assert not drift.gone
    assert [(x.path, x.old, x.new) for x in drift.attributes] == [("name", "a", "b")]
    assert drift.observed == {"name": "b"}


def test_false_zero_and_empty_are_values_not_absences():
    state = stack(recorded(NETWORK, "n1", shared=True, quota=0, tags=[]))
    properties = {"shared": False, "quota": 0, "tags": ["x"]}
    observed = {NETWORK: {"n1": Observed(id="n1", properties=properties)}}
    (drift,) = find_drifts(state, observed, KINDS)
    assert drift.observed == {"shared": False, "tags": ["x"]}


def test_what_the_cloud_does_not_give_back_or_what_is_secret_is_unknown_not_drift():
    state = stack(recorded(USER, "u1", seed="a", password=HIDDEN))
    properties = {"seed": "b", "password": "c", "extra": "not declared"}
    observed = {USER: {"u1": Observed(id="u1", properties=properties)}}
    assert find_drifts(state, observed, KINDS) == ()


def test_pulumis_own_records_are_neither_asked_for_nor_compared():
    state = stack(recorded("pulumi:pulumi:Stack", ""), recorded(NETWORK, "n1", mtu=1500))
    assert recorded_ids((state,), KINDS) == {NETWORK: {"n1": {"mtu": 1500}}}
    assert find_drifts(state, {NETWORK: {"n1": Observed(id="n1")}}, KINDS) == ()
