from __future__ import annotations

import json
from collections.abc import Sequence

from orchestrator.cli.render.plan_json import plan_json
from orchestrator.cli.render.plan_text import plan_text
from orchestrator.model.plan import Plan, PlanStep
from orchestrator.model.site import Layer, Region, RegionKind, Site, SiteIdentity
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    ResourceFailure,
    StackPreview,
)
from orchestrator.model.tenancy import TenancyLayer, Tenant
from orchestrator.model.units import Text
from tests.cli.printed import lines
from tests.fakes.site_world import stack

SITE = Site(
    identity=SiteIdentity(
        name="yangzhou", display=Text(zh="扬州", en="Yangzhou"), cloud="yangzhou"
    ),
    regions=(
        Region(name="city", kind=RegionKind.CITY, display=Text(zh="市本级", en="City proper")),
    ),
    tenancy=TenancyLayer(
        tenants=(
            Tenant(
                name="gongxin",
                display=Text(zh="工信局", en="Industry Bureau"),
                region="city",
                contacts=(),
                protection_level=3,
                data_level=2,
                projects=(),
            ),
        )
    ),
)


def change(action: Action, name: str, kind: str = "identity:Project", **more: object):
    return ResourceChange(kind=f"govcloud:{kind}", name=name, action=action, **more)


def step(name: str, changes: Sequence[ResourceChange], **more: object) -> PlanStep:
    failures = more.pop("failures", ())
    preview = StackPreview(
        stack=stack(name), changes=tuple(changes), unchanged=0, failures=failures
    )
    return PlanStep(preview=preview, job_digest="d", state_serial="1", **more)


def plan(*steps: PlanStep, unchanged: int = 3) -> Plan:
    return Plan(
        site="yangzhou",
        site_digest="abc",
        created="2026-11-22T03:00:00+00:00",
        steps=steps,
        unchanged=unchanged,
        not_applied={Layer.ROOM: 300, Layer.NETWORK: 112},
    )


QUOTA = AttributeChange(
    path="quota", old={"cores": 40, "instances": 5}, new={"cores": 64, "instances": 5}
)

MIXED = plan(
    step("hardware/city", [change(Action.CREATE, "server/cmp-01#node", "baremetal:Node")]),
    step(
        "tenancy/gongxin",
        [
            change(Action.DELETE, "project/gongxin/old#network", "network:Network"),
            change(Action.UPDATE, "project/gongxin/portal#quota", attributes=(QUOTA,)),
            change(
                Action.UPDATE,
                "project/gongxin/portal#network",
                "network:Network",
                drifted=True,
                attributes=(AttributeChange(path="name", old="mine", new="portal"),),
            ),
            change(
                Action.REPLACE,
                "project/gongxin/portal#credential",
                "identity:ApplicationCredential",
                attributes=(AttributeChange(path="secret", secret=True),),
            ),
            change(Action.KEEP_ORPHAN, "project/gongxin/attic"),
        ],
    ),
)


def test_a_plan_shows_marks_what_changes_and_deletions_last() -> None:
    assert lines(plan_text(MIXED, SITE)) == [
        "Plan for yangzhou (扬州 Yangzhou), 2026-11-22T03:00:00+00:00",
        "",
        "hardware/city  市本级 City proper",
        "  +   server/cmp-01#node  baremetal:Node",
        "",
        "tenancy/gongxin  工信局 Industry Bureau",
        "  ~   project/gongxin/portal#quota  identity:Project",
        "        quota.cores: 40 -> 64",
        "  ~   project/gongxin/portal#network  network:Network  changed outside",
        "        name: mine -> portal",
        "  -/+ project/gongxin/portal#credential  identity:ApplicationCredential",
        "        secret: (secret)",
        "  ?   project/gongxin/attic  identity:Project  no longer declared; kept",
        "",
        "TO BE DELETED (1 resource)",
        "  -   project/gongxin/old#network  network:Network  in tenancy/gongxin",
        "",
        "Orphans (?) are deleted only when the site lists them under `removed:`.",
        "Plan: 1 to add, 2 to change, 1 to replace, 1 to delete, 1 orphan kept; 3 unchanged.",
        "room, network: recorded only, not applied (412 things).",
    ]


def test_many_additions_are_counted_by_stack_and_kind_unless_all_is_asked_for() -> None:
    servers = [
        change(Action.CREATE, f"server/cmp-{number:02}#node", "baremetal:Node")
        for number in range(50)
    ]
    first = plan(
        step(
            "hardware/city",
            [*servers, change(Action.CREATE, "server/cmp-01#port", "baremetal:Port")],
        ),
        step("tenancy/gongxin", [change(Action.UPDATE, "tenant/gongxin", "identity:Domain")]),
    )
    shown = lines(plan_text(first, SITE))
    assert shown[3:5] == ["  +   51 resources", "        50 baremetal:Node, 1 baremetal:Port"]
    assert "  ~   tenant/gongxin  identity:Domain" in shown
    assert not any("cmp-07" in line for line in shown)
    whole = lines(plan_text(first, SITE, whole=True))
    assert "  +   server/cmp-07#node  baremetal:Node" in whole


def test_deletions_of_single_things_are_named_however_many_there_are() -> None:
    gone = [change(Action.DELETE, f"project/gongxin/p{number}") for number in range(60)]
    shown = lines(plan_text(plan(step("tenancy/gongxin", gone)), SITE))
    assert "  -   project/gongxin/p59  identity:Project  in tenancy/gongxin" in shown


def test_a_destroy_of_whole_stacks_is_counted_by_stack() -> None:
    gone = [change(Action.DELETE, f"project/gongxin/p{number}") for number in range(60)]
    shown = lines(plan_text(plan(step("tenancy/gongxin", gone, destroys=True)), SITE))
    assert shown[2:5] == [
        "TO BE DELETED (60 resources)",
        "  -   60 identity:Project  tenancy/gongxin",
        "",
    ]


def test_nothing_to_do_is_said_plainly() -> None:
    assert lines(plan_text(plan(unchanged=816), SITE))[2:4] == [
        "Nothing to do: the cloud is as the site says.",
        "Plan: 0 to add, 0 to change, 0 to replace, 0 to delete, 0 orphans kept; 816 unchanged.",
    ]


def test_what_cannot_be_planned_is_not_called_nothing_to_do() -> None:
    failure = ResourceFailure(kind="k", name="server/cmp-01", reason="serial is empty")
    shown = lines(plan_text(plan(step("hardware/city", [], failures=(failure,))), SITE))
    assert "  !   server/cmp-01  cannot be planned: serial is empty" in shown
    assert not any("Nothing to do" in line for line in shown)


def test_no_line_of_a_counted_plan_is_wider_than_80_cells() -> None:
    kinds = [f"network:SecurityGroupRule{number}" for number in range(30)]
    many = [
        change(Action.CREATE, f"x/{kind}/{number}", kind) for kind in kinds for number in range(3)
    ]
    shown = lines(plan_text(plan(step("tenancy/gongxin", many)), SITE))
    assert max(map(len, shown)) <= 88  # the summary line is one line, whatever it counts
    assert all(len(line) <= 80 for line in shown if not line.startswith("Plan: "))


def test_json_has_the_facts_of_the_text_and_no_secret() -> None:
    carried = AttributeChange(path="secret", old="canary", new="canary2", secret=True)
    made = plan(step("tenancy/gongxin", [change(Action.UPDATE, "x", attributes=(carried, QUOTA))]))
    shown = plan_json(made)
    assert "canary" not in json.dumps(shown)
    assert shown["summary"] == {
        "add": 0,
        "change": 1,
        "replace": 0,
        "delete": 0,
        "orphans_kept": 0,
        "unchanged": 3,
    }
    assert shown["has_changes"] is True
    assert shown["not_applied"] == {"room": 300, "network": 112}
    assert shown["steps"][0]["stack"] == "tenancy/gongxin"
    assert shown["steps"][0]["changes"][0] == {
        "action": "update",
        "kind": "govcloud:identity:Project",
        "name": "x",
        "drifted": False,
        "attributes": [
            {"path": "secret", "old": "(secret)", "new": "(secret)", "secret": True},
            {"path": "quota", "old": QUOTA.old, "new": QUOTA.new, "secret": False},
        ],
    }
