"""A provider that asks the plugin process, over gRPC, as Pulumi's own engine would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from orchestrator.errors import CloudError
from orchestrator.ports.provider import (
    Diff,
    Fault,
    Kind,
    Made,
    Observed,
    PartlyMadeError,
    Properties,
)
from orchestrator.providers.values import plain_properties
from orchestrator.providers.wire import from_struct, to_struct
from tests.fakes.memory_provider import KINDS

REPOSITORY = Path(__file__).resolve().parents[2]


class PluginProvider:
    """The provider port over the plugin's protocol."""

    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(channel)
        self.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
        self.stub.Configure(provider_pb2.ConfigureRequest())

    @property
    def version(self) -> str:
        return self.stub.GetPluginInfo(Empty()).version

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        said = self.stub.Check(
            provider_pb2.CheckRequest(urn=urn(kind), olds=to_struct({}), news=to_struct(inputs))
        )
        faults = tuple(Fault(attribute=f.property, reason=f.reason) for f in said.failures)
        return from_struct(said.inputs), faults

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        said = self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=urn(kind), id="id", old_inputs=to_struct(old), news=to_struct(new)
            )
        )
        assert bool(said.diffs) == (said.changes == provider_pb2.DiffResponse.DIFF_SOME)
        return Diff(changes=tuple(said.diffs), replaces=tuple(said.replaces))

    def create(self, kind: str, inputs: Properties) -> Made:
        request = provider_pb2.CreateRequest(urn=urn(kind), properties=to_struct(inputs))
        with typed_failures():
            said = self.stub.Create(request)
        return Made(id=said.id, outputs=plain_properties(from_struct(said.properties)))

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        said = self.stub.Read(
            provider_pb2.ReadRequest(urn=urn(kind), id=resource_id, inputs=to_struct(inputs))
        )
        return Observed(id=said.id, properties=from_struct(said.inputs)) if said.id else None

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        request = provider_pb2.UpdateRequest(
            urn=urn(kind),
            id=made.id,
            olds=to_struct(made.outputs),
            old_inputs=to_struct(old),
            news=to_struct(new),
        )
        with typed_failures():
            said = self.stub.Update(request)
        return plain_properties(from_struct(said.properties))

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        request = provider_pb2.DeleteRequest(
            urn=urn(kind),
            id=made.id,
            properties=to_struct(made.outputs),
            old_inputs=to_struct(inputs),
        )
        with typed_failures():
            self.stub.Delete(request)

    def list(self, kind: str, ids: Collection[str]) -> Mapping[str, Observed]:
        read = {key: self.read(kind, key, {}) for key in ids}
        return {key: found for key, found in read.items() if found is not None}


def urn(kind: str) -> str:
    return f"urn:pulumi:stack::project::{kind}::name"


@contextmanager
def typed_failures() -> Iterator[None]:
    """Turn the protocol's failures back into ours."""
    try:
        yield
    except grpc.RpcError as error:
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin":
                continue
            detail = provider_pb2.ErrorResourceInitFailed()
            if Status.FromString(value).details[0].Unpack(detail):
                outputs = plain_properties(from_struct(detail.properties))
                made = Made(id=detail.id, outputs=outputs)
                raise PartlyMadeError(made, tuple(detail.reasons)) from error
        raise CloudError(error.details()) from error


@contextmanager
def plugin_process(world: Path) -> Iterator[PluginProvider]:
    """Start the plugin on a world, and end it."""
    command = [sys.executable, "-m", "tests.contract.serve_memory_plugin", str(world)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                grpc.channel_ready_future(channel).result(timeout=20)
                yield PluginProvider(channel)
        finally:
            process.terminate()
            process.wait(timeout=20)
