"""Recorded states: the stacks, and the resources of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import kind_name, plural
from orchestrator.cli.render.table import table
from orchestrator.cli.render.values import value_text
from orchestrator.model.stack import ResourceState, StackState, thing_of
from orchestrator.model.units import Json


def states_parts(states: Sequence[StackState]) -> list[RenderableType]:
    """Return the stacks."""
    rows = [
        (
            str(state.stack),
            str(len(state.resources)),
            "interrupted" if state.interrupted else "whole" if state.digest else "incomplete",
        )
        for state in states
    ]
    count = Text(f"{plural(len(states), 'stack')} recorded.")
    return [table(("Stack", "Resources", "Last run"), rows, right="Resources"), Text(), count]


def states_json(states: Sequence[StackState]) -> list[Json]:
    """Return the stacks, without their resources."""
    return [{**_head(state), "resources": len(state.resources)} for state in states]


def of_thing(state: StackState, name: str | None) -> StackState:
    """Return the state with only the resources of one thing, or of one resource's whole name."""
    if name is None:
        return state
    kept = tuple(
        resource for resource in state.resources if name in {resource.name, thing_of(resource.name)}
    )
    return replace(state, resources=kept)


def state_parts(state: StackState, *, whole: bool) -> list[RenderableType]:
    """Return the resources: a table, or where `whole`, each with its inputs and outputs."""
    if whole:
        return [_resource(resource) for resource in state.resources]
    rows = [(resource.name, kind_name(resource.kind), resource.id) for resource in state.resources]
    count = Text(f"{state.stack}: {plural(len(state.resources), 'resource')}.")
    return [table(("Name", "Kind", "Id"), rows), Text(), count]


def state_json(state: StackState) -> dict[str, Json]:
    """Return one stack with its resources; secrets are hidden."""
    return {
        **_head(state),
        "resources": [
            {
                "kind": resource.kind,
                "name": resource.name,
                "urn": resource.urn,
                "id": resource.id,
                "inputs": dict(resource.inputs),
                "outputs": dict(resource.outputs),
                "pending_delete": resource.pending_delete,
            }
            for resource in state.resources
        ],
    }


def _head(state: StackState) -> dict[str, Json]:
    return {
        "stack": str(state.stack),
        "digest": state.digest,
        "serial": state.serial,
        "interrupted": list(state.interrupted),
    }


def _resource(resource: ResourceState) -> Text:
    text = Text.assemble((resource.name, "bold"), (f"  {kind_name(resource.kind)}", "dim"))
    text.append(f"\n  id: {resource.id}")
    for title, values in (("inputs", resource.inputs), ("outputs", resource.outputs)):
        text.append(f"\n  {title}:", "bold")
        for key, value in sorted(values.items()):
            text.append(f"\n    {key}: {value_text(value, whole=True)}")
    return text
