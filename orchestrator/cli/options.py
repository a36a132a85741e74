"""The arguments and options that several commands share, each with one meaning.

How a site is named: verbs (`plan SITE`) take it as their argument; the commands of groups (`room
fail UPS`, `network show`) take --site, because their arguments are something else. In the site's
own directory, or with ORCHESTRATOR_SITE, neither is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.outside import Access, Engine
from orchestrator.model.layer import Layer, Scope

Command = Callable[..., int]
"""A command's function; Click calls it by keyword and takes its result as the exit code."""
Decorator = Callable[[Command], Command]

SITE_VARIABLE = "ORCHESTRATOR_SITE"
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a command works on: a site, the part of it that is meant, and how to reach it."""

    site: Path | None = None
    plan_file: Path | None = None
    scope: Scope = field(default_factory=Scope)
    access: Access = field(default_factory=Access)

    def words(self) -> list[str]:
        """Return the arguments that name the same site, or plan, and the same part of it."""
        place = self.plan_file or self.site
        return [
            *([str(place)] if place else []),
            *(f"--layer={layer.value}" for layer in sorted(self.scope.layers)),
            *(f"--tenant={name}" for name in sorted(self.scope.tenants)),
            *(f"--region={name}" for name in sorted(self.scope.regions)),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Showing:
    """How results are shown."""

    as_json: bool
    whole: bool
    """Nothing is counted or cut."""


site_argument = click.argument("site", type=DIRECTORY, required=False, envvar=SITE_VARIABLE)

site_option = click.option(
    "--site",
    type=DIRECTORY,
    metavar="DIR",
    envvar=SITE_VARIABLE,
    show_envvar=True,
    help="The site's directory; default: the current one.",
)

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people, or for machines.",
)

detailed_exit_code_option = click.option(
    "--detailed-exitcode",
    "detailed_exit_code",
    is_flag=True,
    help="Exit with 2 when there are differences.",
)

password_file_option = click.option(
    "--vault-password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="ORCHESTRATOR_VAULT_PASSWORD_FILE",
    show_envvar=True,
    help="The vault's password; default: .vault-password in the site.",
)

state_directory_option = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    envvar="ORCHESTRATOR_STATE_DIR",
    show_envvar=True,
    help="The recorded state; default: .orchestrator in the site.",
)

_SCOPE_OPTIONS = (
    click.option(
        "--layer",
        "layers",
        type=click.Choice([layer.value for layer in Layer]),
        multiple=True,
        help="Only this layer; may be repeated.",
    ),
    click.option(
        "--tenant",
        "tenants",
        multiple=True,
        metavar="NAME",
        help="Only this tenant; may be repeated.",
    ),
    click.option(
        "--region",
        "regions",
        multiple=True,
        metavar="NAME",
        help="Only this region's hardware and tenants; may be repeated.",
    ),
)

_ACCESS_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice([engine.value for engine in Engine]),
        default=Engine.EMBEDDED.value,
        envvar="ORCHESTRATOR_ENGINE",
        show_envvar=True,
        help="Run the Pulumi programs in this process, or by the pulumi CLI.",
    ),
    click.option(
        "--os-cloud",
        "os_cloud",
        metavar="NAME",
        envvar="ORCHESTRATOR_OS_CLOUD",
        show_envvar=True,
        help="A cloud of clouds.yaml; default: $OS_CLOUD, or the one the site names.",
    ),
    state_directory_option,
    password_file_option,
)

_PLAN_FILE_ARGUMENTS = (
    click.argument(
        "target",
        metavar="[SITE|PLANFILE]",
        type=click.Path(exists=True, path_type=Path),
        required=False,
    ),
    site_option,
)

_PARALLEL_OPTION = click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=Access().parallel,
    show_default=True,
    envvar="ORCHESTRATOR_PARALLEL",
    show_envvar=True,
    help="Calls to the cloud at a time.",
)


def with_target(
    *, scoped: bool = True, plan_file: bool = False, site_named: bool = False, changes: bool = False
) -> Decorator:
    """Add the options that say what to work on; the command gets them as one `target`.

    `plan_file` lets a saved plan stand in the site's place; `site_named` makes the site an option,
    for commands whose arguments are something else; `changes` adds what only writers need.
    """
    place = [site_option] if site_named else [site_argument]
    options = [
        *(_PLAN_FILE_ARGUMENTS if plan_file else place),
        *(_SCOPE_OPTIONS if scoped else ()),
        *([_PARALLEL_OPTION] if changes else ()),
        *_ACCESS_OPTIONS,
    ]

    def add(command: Command) -> Command:
        @wraps(command)
        # What Click parsed: ours by name, the rest is the command's own.
        def gather(*args: Any, **parsed: Any) -> int:  # noqa: ANN401 - Click's
            return command(*args, target=_target(parsed), **parsed)

        return _stacked(options, gather)

    return add


def with_showing(whole_help: str) -> Decorator:
    """Add --output and --verbose; the command gets them as one `showing`."""

    def add(command: Command) -> Command:
        @wraps(command)
        # What Click parsed: ours by name, the rest is the command's own.
        def gather(*args: Any, output: str, whole: bool, **rest: Any) -> int:  # noqa: ANN401 - Click's
            showing = Showing(as_json=output == "json", whole=whole)
            return command(*args, showing=showing, **rest)

        verbose = click.option("-v", "--verbose", "whole", is_flag=True, help=whole_help)
        return _stacked([output_option, verbose], gather)

    return add


def _target(parsed: dict[str, Any]) -> Target:
    """Take the target's options out of what was parsed."""
    site, plan_file = parsed.pop("site", None), parsed.pop("target", None)
    if plan_file is not None and plan_file.is_dir():
        site, plan_file = plan_file, None
    return Target(
        site=site,
        plan_file=plan_file,
        scope=Scope(
            layers=frozenset(Layer(name) for name in parsed.pop("layers", ())),
            tenants=frozenset(parsed.pop("tenants", ())),
            regions=frozenset(parsed.pop("regions", ())),
        ),
        access=Access(
            engine=Engine(parsed.pop("engine")),
            cloud=parsed.pop("os_cloud"),
            vault_password_file=parsed.pop("vault_password_file"),
            state_directory=parsed.pop("state_dir"),
            parallel=parsed.pop("parallel", Access().parallel),
        ),
    )


def _stacked(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    """Apply decorators so that help lists them in the given order."""
    for option in reversed(options):
        command = option(command)
    return command
