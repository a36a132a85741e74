"""The test city made ready for a rolling upgrade: databases, one package that is due, a client."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.model.declared_service import declared_services
from orchestrator.spec.load import load_site
from tests.lab.package_archive import PACKAGE, give
from tests.lab.service_town import PROGRAM, ServiceTown
from tests.lab.writing_client import WritingClient, report_lines

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
BOOT_SECONDS = 90.0
LONGEST_GAP_SECONDS = 30.0
INSTALL_SECONDS = 1800.0


def add_client(town: ServiceTown) -> None:
    """Declare a host for the client, which is not maintained."""
    (town.directory / "hardware" / "client.yaml").write_text(CLIENT_FILE)


def service_names(town: ServiceTown) -> list[str]:
    """Return all services of the city."""
    return [one.name for one in declared_services(load_site(town.directory).site)]


def make_due(town: ServiceTown, names: Sequence[str], scratch: Path) -> None:
    """Install version 1.0 of a package on hosts, and let their one repository have 2.0."""
    for name in names:
        for version in ("1.0", "2.0"):
            folder = scratch / f"{name}-{version}"
            give(town.server(name), town.hosts(), version, scratch=folder)
            if version == "1.0":
                town.on(
                    name,
                    f"apt-get -q update && apt-get -qy install {PACKAGE}",
                    within=INSTALL_SECONDS,
                )


def version_on(town: ServiceTown, name: str) -> str:
    """Return the version of the package, and how it stands."""
    query = f"dpkg-query -W -f '${{Version}} ${{db:Status-Status}}' {PACKAGE}"
    return town.on(name, query)


def orchestrator(town: ServiceTown, *words: str) -> str:
    """Run the command line on the city; it has to succeed."""
    done = town.run(*words, "--site", str(town.directory))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tell(title: str, client: WritingClient) -> None:
    """Print what was measured; pytest shows it with -s, and where a test fails."""
    sys.stdout.write("\n  ".join([title, *report_lines(client.served)]) + "\n")


def expect_rolled(town: ServiceTown, boots: Mapping[str, str], client: WritingClient) -> None:
    """Expect the hosts patched and in other boots than before, and that no database was missed."""
    for name, boot in boots.items():
        assert version_on(town, name) == "2.0 installed"
        now = town.await_host(name, within=BOOT_SECONDS)
        assert now != boot, f"{name} was not rebooted"
    for name, one in client.served.items():
        assert (one.missing, one.unread) == (0, 0), name
        assert max(one.gaps, default=0.0) < LONGEST_GAP_SECONDS, name


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
