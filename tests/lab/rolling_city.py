"""The test city made ready for a rolling upgrade: databases, one package that is due, a client."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.model.declared_service import declared_services
from orchestrator.providers.host.ssh import SshHosts
from orchestrator.spec.load import load_site
from orchestrator.workflows.host_facts import boot_of
from tests.lab.package_archive import PACKAGE, give
from tests.lab.service_town import PROGRAM, ServiceTown
from tests.lab.writing_client import on

DATABASES = ("db-1", "db-2", "dr-db-1")
WITNESS = "dr-bak-1"
"""It votes for the databases, and has a certificate for that."""
MAINTAINED = (*DATABASES, "dr-spare-1", "bak-1", "dr-bak-1", "ctl-1", "ctl-2")
COMPUTES = ("node-1", "node-2")
CLIENT = "client-1"
CLIENT_FILE = """\
servers:
  - name: client-1
    profile: compute-2u
    role: compute
    rack: d2
    unit: 7
    serial: SN-CLIENT-1
    bmc: {address: 10.10.0.95, user: orchestrator, password: secret://bmc/city}
    address: 10.10.2.71
    nics:
      - {name: eth0, mac: "0c:42:a1:00:08:01", switch: dr-leaf, port: 4, pxe: true}
"""
BOOT_SECONDS = 90


def add_client(town: ServiceTown) -> None:
    """Declare a host for the client, which is not maintained."""
    (town.directory / "hardware" / "client.yaml").write_text(CLIENT_FILE)


def service_names(town: ServiceTown) -> list[str]:
    """Return all services of the city."""
    return [one.name for one in declared_services(load_site(town.directory).site)]


def await_host(town: ServiceTown, name: str) -> str:
    """Return the boot that a host is in, once it says so."""
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        try:
            return boot_of(town.server(name), hosts_of(town))[0]
        except HostError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def hosts_of(town: ServiceTown) -> SshHosts:
    """Return the way to the town's hosts."""
    return SshHosts(
        endpoints=json.loads(town.settings.endpoints.read_text()),
        secrets=town.vault,
        folder=town.directory / ".orchestrator" / "hosts",
    )


def make_due(town: ServiceTown, names: Sequence[str], scratch: Path) -> None:
    """Install version 1.0 of a package on hosts, and let their one repository have 2.0."""
    for name in names:
        for version in ("1.0", "2.0"):
            folder = scratch / f"{name}-{version}"
            give(town.server(name), hosts_of(town), version, scratch=folder)
            if version == "1.0":
                on(town, name, f"apt-get -q update && apt-get -qy install {PACKAGE}")


def version_on(town: ServiceTown, name: str) -> str:
    """Return the version of the package, and how it stands."""
    query = f"dpkg-query -W -f '${{Version}} ${{db:Status-Status}}' {PACKAGE}"
    return on(town, name, query)


def run_until(
    town: ServiceTown, plan: Path, ending: str, *, environment: Mapping[str, str]
) -> None:
    """Run a plan, and kill it hard a moment after it says a line that ends so."""
    line = [PROGRAM, "maintenance", "run", str(plan), "--site", str(town.directory)]
    process = subprocess.Popen(
        [*line, "--yes", "--outside-window"],
        env=town.environment(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(said.rstrip().endswith(ending) for said in process.stderr), f"nothing said {ending}"
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
