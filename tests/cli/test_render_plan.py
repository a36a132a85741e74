from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from orchestrator.adapters.plan_file import read_plan, write_plan
from orchestrator.cli.render.plan_json import plan_json
from orchestrator.cli.render.plan_text import plan_text
from orchestrator.model.network import Device, DeviceLogin, DeviceRole, NetworkLayer
from orchestrator.model.plan import AwaitedRestart, Plan, PlanStep, Scope
from orchestrator.model.site import Layer, Region, RegionKind, Site, SiteIdentity
from orchestrator.model.stack import (
    Action,
    AttributeChange,
    ResourceChange,
    ResourceFailure,
    StackPreview,
)
from orchestrator.model.tenancy import TenancyLayer, Tenant
from orchestrator.model.units import Json, SecretRef, Text
from orchestrator.planning.jobs import recorded_only
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
        "network: 112 devices, compiled only: none has a login.",
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
    no_lines = {"lines_gone": None, "lines_come": None}
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
            {"path": "secret", "old": "(secret)", "new": "(secret)", "secret": True, **no_lines},
            {"path": "quota", "old": QUOTA.old, "new": QUOTA.new, "secret": False, **no_lines},
        ],
    }


def test_what_waits_for_a_restart_is_counted_and_told_apart_from_what_a_plan_writes():
    def waits(number: int, *paths: str, written: bool) -> AwaitedRestart:
        return AwaitedRestart(name=f"server/s{number}#settings", paths=paths, written=written)

    waiting = replace(
        plan(),
        awaiting_restart=(
            *(waits(number, "bios.Turbo", written=True) for number in range(1, 6)),
            waits(9, "bios.BootMode", "bios.Turbo", written=False),
        ),
    )
    shown = " ".join(lines(plan_text(waiting, SITE)))
    assert (
        "Pending until restart, which is not done here: bios.Turbo (5) on 5 servers: server/s1, "
        "server/s2, server/s3 and 2 more." in shown
    )
    assert (
        "In force after a restart, which is not done here: bios.BootMode (1), bios.Turbo (1) on "
        "1 server: server/s9." in shown
    )
    told = plan_json(waiting)
    assert told["awaiting_restart"][-1] == {
        "name": "server/s9#settings", "paths": ["bios.BootMode", "bios.Turbo"], "written": False
    }  # fmt: skip
    assert told["has_changes"] is False


def test_a_saved_plan_keeps_what_waits_for_a_restart(tmp_path: Path):
    waiting = AwaitedRestart(name="server/a#settings", paths=("bios.Turbo",), written=True)
    made = replace(plan(), awaiting_restart=(waiting,))
    write_plan(tmp_path / "plan", made, directory=tmp_path)
    assert read_plan(tmp_path / "plan") == made


def device_with(old: list[Json], new: list[Json]) -> Plan:
    lines = AttributeChange(path="configuration", old=old, new=new)
    changed = change(Action.UPDATE, "device/fw", "network:Device", attributes=(lines,))
    return plan(step("network/city", [changed]))


def test_a_configuration_is_shown_by_the_lines_that_go_and_come() -> None:
    long = "set inside4 / " + "x" * 90
    made = device_with(["same", long, "twice", "twice"], ["same", "twice", "new"])
    shown = lines(plan_text(made, SITE))
    assert [line.strip() for line in shown if line.startswith("        ")] == [
        f"- {long}",
        "- twice",
        "+ new",
    ]
    (attribute,) = plan_json(made)["steps"][0]["changes"][0]["attributes"]
    assert attribute["lines_gone"] == [long, "twice"]
    assert attribute["lines_come"] == ["new"]


def test_lines_in_another_order_are_said_and_many_are_counted() -> None:
    swapped = lines(plan_text(device_with(["a", "b"], ["b", "a"]), SITE))
    assert "        the order of the lines" in swapped
    many = device_with([], [f"line {number}" for number in range(60)])
    assert "        and 20 more lines" in lines(plan_text(many, SITE))
    assert "        + line 59" in lines(plan_text(many, SITE, whole=True))


def test_many_lines_that_go_leave_room_for_those_that_come() -> None:
    both_ways = device_with([f"old {number}" for number in range(60)], ["the new one"])
    shown = lines(plan_text(both_ways, SITE))
    assert "        + the new one" in shown
    assert "        and 21 more lines" in shown


def test_the_plan_names_configured_devices_and_counts_the_others() -> None:
    login = DeviceLogin(user="admin", key=SecretRef("secret://network/fw"))
    devices = tuple(
        Device(
            name=name, rack="r", unit=1, role=DeviceRole.FIREWALL, vendor="v", model="m", ports=1,
            serial=name, address=IPv4Address("10.0.0.1"), login=given,
        )
        for name, given in (("fw-1", login), ("fw-2", None))
    )  # fmt: skip
    site = replace(SITE, network=NetworkLayer(devices=devices))
    told = lines(plan_text(replace(MIXED, not_applied=recorded_only(site, Scope())), site))[-1]
    assert told == "network: 1 device configured (fw-1); 1 without a login, compiled only."
