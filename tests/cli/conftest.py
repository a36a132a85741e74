from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import cli
from tests.fakes.site_world import SiteWorld

BASE = Path(__file__).parents[1] / "cases" / "_base"

Run = Callable[..., Result]


@pytest.fixture
def world() -> SiteWorld:
    """Return an empty in-memory world in which nobody sits at the terminal."""
    return SiteWorld()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a copy of the small city that has no fault."""
    directory = tmp_path / "smallcity"
    shutil.copytree(BASE, directory)
    return directory


@pytest.fixture
def run(world: SiteWorld) -> Run:
    """Return a function that runs one command line in the world."""

    def invoke(*arguments: object, **more: object) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments], obj=world, **more)

    return invoke


@pytest.fixture
def applied(run: Run, site: Path) -> Path:
    """Return the site after an apply."""
    result = run("apply", site, "--yes")
    assert result.exit_code == 0, result.output
    return site


def edit(file: Path, old: str, new: str) -> None:
    """Change a site file as a person would."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
