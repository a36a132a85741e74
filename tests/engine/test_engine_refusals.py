"""What the embedded engine does not do is refused by name, before anything is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.errors import EngineError
from orchestrator.model.site import Layer
from orchestrator.model.stack import StackJob, StackName
from tests.fakes.engine_site import PROGRAMS, EngineSite, job, thing
from tests.fakes.memory_provider import MemoryProvider

STACK = StackName(layer=Layer.SYSTEM, name="site")

REFUSED = {
    "aliases": "the option aliases",
    "import_": "the option import_",
    "custom_timeouts": "the option custom_timeouts",
    "replace_on_changes": "the option replace_on_changes",
    "retain_on_delete": "the option retain_on_delete",
    "ignore_changes path": "the path 'tags[0]' in ignore_changes",
    "transforms": "transforms",
    "hooks": "resource hooks",
    "replace_with": "the option replace_with",
    "deleted_with": "the option deleted_with",
    "provider": "provider resources",
    "remote": "remote (multi-language) components",
    "unknown type": "the resource type 'govcloud:memory:Nonsense'",
    "invoke": "provider functions and stack references (govcloud:memory:lookup)",
    "stack reference": "reading resources that the stack does not own",
    "get": "reading resources that the stack does not own",
    "asset": "assets as inputs",
    "stack transform": "transforms",
    "version": "require_pulumi_version",
}


@pytest.fixture
def site(tmp_path: Path) -> EngineSite:
    return EngineSite(tmp_path, MemoryProvider(tmp_path / "world.json"))


def using(feature: str) -> StackJob:
    return StackJob(stack=STACK, slice_json=json.dumps({"feature": feature}), digest=feature)


@pytest.mark.parametrize(("feature", "words"), REFUSED.items())
def test_a_feature_we_lack_is_refused_by_name(site: EngineSite, feature: str, words: str) -> None:
    with pytest.raises(EngineError) as refused:
        site.preview(using(feature))
    assert f"does not support {words}" in refused.value.message
    assert "--engine pulumi" in refused.value.remedy


def test_two_resources_of_one_name_are_refused(site: EngineSite) -> None:
    with pytest.raises(EngineError, match="two resources of the program are both"):
        site.preview(using("twice"))


def test_a_program_that_logs_an_error_fails(site: EngineSite) -> None:
    with pytest.raises(EngineError, match="logged an error: the slice makes no sense"):
        site.preview(using("logged error"))


def test_a_program_that_raises_says_what_and_where(site: EngineSite) -> None:
    with pytest.raises(EngineError, match="ZeroDivisionError: division by zero") as failed:
        site.preview(using("exception"))
    assert str(PROGRAMS / "system" / "__main__.py") in failed.value.remedy


def test_a_stack_without_a_program_is_named(site: EngineSite, tmp_path: Path) -> None:
    lost = EngineSite(tmp_path, MemoryProvider(tmp_path / "world.json"), programs=tmp_path)
    with pytest.raises(EngineError, match="the stack system/site has no program"):
        lost.preview(using("aliases"))


def test_a_program_at_fault_touches_nothing_of_a_stack_that_exists(tmp_path: Path) -> None:
    world = MemoryProvider(tmp_path / "world.json")
    site = EngineSite(tmp_path, world)
    site.update(job(thing("a")))
    with pytest.raises(EngineError, match="RuntimeError: half way"):
        site.update(job(thing("a", size=2), thing("b"), **{"raise": "half way"}))
    assert world.log == ["create a"]


def test_what_was_done_before_a_program_failed_is_recorded(tmp_path: Path) -> None:
    world = MemoryProvider(tmp_path / "world.json")
    site = EngineSite(tmp_path, world)
    with pytest.raises(EngineError, match="RuntimeError: half way"):
        site.update(job(thing("a"), **{"raise": "half way"}))
    (state,) = (site.stacks.state(name) for name in site.stacks.names())
    assert {r.name: r.id for r in state.resources} == world.ids()
    assert state.digest is None
