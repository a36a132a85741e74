"""`orchestrator state`: list, show, export and import the recorded state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import Target, output_option, with_target
from orchestrator.errors import StateError

if TYPE_CHECKING:
    from orchestrator.model.stack import StackName, StackState
    from orchestrator.model.units import Json
    from orchestrator.ports import Ports


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator state list",
        "orchestrator state show tenancy/gongxin",
        "orchestrator state export tenancy/gongxin > gongxin.json",
    ),
)
def state() -> None:
    """List, show, export and import the recorded state.

    A stack is named layer/name: hardware/city, system/site, tenancy/gongxin.
    These commands work even where the site's files have faults.
    """


@state.command(
    "list",
    examples=(
        "orchestrator state list --site inventory/yangzhou",
        "orchestrator state list -o json",
    ),
)
@with_target(scoped=False, site_named=True)
@output_option
@pass_desk
def list_(desk: Desk, *, target: Target, output: str) -> int:
    """List the stacks with a recorded state."""
    from orchestrator.cli.render.state import states_json, states_parts

    with _records(desk, target) as ports:
        known = [found for name in ports.stacks.names() if (found := ports.stacks.state(name))]
    if output == "json":
        desk.screen.data(states_json(known))
    else:
        desk.screen.show(*states_parts(known))
    return ExitCode.DONE


@state.command(
    examples=(
        "orchestrator state show tenancy/gongxin",
        "orchestrator state show tenancy/gongxin project/gongxin/portal",
        "orchestrator state show tenancy/gongxin -o json",
    ),
)
@click.argument("stack")
@click.argument("name", required=False)
@with_target(scoped=False, site_named=True)
@output_option
@pass_desk
def show(desk: Desk, *, stack: str, name: str | None, target: Target, output: str) -> int:
    """Show the resources of one stack; with NAME, those of one thing in full."""
    from orchestrator.cli.render.state import of_thing, state_json, state_parts

    with _records(desk, target) as ports:
        found = of_thing(_state(ports, _stack_name(stack)), name)
    if not found.resources and name is not None:
        raise click.UsageError(f"{stack} records nothing of the name '{name}'")
    if output == "json":
        desk.screen.data(state_json(found))
    else:
        desk.screen.show(*state_parts(found, whole=name is not None))
    return ExitCode.DONE


@state.command(
    examples=("orchestrator state export tenancy/gongxin > gongxin.json",),
)
@click.argument("stack")
@with_target(scoped=False, site_named=True)
@pass_desk
def export(desk: Desk, *, stack: str, target: Target) -> int:
    """Print one stack's state as `pulumi stack export` would.

    Secrets in it stay encrypted.
    """
    with _records(desk, target) as ports:
        name = _stack_name(stack)
        _state(ports, name)
        desk.screen.data(dict(ports.archive.export(name)))
    return ExitCode.DONE


@state.command(
    "import",
    examples=("orchestrator state import tenancy/gongxin gongxin.json",),
)
@click.argument("stack")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
@click.option("--yes", is_flag=True, help="Replace an existing state without asking.")
@with_target(scoped=False, site_named=True)
@pass_desk
def import_(desk: Desk, *, stack: str, file: TextIO, yes: bool, target: Target) -> int:
    """Replace one stack's state by an exported one, from FILE or stdin.

    The state's integrity is checked first, and the act is audited.
    """
    from orchestrator.cli.work import ask, refuse_without_person
    from orchestrator.errors import RefusedError

    name = _stack_name(stack)
    deployment = _deployment(file)
    with _records(desk, target) as ports, ports.lock.hold(why=f"state import {name}"):
        if not yes and name in ports.stacks.names():
            refuse_without_person(desk, "--yes")
            if not ask(f"Replace the recorded state of {name}?"):
                raise RefusedError("the import was not approved: nothing was changed")
        ports.audit.append(act="state-import", facts={"stack": str(name)})
        ports.archive.load(name, deployment)
    desk.screen.note(f"Imported {name}. See what it means: orchestrator plan")
    return ExitCode.DONE


@contextmanager
def _records(desk: Desk, target: Target) -> Iterator[Ports]:
    """Open what is recorded of a site; its files are not read and its cloud is not asked."""
    from orchestrator.cli.render.progress import watching

    directory = desk.at_site(target.site)
    with (
        watching(desk.screen.err, desk.wiring.clock) as watch,
        desk.wiring.open(directory, None, access=target.access, watch=watch) as opened,
    ):
        yield opened.ports


def _stack_name(text: str) -> StackName:
    from orchestrator.model.site import Layer
    from orchestrator.model.stack import StackName

    layer, _, name = text.partition("/")
    if not name or layer not in list(Layer):
        raise click.UsageError(f"'{text}' is not a stack: write layer/name, as `state list` does")
    return StackName(layer=Layer(layer), name=name)


def _state(ports: Ports, name: StackName) -> StackState:
    found = ports.stacks.state(name)
    if found is None:
        raise StateError(
            f"there is no recorded state of {name}", remedy="See: orchestrator state list"
        )
    return found


def _deployment(file: TextIO) -> dict[str, Json]:
    try:
        found = json.load(file)
    except ValueError as error:
        raise StateError(f"this is not an exported state: {error}") from error
    if not isinstance(found, dict):
        raise StateError("this is not an exported state: it is not a mapping")
    return found
