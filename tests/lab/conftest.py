"""What tests of the lab share: a town of real hosts with the services of the test city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.lab.hosts.needs import missing_for_hosts
from tests.lab.running_services import RunningServices
from tests.lab.service_town import ServiceTown


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServices]:
    """Bring four databases with two replicas each to three hosts, once; tests leave them all ok."""
    missing = ", ".join(missing_for_hosts())
    if missing:
        pytest.skip(f"hosts need {missing}")
    town = ServiceTown(tmp_path_factory.mktemp("services"))
    try:
        running = RunningServices(town)
        assert running.applied.returncode == 0, running.applied.stderr + running.applied.stdout
        yield running
    finally:
        town.down()
