"""The same Pulumi programs, with the provider called directly and through the plugin's gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.model.progress import ResourceFinished
from orchestrator.ports.provider import Provider
from tests.contract.plugin_client import plugin_process
from tests.fakes.engine_site import (
    STACK,
    EngineSite,
    attributes,
    drifted,
    failures,
    job,
    marks,
    thing,
)
from tests.fakes.memory_provider import CACHE, LOGIN, PASSWORD, MemoryProvider


@dataclass
class Cloud:
    world: MemoryProvider
    site: EngineSite


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Provider]]:
    world = tmp_path_factory.mktemp("plugin") / "world.json"
    with plugin_process(world) as provider:
        yield world, provider


@pytest.fixture(params=["in process", "through the plugin"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Cloud:
    if request.param == "in process":
        world = MemoryProvider(tmp_path / "world.json")
        return Cloud(world=world, site=EngineSite(tmp_path, world))
    file, provider = request.getfixturevalue("plugin")
    file.unlink(missing_ok=True)
    return Cloud(world=MemoryProvider(file), site=EngineSite(tmp_path, provider))


def test_flat_resources_are_created_once(cloud: Cloud) -> None:
    wanted = job(thing("a"), thing("b", size=3), thing("c"))
    assert marks(cloud.site.preview(wanted)) == ["+ a", "+ b", "+ c"]
    assert cloud.world.objects == {}

    result = cloud.site.update(wanted)
    assert marks(result) == ["+ a", "+ b", "+ c"]
    assert cloud.world.objects["b"] == {"name": "b", "size": 3}

    again = cloud.site.update(wanted)
    assert (marks(again), again.unchanged) == ([], 3)
    assert len(cloud.world.log) == 3


def test_a_dependent_gets_what_it_needs(cloud: Cloud) -> None:
    wanted = job(thing("net"), thing("web", refs={"peer": ["net", "id"]}))
    assert attributes(cloud.site.preview(wanted), "web")["peer"] == (None, "(known after apply)")
    cloud.site.update(wanted)
    assert cloud.world.log == ["create net", "create web"]
    assert cloud.world.objects["web"]["peer"] == cloud.world.ids()["net"]


def test_an_update_changes_only_what_differs(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a", size=1), thing("b")))
    wanted = job(thing("a", size=5), thing("b"))
    preview = cloud.site.preview(wanted)
    assert (marks(preview), preview.unchanged) == (["~ a"], 1)
    assert attributes(preview, "a") == {"size": (1, 5)}
    assert marks(cloud.site.update(wanted)) == ["~ a"]
    assert cloud.world.objects["a"]["size"] == 5
    assert cloud.world.log[2:] == ["update a"]


def test_secrets_are_usable_and_never_written(cloud: Cloud) -> None:
    wanted = job(
        thing("login", kind=LOGIN, token="canary-7f3a-token", secret=["token"]),
        thing("user", refs={"key": ["login", "password"]}),
    )
    preview = cloud.site.preview(wanted)
    assert attributes(preview, "login")["token"] == ("secret", "secret")
    cloud.site.update(wanted)
    assert cloud.world.objects["user"]["key"] == PASSWORD
    assert files_with("canary", cloud.site.root) == []

    again = cloud.site.update(wanted)
    assert (marks(again), again.unchanged) == ([], 2)


def test_a_changed_secret_is_an_update_without_values(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a", token="canary-old-token", secret=["token"])))
    wanted = job(thing("a", token="canary-new-token", secret=["token"]))
    preview = cloud.site.preview(wanted)
    assert attributes(preview, "a") == {"token": ("secret", "secret")}
    assert "canary" not in repr(preview)
    cloud.site.update(wanted)
    assert cloud.world.objects["a"]["token"] == "canary-new-token"


def test_deleted_before_its_replacement_together_with_what_cannot_outlive_it(cloud: Cloud) -> None:
    def wanted(zone: str) -> tuple:
        return (thing("net", zone=zone), thing("web", refs={"owner": ["net", "id"]}))

    cloud.site.update(job(*wanted("east")))
    preview = cloud.site.preview(job(*wanted("west")))
    assert marks(preview) == ["-/+ net", "-/+ web"]
    assert marks(cloud.site.update(job(*wanted("west")))) == ["-/+ net", "-/+ web"]
    assert cloud.world.log[2:] == ["delete web", "delete net", "create net", "create web"]
    assert marks(cloud.site.preview(job(*wanted("west")))) == []


def test_created_before_the_old_one_is_deleted(cloud: Cloud) -> None:
    def wanted(zone: str) -> tuple:
        return (
            thing("cache", kind=CACHE, zone=zone),
            thing("web", refs={"peer": ["cache", "id"]}),
        )

    cloud.site.update(job(*wanted("east")))
    preview = cloud.site.preview(job(*wanted("west")))
    assert marks(preview) == ["-/+ cache", "~ web"]
    assert marks(cloud.site.update(job(*wanted("west")))) == ["-/+ cache", "~ web"]
    assert cloud.world.log[2:] == ["create cache", "update web", "delete cache"]
    assert not any(r.pending_delete for r in cloud.site.stacks.state(STACK).resources)


def test_a_failure_stops_only_what_needs_it(cloud: Cloud) -> None:
    wanted = job(
        thing("bad"),
        thing("after-bad", refs={"peer": ["bad", "id"]}),
        thing("after-that", depends_on=["after-bad"]),
        thing("good"),
    )
    cloud.world.break_down("bad", "create")
    result = cloud.site.update(wanted)
    assert marks(result) == ["+ good"]
    assert failures(result) == {
        "bad": "create of bad was refused on purpose",
        "after-bad": "it needs bad, which failed",
        "after-that": "it needs bad, which failed",
    }
    assert {f.name for f in result.failures if f.skipped} == {"after-bad", "after-that"}
    assert cloud.site.stacks.state(STACK).digest is None
    told = {e.name: e.error for e in cloud.site.events if isinstance(e, ResourceFinished)}
    assert told["good"] is None
    assert "refused on purpose" in told["bad"]

    cloud.world.mend()
    assert marks(cloud.site.update(wanted)) == ["+ after-bad", "+ after-that", "+ bad"]
    assert cloud.site.stacks.state(STACK).digest == wanted.digest


def test_refused_inputs_are_a_failure_of_that_resource(cloud: Cloud) -> None:
    wanted = job(thing("bad", size=-1), thing("good"))
    assert failures(cloud.site.preview(wanted)) == {"bad": "size: must not be negative"}
    assert failures(cloud.site.update(wanted)) == {"bad": "size: must not be negative"}
    assert set(cloud.world.objects) == {"good"}


def test_what_holds_something_is_kept_until_it_is_listed(cloud: Cloud) -> None:
    cloud.site.update(job(thing("project/a/x#net"), thing("cache", kind=CACHE), thing("b")))
    without = (thing("b"),)
    preview = cloud.site.preview(job(*without))
    assert marks(preview) == ["- cache", "? project/a/x#net"]
    assert marks(cloud.site.update(job(*without))) == ["- cache", "? project/a/x#net"]
    assert set(cloud.world.objects) == {"project/a/x#net", "b"}
    assert marks(cloud.site.preview(job(*without))) == ["? project/a/x#net"]

    listed = job(*without, removals=frozenset({"project/a/x"}))
    assert marks(cloud.site.preview(listed)) == ["- project/a/x#net"]
    assert marks(cloud.site.update(listed)) == ["- project/a/x#net"]
    assert set(cloud.world.objects) == {"b"}


def test_what_an_orphan_needs_is_kept_too(cloud: Cloud) -> None:
    cloud.site.update(
        job(thing("cache", kind=CACHE), thing("disk", refs={"peer": ["cache", "id"]}))
    )
    assert marks(cloud.site.update(job())) == ["? cache", "? disk"]
    assert set(cloud.world.objects) == {"cache", "disk"}


def test_users_are_deleted_before_what_they_need(cloud: Cloud) -> None:
    chain = (
        thing("a"),
        thing("b", refs={"peer": ["a", "id"]}),
        thing("c", refs={"peer": ["b", "id"]}),
    )
    cloud.site.update(job(*chain))
    cloud.site.update(job(removals=frozenset({"a", "b", "c"})))
    assert cloud.world.log[3:] == ["delete c", "delete b", "delete a"]


def test_a_failed_deletion_keeps_what_it_needs_and_nothing_else(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a"), thing("b", refs={"peer": ["a", "id"]}), thing("c")))
    cloud.world.break_down("b", "delete")
    result = cloud.site.update(job(removals=frozenset({"a", "b", "c"})))
    assert marks(result) == ["- c"]
    assert failures(result) == {
        "a": "b, which stays, needs it",
        "b": "delete of b was refused on purpose",
    }
    cloud.world.mend()
    assert marks(cloud.site.update(job(removals=frozenset({"a", "b"})))) == ["- a", "- b"]


def test_an_orphan_is_not_deleted_for_a_replacement(cloud: Cloud) -> None:
    cloud.site.update(job(thing("net", zone="e"), thing("disk", refs={"owner": ["net", "id"]})))
    wanted = job(thing("net", zone="w"))
    preview = cloud.site.preview(wanted)
    assert marks(preview) == ["? disk"]
    assert "list disk under `removed:`" in failures(preview)["net"]
    assert "list disk under `removed:`" in failures(cloud.site.update(wanted))["net"]
    assert set(cloud.world.objects) == {"net", "disk"}

    listed = job(thing("net", zone="w"), removals=frozenset({"disk"}))
    assert marks(cloud.site.preview(listed)) == ["- disk", "-/+ net"]
    assert marks(cloud.site.update(listed)) == ["- disk", "-/+ net"]
    assert cloud.world.objects["net"]["zone"] == "w"


def test_what_is_gone_is_made_again(cloud: Cloud) -> None:
    wanted = job(thing("a"), thing("b", refs={"peer": ["a", "id"]}))
    cloud.site.update(wanted)
    drifts = (cloud.site.drift("b"),)
    cloud.world.lose("b")
    preview = cloud.site.preview(wanted, drifts=drifts)
    assert (marks(preview), drifted(preview)) == (["+ b"], {"b"})
    assert drifted(cloud.site.update(wanted, drifts=drifts)) == {"b"}
    assert cloud.world.log[2:] == ["create b"]
    state = cloud.site.stacks.state(STACK)
    assert {r.name: r.id for r in state.resources} == cloud.world.ids()


def test_what_is_gone_and_no_longer_declared_is_only_forgotten(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a"), thing("b")))
    drifts = (cloud.site.drift("b"),)
    cloud.world.lose("b")
    result = cloud.site.update(job(thing("a")), drifts=drifts)
    assert (marks(result), drifted(result)) == (["- b"], {"b"})
    assert [r.name for r in cloud.site.stacks.state(STACK).resources] == ["a"]


def test_what_was_changed_outside_is_put_right(cloud: Cloud) -> None:
    wanted = job(thing("a", size=2, colour="red"), thing("b"))
    cloud.site.update(wanted)
    cloud.world.tamper("a", "size", 9)
    drifts = (cloud.site.drift("a", size=9),)
    preview = cloud.site.preview(wanted, drifts=drifts)
    assert (marks(preview), drifted(preview)) == (["~ a"], {"a"})
    assert attributes(preview, "a") == {"size": (9, 2)}
    cloud.site.update(wanted, drifts=drifts)
    assert cloud.world.objects["a"]["size"] == 2


def test_a_change_of_the_site_beside_a_drift_is_not_called_drift(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a", size=2), thing("b", size=2)))
    cloud.world.tamper("a", "size", 9)
    drifts = (cloud.site.drift("a", size=9),)
    preview = cloud.site.preview(job(thing("a", size=2), thing("b", size=4)), drifts=drifts)
    assert (marks(preview), drifted(preview)) == (["~ a", "~ b"], {"a"})


def test_a_partly_made_resource_is_recorded_and_finished_by_the_next_run(cloud: Cloud) -> None:
    wanted = job(thing("a"), thing("b", refs={"peer": ["a", "id"]}))
    cloud.world.break_down("a", "partly")
    result = cloud.site.update(wanted)
    assert failures(result) == {
        "a": "it did not become ready",
        "b": "it needs a, which failed",
    }
    assert [r.name for r in cloud.site.stacks.state(STACK).resources] == ["a"]

    cloud.world.mend()
    assert marks(cloud.site.preview(wanted)) == ["+ b", "~ a"]
    assert marks(cloud.site.update(wanted)) == ["+ b", "~ a"]
    assert marks(cloud.site.preview(wanted)) == []
    assert cloud.world.log == ["create a", "update a", "create b"]


def test_protected_resources_are_neither_deleted_nor_replaced(cloud: Cloud) -> None:
    guarded = {"options": {"protect": True}}
    cloud.site.update(job(thing("a", zone="e", **guarded), thing("b", **guarded)))
    result = cloud.site.update(job(thing("a", zone="w", **guarded), removals=frozenset({"a", "b"})))
    assert "a is protected" in failures(result)["a"]
    assert failures(result)["b"] == "it is protected"
    assert cloud.world.objects["a"]["zone"] == "e"


def test_ignored_changes_are_ignored(cloud: Cloud) -> None:
    ignoring = {"options": {"ignore_changes": ["size"]}}
    cloud.site.update(job(thing("a", size=1, **ignoring)))
    assert marks(cloud.site.preview(job(thing("a", size=7, **ignoring)))) == []
    assert marks(cloud.site.preview(job(thing("a", size=7, colour="red", **ignoring)))) == ["~ a"]


def test_components_group_and_are_not_counted(cloud: Cloud) -> None:
    grouped = ({"kind": "group", "name": "room"}, thing("a", parent="room"))
    result = cloud.site.update(job(*grouped, exports={"where": ["a", "address"]}))
    assert marks(result) == ["+ a"]
    assert "govcloud:memory:Group$govcloud:memory:Thing::a" in cloud.site.urn("a")
    exported = cloud.site.stacks.export(STACK)["deployment"]["resources"]
    stack = next(r for r in exported if r["type"] == "pulumi:pulumi:Stack")
    assert stack["outputs"] == {"where": "10.0.0.1"}
    cloud.site.update(job(removals=frozenset({"a"})))
    left = cloud.site.stacks.export(STACK)["deployment"]["resources"]
    assert [r["type"] for r in left] == ["pulumi:pulumi:Stack"]


def test_destroy_deletes_all_and_forgets_the_stack(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a"), thing("b", refs={"peer": ["a", "id"]})))
    result = cloud.site.stacks.destroy(STACK, watch=cloud.site.watch)
    assert marks(result) == ["- a", "- b"]
    assert cloud.world.objects == {}
    assert cloud.site.stacks.names() == ()
    assert cloud.site.stacks.state(STACK) is None


def files_with(text: str, folder: Path) -> list[str]:
    return [
        str(file)
        for file in folder.rglob("*")
        if file.is_file() and text.encode() in file.read_bytes()
    ]


def test_the_checkpoint_is_pulumis_own_format(cloud: Cloud) -> None:
    cloud.site.update(job(thing("a")))
    file = cloud.site.root / ".pulumi" / "stacks" / "tenant" / "gongxin.json"
    written = json.loads(file.read_text())
    assert written["version"] == 3
    assert written["checkpoint"]["stack"] == "organization/tenant/gongxin"
    assert (cloud.site.root / ".pulumi" / "meta.yaml").read_text() == "version: 1\n"
