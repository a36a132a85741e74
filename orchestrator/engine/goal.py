"""What a program asks for, read from the SDK's request; what we do not serve is refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest

from orchestrator.engine.urn import PROVIDER_PREFIX, make_urn
from orchestrator.errors import EngineError
from orchestrator.model.stack import StackName
from orchestrator.model.units import Json
from orchestrator.providers.values import foreign_feature
from orchestrator.providers.wire import from_struct

_REFUSED: Mapping[str, Callable[[RegisterResourceRequest], object]] = {
    "remote (multi-language) components": lambda asked: asked.remote,
    "explicit providers": lambda asked: asked.provider or asked.providers,
    "provider resources": lambda asked: asked.type.startswith(PROVIDER_PREFIX),
    "the option aliases": lambda asked: asked.aliases or asked.aliasURNs,
    "the option import_": lambda asked: asked.importId,
    "the option custom_timeouts": lambda asked: (
        asked.customTimeouts.create or asked.customTimeouts.update or asked.customTimeouts.delete
    ),
    "the option replace_on_changes": lambda asked: asked.replaceOnChanges,
    "the option retain_on_delete": lambda asked: asked.retainOnDelete,
    "the option deleted_with": lambda asked: asked.deletedWith,
    "the option replace_with": lambda asked: asked.replace_with,
    "the option replacement_trigger": lambda asked: (
        asked.replacement_trigger.WhichOneof("kind") not in {None, "null_value"}
    ),
    "transforms": lambda asked: asked.transforms,
    "resource hooks": lambda asked: any(bound for _, bound in asked.hooks.ListFields()),
    "parameterized packages": lambda asked: asked.packageRef,
    "plugin download addresses": lambda asked: asked.pluginDownloadURL,
    "the option hide_diffs": lambda asked: asked.hideDiffs,
    "the option env_var_mappings": lambda asked: asked.envVarMappings,
    "state migrations": lambda asked: asked.state_migrations,
}
"""The features of a registration that our stacks do not use, by the words to refuse them with."""


def refusal(feature: str) -> EngineError:
    """Return the error for a feature that the embedded engine does not have."""
    return EngineError(
        f"the embedded engine does not support {feature}",
        remedy="Leave it out of the program, or run with the Pulumi CLI (--engine pulumi).",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """One resource as the program declares it; secrets in `inputs` are open."""

    urn: str
    kind: str
    name: str
    custom: bool
    parent: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    protect: bool = False
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignore_changes: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    version: str = ""
    delete_before_replace: bool | None = None
    """None: as its kind says."""

    def needs(self) -> frozenset[str]:
        """Return the URNs that must be there before this one."""
        named = {
            *self.dependencies,
            *(u for urns in self.property_dependencies.values() for u in urns),
        }
        return frozenset(named | ({self.parent} if self.parent else set()))


def read_goal(asked: RegisterResourceRequest, *, stack: StackName) -> Goal:
    """Return the goal in a request. Raises EngineError naming the first feature we lack."""
    inputs = from_struct(asked.object)
    for feature, is_used in _REFUSED.items():
        if is_used(asked):
            raise refusal(f"{feature} (resource {asked.name!r})")
    if foreign := foreign_feature(inputs):
        raise refusal(f"{foreign} as inputs (resource {asked.name!r})")
    for path in asked.ignoreChanges:
        if not path.isidentifier():
            raise refusal(f"the path {path!r} in ignore_changes (resource {asked.name!r})")
    urn = make_urn(
        stack=stack.name,
        project=stack.project,
        parent=asked.parent,
        kind=asked.type,
        name=asked.name,
    )
    return Goal(
        urn=urn,
        kind=asked.type,
        name=asked.name,
        custom=asked.custom,
        parent=asked.parent,
        inputs=inputs,
        protect=asked.protect,
        dependencies=tuple(sorted(asked.dependencies)),
        property_dependencies={
            key: tuple(sorted(needed.urns))
            for key, needed in sorted(asked.propertyDependencies.items())
            if needed.urns
        },
        ignore_changes=tuple(asked.ignoreChanges),
        secret_outputs=tuple(asked.additionalSecretOutputs),
        version=asked.version,
        delete_before_replace=(
            asked.deleteBeforeReplace if asked.deleteBeforeReplaceDefined else None
        ),
    )


def keep_ignored(goal: Goal, recorded: Mapping[str, Json]) -> dict[str, Json]:
    """Return the goal's inputs, with what `ignore_changes` lists as it is recorded."""
    inputs = dict(goal.inputs)
    for name in goal.ignore_changes:
        if name in recorded:
            inputs[name] = recorded[name]
        else:
            inputs.pop(name, None)
    return inputs
