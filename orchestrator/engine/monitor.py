"""The object that Pulumi's SDK takes for its engine: it answers the calls of a running program.

The SDK calls it from its executor's threads and lets it block. What it does not serve raises
EngineError; the SDK hands that on, and the run ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest, RegisterResourceResponse

from orchestrator.engine.goal import read_goal, refusal
from orchestrator.engine.registrar import Registrar
from orchestrator.engine.run import Run
from orchestrator.errors import EngineError
from orchestrator.providers.wire import from_struct, to_struct

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    # These are refused in our own words when a program uses them. Were they not announced, the
    # SDK would tell people to update a Pulumi CLI that is not there.
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
)


class Monitor:
    """Serves one run. Method names and shapes are those of Pulumi's gRPC services."""

    def __init__(self, run: Run, *, parallel: int, when_declared: Callable[[], None]) -> None:
        """Take the run, and what to do once the program has declared everything."""
        self._run = run
        self._registrar = Registrar(run)
        self._parallel = parallel
        self._when_declared = when_declared
        self.refused: EngineError | None = None
        """The first refusal, in our words: the SDK wraps what it hands on."""

    @property
    def foresees(self) -> bool:
        """Say whether the program runs only to see what it declares."""
        return self._run.hands.foresees

    def GetDeploymentInfo(self, _: Message) -> resource_pb2.DeploymentInfo:  # noqa: N802 - gRPC's
        """Say what runs, and what the engine can."""
        return resource_pb2.DeploymentInfo(
            project=self._run.stack.project,
            stack=self._run.stack.name,
            organization="organization",
            dryRun=self._run.hands.foresees,
            parallel=self._parallel,
            supportedFeatures=_FEATURES,
        )

    def RegisterResource(  # noqa: N802 - gRPC's name
        self, asked: RegisterResourceRequest
    ) -> RegisterResourceResponse:
        """Bring one resource to its goal, and answer with what is known of it."""
        try:
            answer = self._registrar.register(read_goal(asked, stack=self._run.stack))
        except EngineError as error:
            self.refused = self.refused or error
            raise
        result = resource_pb2.FAIL if answer.failed else resource_pb2.SUCCESS
        return RegisterResourceResponse(
            urn=answer.urn, id=answer.id, object=to_struct(answer.outputs), result=result
        )

    def RegisterResourceOutputs(  # noqa: N802 - gRPC's name
        self, told: resource_pb2.RegisterResourceOutputsRequest
    ) -> Empty:
        """Record the outputs of a component or of the stack."""
        self._registrar.register_outputs(told.urn, from_struct(told.outputs))
        return Empty()

    def SignalAndWaitForShutdown(self, _: Message) -> Empty:  # noqa: N802 - gRPC's name
        """Do the deletions: the program has ended without an exception."""
        self._when_declared()
        return Empty()

    def Log(self, told: engine_pb2.LogRequest) -> Empty:  # noqa: N802 - gRPC's name
        """Pass on what the program logs; debug lines are left out."""
        if told.severity == engine_pb2.ERROR:
            self._run.tally.error_logs.append(told.message)
        if told.severity != engine_pb2.DEBUG:
            self._run.tally.noted(told.message)
        return Empty()

    def RequirePulumiVersion(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse: there is no Pulumi CLI here whose version could be asked for."""
        self._refuse("require_pulumi_version")

    def Invoke(self, asked: resource_pb2.ResourceInvokeRequest) -> NoReturn:  # noqa: N802 - gRPC's
        """Refuse provider functions, stack references among them."""
        self._refuse(f"provider functions and stack references ({asked.tok})")

    def Call(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse resource methods."""
        self._refuse("resource methods")

    def ReadResource(self, asked: resource_pb2.ReadResourceRequest) -> NoReturn:  # noqa: N802 - see above
        """Refuse looking up resources that the stack does not own (gRPC's name)."""
        self._refuse(f"reading resources that the stack does not own ({asked.name!r})")

    def ExistsResource(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse asking whether a resource exists."""
        self._refuse("asking whether a resource exists")

    def RegisterStackTransform(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse stack transforms."""
        self._refuse("transforms")

    def RegisterStackInvokeTransform(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse transforms of provider functions."""
        self._refuse("invoke transforms")

    def RegisterResourceHook(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse resource hooks."""
        self._refuse("resource hooks")

    def RegisterErrorHook(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse error hooks."""
        self._refuse("error hooks")

    def RegisterPackage(self, _: Message) -> NoReturn:  # noqa: N802 - gRPC's name
        """Refuse parameterized packages."""
        self._refuse("parameterized packages")

    def _refuse(self, feature: str) -> NoReturn:
        error = refusal(feature)
        self.refused = self.refused or error
        raise error
