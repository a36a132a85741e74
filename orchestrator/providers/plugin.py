"""Serves our provider to Pulumi's own engine, as the plugin `pulumi-resource-govcloud`.

The engine starts the process, reads a port number from its standard output, and speaks gRPC to
it. Every method here translates one call of that protocol into one of the provider port.

Source:
    Pulumi's proto/pulumi/provider.proto
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from orchestrator.errors import OrchestratorError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, PartlyMadeError, Properties, Provider
from orchestrator.providers.values import as_secret, plain_properties
from orchestrator.providers.wire import from_struct, to_struct

_PACKAGE = "govcloud"
_THREADS = 32
_LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
)
_DETAILS = "grpc-status-details-bin"

Context = grpc.ServicerContext
Result = TypeVar("Result")


class PluginServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's ResourceProvider service over a provider. Method names are the protocol's."""

    def __init__(self, provider: Provider) -> None:
        """Take the provider to serve."""
        self._provider = provider

    def Handshake(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Say that we want plain values: the engine keeps track of secrets itself."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(  # noqa: N802 - gRPC's name
        self, request: Empty, context: Context
    ) -> plugin_pb2.PluginInfo:
        """Return the provider's version."""
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.GetSchemaRequest, context: Context
    ) -> provider_pb2.GetSchemaResponse:
        """Return a schema that names the resource types; their properties are not described."""
        schema = {
            "name": _PACKAGE,
            "version": self._provider.version,
            "resources": {token: {} for token in sorted(self._provider.kinds)},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Accept any configuration: ours comes from the environment."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """Say that no configuration makes a difference, the slice among it."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Ask for plain values, and for previews of creates and updates."""
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Bring inputs into normal form, or say what is wrong with them."""
        inputs, faults = self._provider.check(_kind(request.urn), _plain(request.news))
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[
                provider_pb2.CheckFailure(property=fault.attribute, reason=fault.reason)
                for fault in faults
            ],
        )

    def Diff(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """Compare recorded and declared inputs."""
        kind, old, new = _kind(request.urn), _plain(request.old_inputs), _plain(request.news)
        new.update({key: old[key] for key in request.ignoreChanges if key in old})
        diff = self._provider.diff(kind, old, new)
        some = provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(
            changes=some if diff.changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=diff.changes,
            replaces=diff.replaces,
            deleteBeforeReplace=self._provider.kinds[kind].delete_before_replace,
        )

    def Create(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        """Make a resource; in a preview only what is given is known of it."""
        kind, inputs = _kind(request.urn), _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(inputs))
        made = self._tried(
            lambda: self._provider.create(kind, inputs), context, kind=kind, inputs=inputs
        )
        return provider_pb2.CreateResponse(id=made.id, properties=self._marked(kind, made.outputs))

    def Read(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.ReadRequest, context: Context
    ) -> provider_pb2.ReadResponse:
        """Return a resource as the cloud has it; an empty id says that it is gone."""
        kind, inputs = _kind(request.urn), _plain(request.inputs)
        observed = self._tried(
            lambda: self._provider.read(kind, request.id, inputs),
            context,
            kind=kind,
            inputs=inputs,
        )
        if observed is None:
            return provider_pb2.ReadResponse()
        outputs = {**_plain(request.properties), **observed.properties}
        return provider_pb2.ReadResponse(
            id=observed.id,
            inputs=to_struct({**inputs, **observed.properties}),
            properties=self._marked(kind, outputs),
        )

    def Update(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        """Change a resource in place; in a preview what is computed stays as it was."""
        kind, new, before = _kind(request.urn), _plain(request.news), _plain(request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=self._marked(kind, {**before, **new}))
        made = Made(id=request.id, outputs=before)
        old = _plain(request.old_inputs)
        outputs = self._tried(
            lambda: self._provider.update(kind, made, old=old, new=new),
            context,
            kind=kind,
            inputs=new,
        )
        return provider_pb2.UpdateResponse(properties=self._marked(kind, outputs))

    def Delete(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.DeleteRequest, context: Context
    ) -> Empty:
        """Delete a resource."""
        kind, inputs = _kind(request.urn), _plain(request.old_inputs)
        made = Made(id=request.id, outputs=_plain(request.properties))
        self._tried(
            lambda: self._provider.delete(kind, made, inputs), context, kind=kind, inputs=inputs
        )
        return Empty()

    def Cancel(self, request: Empty, context: Context) -> Empty:  # noqa: N802 - gRPC's name
        """Acknowledge: every call is bounded in time and ends by itself."""
        return Empty()

    def _marked(self, kind: str, outputs: Properties) -> Struct:
        secret = self._provider.kinds[kind].secret_outputs
        return to_struct(
            {key: as_secret(value) if key in secret else value for key, value in outputs.items()}
        )

    def _tried(
        self, act: Callable[[], Result], context: Context, *, kind: str, inputs: Properties
    ) -> Result:
        """Return what the act returns; hand its failures on in the protocol's words."""
        try:
            return act()
        except PartlyMadeError as error:
            self._abort_partly(error, context, kind=kind, inputs=inputs)
        except OrchestratorError as error:
            told = f"{error.message}. {error.remedy}" if error.remedy else error.message
            context.abort(grpc.StatusCode.UNKNOWN, told)
        raise AssertionError("abort() returned")

    def _abort_partly(
        self, error: PartlyMadeError, context: Context, *, kind: str, inputs: Properties
    ) -> NoReturn:
        """Tell the engine that the resource exists but is not ready, so that it is recorded."""
        detail = AnyMessage()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=error.made.id,
                properties=self._marked(kind, error.made.outputs),
                reasons=error.reasons,
                inputs=to_struct(inputs),
            )
        )
        code = grpc.StatusCode.UNKNOWN
        status = Status(code=code.value[0], message=str(error), details=[detail])
        context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
        context.abort(code, str(error))
        raise AssertionError("abort() returned")


def serve(open_provider: Callable[[], Provider]) -> None:
    """Serve a provider until the process is ended; print the port as the protocol wants it."""
    # Only the port may reach standard output: whatever else is printed goes to standard error.
    announcement = os.dup(1)
    os.dup2(2, 1)
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        PluginServicer(open_provider()), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    os.write(announcement, f"{port}\n".encode())
    os.close(announcement)
    server.wait_for_termination()


def main() -> None:
    """Serve the product's provider; the console script that Pulumi's engine starts."""
    # Loaded here so that another provider can be served without the OpenStack SDK.
    from orchestrator.providers.govcloud import open_provider_from_environment

    serve(open_provider_from_environment)


def _kind(urn: str) -> str:
    return urn.split("::", 3)[2].rpartition("$")[2]


def _plain(struct: Struct) -> dict[str, Json]:
    return plain_properties(from_struct(struct))
