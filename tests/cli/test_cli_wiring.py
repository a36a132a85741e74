"""The real adapters, as the command line wires them, over a site in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.cli.main import cli
from orchestrator.cli.outside import Access, Engine
from orchestrator.cli.wiring import MachineWiring
from orchestrator.errors import OrchestratorError
from orchestrator.model.site import SiteIdentity
from orchestrator.model.units import Text

IDENTITY = SiteIdentity(name="smallcity", display=Text(zh="小城", en="Small City"), cloud="small")


def open_site(environment: dict[str, str], site: Path, access: Access | None = None):
    wiring = MachineWiring(environment)
    return wiring.open(
        site, IDENTITY, access=access or Access(), watch=lambda event: pytest.fail(str(event))
    )


def test_opening_a_site_writes_nothing_and_calls_nobody(site: Path) -> None:
    before = sorted(site.iterdir())
    with open_site({}, site) as opened:
        assert opened.ports.stacks.names() == ()
        assert opened.ports.lock.holder() is None
        assert opened.ports.audit.last() is None
    assert sorted(site.iterdir()) == before


def test_lock_and_audit_stand_in_the_state_directory_that_was_named(
    site: Path, tmp_path: Path
) -> None:
    with open_site({}, site, Access(state_directory=tmp_path / "state")) as opened:
        with opened.ports.lock.hold(why="test"):
            opened.ports.audit.append(act="test", facts={})
    assert {"lock", "audit.jsonl"} <= {file.name for file in (tmp_path / "state").iterdir()}
    assert not (site / ".orchestrator").exists()


@pytest.mark.parametrize("content", ["not json", "[]", None])
def test_a_broken_endpoints_file_is_named_with_its_variable(
    site: Path, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "endpoints.json"
    if content is not None:
        file.write_text(content)
    with (
        pytest.raises(OrchestratorError, match=r"endpoints\.json") as refused,
        open_site({"ORCHESTRATOR_ENDPOINTS": str(file)}, site),
    ):
        pytest.fail("opened")
    assert "ORCHESTRATOR_ENDPOINTS" in refused.value.remedy


@pytest.mark.parametrize(
    ("environment", "no_color", "columns"),
    [
        ({}, False, None),
        ({"NO_COLOR": "1", "COLUMNS": "100"}, True, 100),
        ({"NO_COLOR": "", "COLUMNS": "wide"}, False, None),
        ({"COLUMNS": "0"}, False, None),
    ],
)
def test_the_environment_decides_on_colour_and_width(
    environment: dict[str, str], no_color: bool, columns: int | None
) -> None:
    look = MachineWiring(environment).look()
    assert (look.no_color, look.columns) == (no_color, columns)


def test_the_pulumi_engine_without_its_cli_is_a_clear_error(site: Path) -> None:
    result = CliRunner().invoke(
        cli, ["state", "list", "--site", str(site), "--engine", "pulumi"], env={"PATH": ""}
    )
    assert result.exit_code == 1
    assert "pulumi" in result.stderr
    assert "do: " in result.stderr


def test_state_list_of_a_site_that_was_never_applied(site: Path) -> None:
    result = CliRunner().invoke(cli, ["state", "list", "--site", str(site)])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "0 stacks recorded."


def test_engine_names_are_those_of_the_option() -> None:
    assert [engine.value for engine in Engine] == ["embedded", "pulumi"]
