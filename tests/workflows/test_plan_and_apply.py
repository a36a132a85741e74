"""The jobs over an in-memory site: what they promise whatever engine and cloud stand behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import (
    RefusedError,
    SiteLockedError,
    SpecError,
    StalePlanError,
    StateError,
)
from orchestrator.model.plan import Plan, Scope
from orchestrator.model.site import Layer, Site
from orchestrator.model.stack import Action
from orchestrator.model.tenancy import Removed
from orchestrator.ports import LockHolder
from orchestrator.workflows.apply import apply_plan, apply_site
from orchestrator.workflows.check import CheckedSite, check_directory
from orchestrator.workflows.destroy import destroy, plan_destroy
from orchestrator.workflows.drift import find_drift
from orchestrator.workflows.plan import plan_site
from orchestrator.workflows.status import site_status
from tests.fakes.site_world import FakeClock, SiteWorld, stack

SMALL_CITY = Path(__file__).parents[1] / "cases" / "_base"
EVERYTHING = Scope()


def yes(plan: Plan) -> bool:
    return True


def no(plan: Plan) -> bool:
    return False


@pytest.fixture
def world():
    return SiteWorld()


@pytest.fixture(scope="module")
def checked():
    return check_directory(SMALL_CITY, clock=FakeClock())


def altered(checked: CheckedSite, site: Site, digest: str = "edited") -> CheckedSite:
    return replace(checked, loaded=replace(checked.loaded, site=site, digest=digest))


def with_cores(checked: CheckedSite, cores: int) -> CheckedSite:
    site = checked.site
    (tenant,) = site.tenancy.tenants
    project, *others = tenant.projects
    project = replace(project, quota=replace(project.quota, cores=cores))
    tenant = replace(tenant, projects=(project, *others))
    return altered(checked, replace(site, tenancy=replace(site.tenancy, tenants=(tenant,))))


def without_tenants(checked: CheckedSite, *removed: Removed) -> CheckedSite:
    tenancy = replace(checked.site.tenancy, tenants=())
    return altered(checked, replace(checked.site, tenancy=tenancy, removed=removed))


def test_after_an_apply_nothing_is_left_to_do_and_no_stack_is_run(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    plan = plan_site(checked, world.ports(), EVERYTHING)

    assert plan.steps == () and not plan.has_changes
    assert plan.unchanged == len(world.resources()) > 5


def test_layers_are_applied_in_order(world, checked):
    plan = plan_site(checked, world.ports(), EVERYTHING)

    layers = [step.stack.layer for step in plan.steps]
    assert layers == sorted(layers, key=list(Layer).index)
    assert set(layers) == {Layer.ROOM, Layer.HARDWARE, Layer.SYSTEM, Layer.TENANCY}


def test_refused_plan_changes_nothing(world, checked):
    with pytest.raises(RefusedError):
        apply_site(checked, world.ports(), EVERYTHING, approve=no)

    assert world.resources() == set() and world.audit.entries == []


def test_one_changed_quota_runs_only_its_tenant(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    plan = plan_site(with_cores(checked, 41), world.ports(), EVERYTHING)

    assert [str(step.stack) for step in plan.steps] == ["tenancy/industry"]
    assert plan.count(Action.UPDATE) == 1


def test_what_was_changed_outside_is_reported_and_put_right(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    world.change_outside("flavor/small", vcpus=64)
    del world.cloud["server/cmp-02"]

    report = find_drift(checked, world.ports(), EVERYTHING)

    found = {drift.name: drift for drifts in report.drifts.values() for drift in drifts}
    assert set(found) == {"flavor/small", "server/cmp-02"}
    assert found["server/cmp-02"].gone
    assert [(x.old, x.new) for x in found["flavor/small"].attributes] == [(2, 64)]

    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    assert world.cloud["flavor/small"].inputs["vcpus"] == 2
    assert find_drift(checked, world.ports(), EVERYTHING).drifts == {}


def test_drift_changes_nothing(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    del world.cloud["flavor/small"]

    find_drift(checked, world.ports(), EVERYTHING)

    assert "flavor/small" not in world.cloud


def test_a_tenant_that_vanishes_from_yaml_is_kept_as_an_orphan(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    before = world.resources()

    plan = plan_site(without_tenants(checked), world.ports(), EVERYTHING)
    report = apply_site(without_tenants(checked), world.ports(), EVERYTHING, approve=no)

    assert plan.count(Action.KEEP_ORPHAN) == 2 and not plan.has_changes
    assert report.results == () and world.resources() == before


def test_a_tenant_is_deleted_once_removed_lists_it(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    removed = Removed(thing="tenant/industry", reason="merged", approved_by="information-centre")

    apply_site(without_tenants(checked, removed), world.ports(), EVERYTHING, approve=yes)

    assert stack("tenancy/industry") not in world.stacks.records
    assert not any(name.startswith("tenant/") for name in world.cloud)
    assert "flavor/small" in world.cloud


def test_a_failed_resource_stops_the_layers_above_and_the_next_run_finishes(world, checked):
    world.stacks.broken["image/debian-12"] = "the image service said no"

    report = apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    assert report.failed
    assert [str(name) for name in report.remaining] == ["tenancy/industry"]
    assert "flavor/small" in world.cloud

    world.stacks.broken.clear()
    assert not apply_site(checked, world.ports(), EVERYTHING, approve=yes).failed
    assert not plan_site(checked, world.ports(), EVERYTHING).has_changes


def test_a_stack_that_cannot_be_run_is_reported_beside_what_the_others_did(world, checked):
    update = world.stacks.update

    def full_disk(job, *, watch, drifts=()):
        if job.stack.layer is Layer.SYSTEM:
            raise StateError("cannot write the journal", remedy="Free some space.")
        return update(job, watch=watch, drifts=drifts)

    world.stacks.update = full_disk
    report = apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    assert [f.reason for r in report.results for f in r.failures] == [
        "cannot write the journal. Free some space."
    ]
    assert any(result.changes for result in report.results)
    assert world.audit.entries[-1]["act"] == "applied"


def test_an_interrupted_apply_says_what_is_left_and_goes_on(world, checked):
    world.stacks.stops_after = 2
    report = apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    assert report.failed and str(report.remaining[-1]) == "tenancy/industry"
    assert report.interrupted

    resumed = SiteWorld()
    resumed.cloud, resumed.stacks = world.cloud, world.stacks
    world.stacks.stops_after, world.stacks._stopped = None, False
    apply_site(checked, resumed.ports(), EVERYTHING, approve=yes)
    assert not plan_site(checked, resumed.ports(), EVERYTHING).has_changes


def test_a_saved_plan_is_applied_exactly(world, checked):
    plan = plan_site(checked, world.ports(), EVERYTHING)
    report = apply_plan(checked, world.ports(), plan)
    assert not report.failed
    assert {str(result.stack) for result in report.results} == {
        str(step.stack) for step in plan.steps
    }


def test_a_saved_plan_is_refused_when_the_site_changed_since(world, checked):
    plan = plan_site(checked, world.ports(), EVERYTHING)
    with pytest.raises(StalePlanError, match="files changed"):
        apply_plan(with_cores(checked, 41), world.ports(), plan)
    assert world.cloud == {}


def test_a_saved_plan_is_refused_when_the_cloud_moved_since(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    changed = with_cores(checked, 41)
    plan = plan_site(changed, world.ports(), EVERYTHING)
    del world.cloud["flavor/small"]

    with pytest.raises(StalePlanError, match="system/site"):
        apply_plan(changed, world.ports(), plan)
    assert "flavor/small" not in world.cloud


def test_a_saved_plan_of_one_layer_does_only_that_layer(world, checked):
    plan = plan_site(checked, world.ports(), Scope(layers=frozenset({Layer.SYSTEM})))
    apply_plan(checked, world.ports(), plan)
    assert {name.layer for name in world.stacks.names()} == {Layer.SYSTEM}


@pytest.mark.parametrize(
    ("scope", "stacks"),
    [
        (Scope(tenants=frozenset({"industry"})), {"tenancy/industry"}),
        (Scope(tenants=frozenset({"nobody"})), set()),
        (
            Scope(layers=frozenset({Layer.SYSTEM, Layer.TENANCY}), tenants=frozenset({"industry"})),
            {"system/site", "tenancy/industry"},
        ),
        (Scope(layers=frozenset({Layer.HARDWARE})), {"hardware/city"}),
        (Scope(regions=frozenset({"city"})), {"room/city", "hardware/city", "tenancy/industry"}),
        (Scope(regions=frozenset({"north"})), set()),
    ],
)
def test_a_scope_narrows_the_plan(world, checked, scope, stacks):
    plan = plan_site(checked, world.ports(), scope)
    assert {str(step.stack) for step in plan.steps} == stacks


def test_devices_without_a_login_are_said_to_be_compiled_only(world, checked):
    plan = plan_site(checked, world.ports(), EVERYTHING)
    assert plan.not_applied == {Layer.NETWORK: len(checked.site.network.devices)}


def test_two_applies_at_once_are_one_apply_and_one_clear_error(world, checked):
    world.lock.taken_by = LockHolder(who="li", host="ops1", pid=7, since="now", why="apply")
    with pytest.raises(SiteLockedError, match="ops1"):
        apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    assert world.cloud == {}


def test_every_act_is_audited_with_the_plan_it_belongs_to(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    acts = [entry["act"] for entry in world.audit.entries]
    assert acts[0] == "apply" and acts[-1] == "applied"
    assert acts.count("update-stack") == 4
    assert world.audit.entries[0]["facts"]["site_digest"] == checked.loaded.digest


def test_destroy_deletes_the_uppermost_layer_first(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)

    plan = plan_destroy(checked, world.ports(), EVERYTHING)
    destroy(checked, world.ports(), plan)

    assert [step.stack.layer for step in plan.steps] == [
        Layer.TENANCY,
        Layer.SYSTEM,
        Layer.HARDWARE,
        Layer.ROOM,
    ]
    assert world.cloud == {} and world.stacks.records == {}


def test_a_destroy_that_was_confirmed_for_another_state_is_refused(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    plan = plan_destroy(checked, world.ports(), EVERYTHING)
    apply_site(with_cores(checked, 41), world.ports(), EVERYTHING, approve=yes)

    with pytest.raises(StalePlanError):
        destroy(checked, world.ports(), plan)
    assert "flavor/small" in world.cloud


def test_status_tells_what_is_current_and_what_was_interrupted(world, checked):
    apply_site(checked, world.ports(), EVERYTHING, approve=yes)
    world.stacks.records[stack("system/site")].interrupted = ("urn:x",)

    status = site_status(with_cores(checked, 41), world.ports())

    current = {str(entry.stack): entry.current for entry in status.stacks}
    assert current == {
        "room/city": True,
        "hardware/city": True,
        "system/site": False,
        "tenancy/industry": False,
    }
    assert status.last_act["act"] == "applied"


def test_a_site_with_faults_reaches_no_port(tmp_path):
    (tmp_path / "site.yaml").write_text("site: {nam: x}\n")
    with pytest.raises(SpecError) as refused:
        check_directory(tmp_path, clock=FakeClock())
    assert len(refused.value.diagnostics) >= 2
