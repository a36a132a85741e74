"""The plugin process, as Pulumi's own engine starts it and speaks to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from orchestrator.errors import CloudError
from orchestrator.ports.provider import UNKNOWN, PartlyMadeError
from orchestrator.providers.values import SECRET, SIGNATURE
from orchestrator.providers.wire import from_struct, to_struct
from tests.contract.plugin_client import PluginProvider, plugin_process, urn
from tests.fakes.memory_provider import CACHE, LOGIN, THING, MemoryProvider


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[MemoryProvider, PluginProvider]]:
    file = tmp_path_factory.mktemp("plugin") / "world.json"
    with plugin_process(file) as provider:
        yield MemoryProvider(file), provider


def test_the_schema_names_the_kinds(served: tuple[MemoryProvider, PluginProvider]) -> None:
    said = json.loads(served[1].stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert set(said["resources"]) == {THING, CACHE, LOGIN}
    assert said["name"] == "govcloud"


def test_a_new_slice_is_no_change_of_the_provider(
    served: tuple[MemoryProvider, PluginProvider],
) -> None:
    old, new = to_struct({"slice": "{}"}), to_struct({"slice": '{"a": 1}'})
    stub = served[1].stub
    checked = stub.CheckConfig(provider_pb2.CheckRequest(news=new))
    assert from_struct(checked.inputs) == {"slice": '{"a": 1}'}
    said = stub.DiffConfig(provider_pb2.DiffRequest(old_inputs=old, olds=old, news=new))
    assert said.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_preview_makes_nothing_and_knows_only_what_is_given(
    served: tuple[MemoryProvider, PluginProvider],
) -> None:
    world, provider = served
    inputs = to_struct({"name": "seen", "peer": UNKNOWN})
    said = provider.stub.Create(
        provider_pb2.CreateRequest(urn=urn(THING), properties=inputs, preview=True)
    )
    assert (said.id, from_struct(said.properties)) == ("", {"name": "seen", "peer": UNKNOWN})
    assert world.objects == {}


def test_secret_outputs_are_marked_on_the_wire(
    served: tuple[MemoryProvider, PluginProvider],
) -> None:
    request = provider_pb2.CreateRequest(urn=urn(LOGIN), properties=to_struct({"name": "login"}))
    outputs = from_struct(served[1].stub.Create(request).properties)
    assert outputs["password"][SIGNATURE] == SECRET
    assert outputs["name"] == "login"


def test_ignored_changes_do_not_differ(served: tuple[MemoryProvider, PluginProvider]) -> None:
    old, new = to_struct({"size": 1, "zone": "e"}), to_struct({"size": 2, "zone": "e"})
    request = provider_pb2.DiffRequest(
        urn=urn(THING), id="id-1", old_inputs=old, news=new, ignoreChanges=["size"]
    )
    assert not served[1].stub.Diff(request).diffs


def test_deleting_first_is_told_per_kind(served: tuple[MemoryProvider, PluginProvider]) -> None:
    for kind, first in ((THING, True), (CACHE, False)):
        said = served[1].stub.Diff(
            provider_pb2.DiffRequest(
                urn=urn(kind), old_inputs=to_struct({"zone": "e"}), news=to_struct({"zone": "w"})
            )
        )
        assert (list(said.replaces), said.deleteBeforeReplace) == (["zone"], first)


def test_failures_keep_their_type(served: tuple[MemoryProvider, PluginProvider]) -> None:
    world, provider = served
    world.break_down("half", "partly")
    with pytest.raises(PartlyMadeError, match="did not become ready") as partly:
        provider.create(THING, {"name": "half"})
    assert partly.value.made.id == world.ids()["half"]
    assert partly.value.made.outputs["name"] == "half"
    world.break_down("never", "create")
    with pytest.raises(CloudError, match="refused on purpose"):
        provider.create(THING, {"name": "never"})


def test_what_is_gone_is_read_as_gone(served: tuple[MemoryProvider, PluginProvider]) -> None:
    assert served[1].read(THING, "id-of-nothing", {"name": "x"}) is None
    served[1].stub.Cancel(Empty())


def test_the_console_script_serves_the_products_kinds() -> None:
    script = Path(sys.executable).parent / "pulumi-resource-govcloud"
    with subprocess.Popen([script, "127.0.0.1:1"], stdout=subprocess.PIPE) as process:
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                grpc.channel_ready_future(channel).result(timeout=20)
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                schema = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert "govcloud:identity:Project" in schema["resources"]
