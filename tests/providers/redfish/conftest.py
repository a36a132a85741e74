from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.client import Limits
from tests.fakes.bmc_server import Bmc, BmcServers, bmc_servers
from tests.fakes.bmc_site import ADDRESS, REFERENCE, SecretsInMemory

Open = Callable[..., RedfishBmcs]
IMPATIENT = Limits(total_seconds=2, answer_seconds=0.5, goodbye_seconds=1)
"""For a BMC of which is known that it does not answer."""


@pytest.fixture
def servers() -> Iterator[BmcServers]:
    with bmc_servers() as running:
        yield running


@pytest.fixture
def reach(servers: BmcServers, tmp_path: Path) -> Open:
    """Return a function that starts a BMC and returns the port that reaches it."""

    def opened(bmc: Bmc, certificate: Path | None = None, **more: Any) -> RedfishBmcs:
        servers.start(bmc, certificate=certificate)
        return client_of(bmc, tmp_path / "state", **more)

    return opened


def client_of(bmc: Bmc, folder: Path, **more: Any) -> RedfishBmcs:
    settings = {
        "endpoints": {"bmc": {ADDRESS: {"url": bmc.url}}},
        "secrets": SecretsInMemory({REFERENCE: bmc.password}),
        "folder": folder,
        "limits": Limits(total_seconds=6, answer_seconds=1, goodbye_seconds=1),
        "power_seconds": 1.0,
    }
    return RedfishBmcs(**(settings | more))
