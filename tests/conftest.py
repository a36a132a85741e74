"""What every test may ask for: the lab, a real OpenStack on this machine, once per session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.lab.contents import DEFAULT_CONTENTS
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.up import down, reset, up
from tests.lab.running import RunningLab

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ  # noqa: TID251 - the tests' one door to settings

LAB_TEST_SECONDS = 1200
"""The first test of the lab also waits for its installation."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of the lab the time that its start takes, and keep together what shares things.

    Of several workers (`-n 2 --dist loadgroup`) one gets all tests of a lab, and all of a module.
    """
    for item in items:
        if item.get_closest_marker("lab") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LAB_TEST_SECONDS))
        used = getattr(item, "fixturenames", ())
        labs = [name for name in ("services", "town_lab", "lab") if name in used]
        module = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(labs[0] if labs else module))


@pytest.fixture(scope="session")
def lab_settings() -> LabSettings:
    """Return where the tests' labs are: folders of their own, one shared environment."""
    worker = ENVIRONMENT.get("PYTEST_XDIST_WORKER", "")
    directory = ENVIRONMENT.get("ORCHESTRATOR_TEST_LAB", f"{REPOSITORY}/.lab-test{worker}")
    venv = ENVIRONMENT.get("ORCHESTRATOR_LAB_VENV", f"{REPOSITORY}/.lab/venv")
    return LabSettings(directory=Path(directory), venv=Path(venv), power_delay_seconds=0.0)


@pytest.fixture(scope="session")
def lab(lab_settings: LabSettings) -> Iterator[RunningLab]:
    """Bring up an empty lab once, and take it down at the end."""
    with fresh_lab(lab_settings) as running:
        yield running


@pytest.fixture(scope="session")
def town_lab(lab_settings: LabSettings) -> Iterator[RunningLab]:
    """Bring up a lab for whole sites: they put servers and computes of their own into it."""
    directory = lab_settings.directory.with_name(f"{lab_settings.directory.name}-towns")
    with fresh_lab(replace(lab_settings, directory=directory)) as running:
        yield running


@contextmanager
def fresh_lab(settings: LabSettings) -> Iterator[RunningLab]:
    """Bring up an empty lab, and take it down in any case."""
    reset(settings)
    try:
        up(
            settings,
            DEFAULT_CONTENTS.bmcs,
            computes=DEFAULT_CONTENTS.computes,
            watch=lambda step: print(step.text),  # noqa: T201 - shown by pytest where it fails
        )
        running = RunningLab(settings)
        try:
            yield running
        finally:
            running.close()
    finally:
        down(settings)
