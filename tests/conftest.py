"""What every test may ask for: the lab, a real OpenStack on this machine, once per session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from orchestrator.lab.contents import DEFAULT_CONTENTS
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.up import down, reset, up
from tests.lab.running import RunningLab

# A test that fails beside other work says nothing of the code; times are for `make bench`.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ  # noqa: TID251 - the tests' one door to settings

OF_SERVICES = (
    "test_services_lab.py",
    "test_backups_lab.py",
    "test_drills_lab.py",
    "test_leaders_lab.py",
    "test_rebuild_lab.py",
)
OF_TOWNS = (
    "test_cloud_backups_lab.py",
    "test_end_to_end.py",
    "test_faults_end_to_end.py",
    "test_hardware_lab.py",
    "test_hosts.py",
    "test_images_lab.py",
    "test_maintenance_drain_lab.py",
    "test_maintenance_whole_lab.py",
    "test_settings_lab.py",
)
OF_LAB = ("test_lab_exercises.py", "test_lab_life.py", "test_openstack_provider.py")
LABS = {
    **dict.fromkeys(OF_SERVICES, "services"),
    **dict.fromkeys(OF_TOWNS, "town_lab"),
    **dict.fromkeys(OF_LAB, "lab"),
}
"""The lab that takes minutes to come up, once a session, by the modules that share it."""

LAB_TEST_SECONDS = 1200
"""The first test of the lab also waits for its installation."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give tests of the lab the time that its start takes, and leave slow ones out."""
    if item.get_closest_marker("lab") and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(LAB_TEST_SECONDS))
    if item.get_closest_marker("slow") and not ENVIRONMENT.get("ORCHESTRATOR_TEST_SLOW"):
        item.add_marker(pytest.mark.skip(reason="slow: ORCHESTRATOR_TEST_SLOW=1 runs it"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Give all tests of a lab to one worker, where several work (`-n 2 --dist loadscope`)."""
    return ByLab(config, log) if config.getvalue("dist") == "loadscope" else None


class ByLab(LoadScopeScheduling):
    """Keeps together what would bring up the same lab twice, and the tests of a module."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return LABS.get(module.rpartition("/")[2], module)


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
