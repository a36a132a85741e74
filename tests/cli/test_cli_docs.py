"""The documents say what the commands do; each test here fails where they drift apart."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator import errors
from orchestrator.cli.documented import DocumentedCommand, DocumentedGroup
from orchestrator.cli.exit_codes import MEANINGS
from orchestrator.cli.main import PROGRAM, cli
from orchestrator.cli.reference import all_commands, cli_reference
from orchestrator.ports import LockHolder
from tests.cli.conftest import Run, edit
from tests.fakes.site_world import SiteWorld, stack

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"
ALL = list(all_commands())


def test_the_reference_is_current() -> None:
    assert (REFERENCE / "cli.md").read_text() == cli_reference(), (
        "write it again: python -m orchestrator.cli.reference > docs/reference/cli.md"
    )


@pytest.mark.parametrize("context", ALL, ids=lambda context: context.command_path)
def test_every_command_has_help_and_an_example_that_names_it(context: click.Context) -> None:
    command = context.command
    assert isinstance(command, DocumentedCommand | DocumentedGroup)
    assert command.help
    assert command.examples
    assert all(context.command_path in example for example in command.examples) or isinstance(
        command, click.Group
    )


@pytest.mark.parametrize("context", ALL, ids=lambda context: context.command_path)
def test_every_option_says_what_it_does(context: click.Context) -> None:
    options = [one for one in context.command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize(
    "example",
    [one for context in ALL for one in context.command.examples],  # type: ignore[attr-defined] # see above
)
def test_every_example_is_understood_by_the_parser(example: str) -> None:
    words = _own_words(example)
    if words is None:
        return
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, example
        command, words = found, words[1:]
    command.make_parser(click.Context(command)).parse_args(words)


def _own_words(example: str) -> list[str] | None:
    """Return the arguments given to our program in an example, or None where it is another's."""
    inside = re.search(rf"{PROGRAM} ([^|>)]*)", example)
    return shlex.split(inside[1]) if inside else None


def test_every_exit_code_is_documented_with_its_meaning() -> None:
    text = (REFERENCE / "exit-codes.md").read_text().replace("`", "")
    for code, meaning in MEANINGS.items():
        assert f"| {code.value} | {meaning} |" in text


def test_every_error_stands_at_its_exit_code() -> None:
    rows = [line.split("|") for line in (REFERENCE / "exit-codes.md").read_text().splitlines()]
    documented = {
        name: int(row[1])
        for row in rows
        if len(row) > 4
        for name in re.findall(r"\w+Error", row[3])
    }
    raised = {
        name: found.exit_code
        for name, found in vars(errors).items()
        if isinstance(found, type)
        and issubclass(found, errors.OrchestratorError)
        and found is not errors.OrchestratorError
    }
    assert documented == raised


def documented_keys(command: str) -> set[str]:
    text = (REFERENCE / "json-output.md").read_text()
    section = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    return set(re.findall(r"^\| `([^`]+)` \|", section[1], re.MULTILINE))


def keys_of(value: object, path: str = "", *, known: set[str]) -> Iterator[str]:
    """Yield the key paths in a JSON value, down to what the document describes."""
    if path in known:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from keys_of(inner, f"{path}.{key}" if path else key, known=known)
    elif isinstance(value, list):
        if not value and not any(name.startswith(f"{path}[]") for name in known):
            yield path
        for inner in value:
            yield from keys_of(inner, f"{path}[]", known=known)
    elif value is not None or not any(name.startswith(f"{path}.") for name in known):
        yield path


@pytest.fixture
def outputs(run: Run, site: Path, world: SiteWorld) -> dict[str, list[object]]:
    """Return JSON of every command from worlds in which every list has something in it."""

    def shown(*arguments: object) -> object:
        return json.loads(run(*arguments, "-o", "json").stdout)

    world.stacks.broken["flavor/small"] = "no"
    first = shown("apply", site, "--yes")
    world.stacks.broken.clear()
    run("apply", site, "--yes")
    edit(site / "tenancy.yaml", "cores: 40", "cores: 48")
    world.change_outside("flavor/small", vcpus=64)
    world.stacks.records[stack("system/site")].interrupted = ("urn:x",)
    run("secret", "init", "--site", site)
    found = {
        "plan": [shown("plan", site)],
        "apply": [first],
        "drift": [shown("drift", site)],
        "state list": [shown("state", "list", "--site", site)],
        "state show": [shown("state", "show", "system/site", "--site", site)],
        "secret list": [shown("secret", "list", "--site", site)],
    }
    world.lock.taken_by = LockHolder(who="li", host="ops1", pid=7, since="now", why="apply")
    found["status"] = [shown("status", site)]
    good = shown("check", site)
    edit(site / "tenancy.yaml", "contacts:", "contcats:")
    found["check"] = [good, shown("check", site)]
    return found


COMMANDS_WITH_JSON = (
    "check",
    "plan",
    "apply",
    "drift",
    "status",
    "state list",
    "state show",
    "secret list",
)
NOT_PROVOKED = {"plan": "steps[].failures[]"}
"""Keys that the in-memory world cannot bring about; `apply` shows the same values."""


@pytest.mark.parametrize("command", COMMANDS_WITH_JSON)
def test_json_keys_are_those_of_the_document(
    outputs: dict[str, list[object]], command: str
) -> None:
    documented = documented_keys(command)
    shown = {key for value in outputs[command] for key in keys_of(value, known=documented)}
    excused = NOT_PROVOKED.get(command)
    expected = {key for key in documented if excused is None or not key.startswith(excused)}
    assert shown == expected


HOW_TOS = sorted((DOCS / "how-to").glob("*.md"))


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.name)
def test_every_command_of_a_how_to_is_understood_by_the_parser(page: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if PROGRAM in line]
    for line in lines:
        test_every_example_is_understood_by_the_parser(line)


def test_the_variables_of_the_ci_page_are_those_that_options_name() -> None:
    page = (DOCS / "how-to" / "use-in-ci.md").read_text()
    named = {
        option.envvar
        for context in ALL
        if " lab" not in context.command_path
        for option in context.command.params
        if isinstance(option.envvar, str)
    }
    assert named <= set(re.findall(r"`(ORCHESTRATOR_\w+)`", page))


def test_the_fault_shown_in_the_how_to_is_what_check_prints(run: Run, site: Path) -> None:
    edit(site / "tenancy.yaml", "contacts:", "contcats:")
    printed = run("check", site).stdout.replace(str(site), "inventory/yangzhou")
    page = (DOCS / "how-to" / "check-a-site.md").read_text()
    sample = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert sample is not None
    assert sample[1] in printed
