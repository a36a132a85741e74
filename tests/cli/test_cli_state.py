from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.fakes.site_world import SiteWorld, stack


def test_list_names_stacks_with_their_size(run: Run, applied: Path) -> None:
    result = run("state", "list", "--site", applied)
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1:5] == [
        ["hardware/city", "5", "whole"],
        ["room/city", "4", "whole"],
        ["system/site", "7", "whole"],
        ["tenancy/industry", "2", "whole"],
    ]
    assert json.loads(run("state", "list", "--site", applied, "-o", "json").stdout)[3] == {
        "stack": "tenancy/industry",
        "digest": json.loads(run("state", "list", "--site", applied, "-o", "json").stdout)[3][
            "digest"
        ],
        "serial": "1",
        "interrupted": [],
        "resources": 2,
    }


def test_list_works_where_the_sites_files_are_broken(run: Run, applied: Path) -> None:
    (applied / "tenancy.yaml").write_text("tenants: [")
    assert run("state", "list", "--site", applied).exit_code == 0


def test_show_lists_resources_and_one_thing_in_full(run: Run, applied: Path) -> None:
    listed = run("state", "show", "tenancy/industry", "--site", applied).stdout
    assert "project/industry/enterprise  fake:project" in listed
    full = run(
        "state", "show", "tenancy/industry", "project/industry/enterprise", "--site", applied
    ).stdout
    assert "    prefix: 10.1.1.0/24\n" in full
    shown = json.loads(
        run("state", "show", "tenancy/industry", "--site", applied, "-o", "json").stdout
    )
    assert [entry["name"] for entry in shown["resources"]] == [
        "tenant/industry",
        "project/industry/enterprise",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["tenancy/nobody"], 1),
        (["nonsense"], 64),
        (["cellar/x"], 64),
        (["tenancy/industry", "project/industry/nothing"], 64),
    ],
)
def test_show_of_what_is_not_there_says_so(
    run: Run, applied: Path, arguments: list[str], code: int
) -> None:
    assert run("state", "show", *arguments, "--site", applied).exit_code == code


def test_export_and_import_bring_a_state_back(
    run: Run, applied: Path, world: SiteWorld, tmp_path: Path
) -> None:
    exported = run("state", "export", "tenancy/industry", "--site", applied).stdout
    saved = tmp_path / "industry.json"
    saved.write_text(exported)
    del world.stacks.records[stack("tenancy/industry")]
    result = run("state", "import", "tenancy/industry", saved, "--site", applied)
    assert result.exit_code == 0, result.output
    assert "project/industry/enterprise" in world.resources()
    assert world.audit.entries[-1]["act"] == "state-import"
    assert world.lock.held_for[-1] == "state import tenancy/industry"


def test_import_over_an_existing_state_has_to_be_approved(
    run: Run, applied: Path, world: SiteWorld
) -> None:
    exported = run("state", "export", "tenancy/industry", "--site", applied).stdout
    arguments = ("state", "import", "tenancy/industry", "-", "--site", applied)
    assert run(*arguments, input=exported).exit_code == 5
    assert run(*arguments, "--yes", input=exported).exit_code == 0


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"version": 2}'])
def test_import_of_something_else_leaves_the_state_alone(
    run: Run, applied: Path, world: SiteWorld, text: str
) -> None:
    before = world.stacks.records[stack("tenancy/industry")]
    result = run("state", "import", "tenancy/industry", "--yes", "--site", applied, input=text)
    assert result.exit_code == 1
    assert world.stacks.records[stack("tenancy/industry")] is before
