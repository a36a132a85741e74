"""A small city of real hosts, without a cloud: databases, backup hosts, a spare, far and near.

`python -m tests.lab.service_town FOLDER` brings it up to be tried by hand, `... FOLDER down` takes
it away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.adapters.state_dir import StateDirectory
from orchestrator.errors import HostError
from orchestrator.lab.contents import hosts_of_site
from orchestrator.lab.hosts.asking import ask
from orchestrator.lab.hosts.life import hosts_forget, hosts_stop, hosts_up
from orchestrator.lab.hosts.network import socket_path
from orchestrator.lab.hosts.record import read_hosts
from orchestrator.lab.settings import LabSettings
from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran
from orchestrator.providers.host.ssh import SshHosts
from orchestrator.spec.load import load_site
from orchestrator.workflows.host_facts import boot_of

BASE = Path(__file__).parents[1] / "cases" / "_base"
OVER = Path(__file__).parent / "service_city"
REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("orchestrator")
ENVIRONMENT = os.environ  # noqa: TID251 - the tests' one door to settings
VENV = Path(ENVIRONMENT.get("ORCHESTRATOR_LAB_VENV", f"{REPOSITORY}/.lab/venv"))
SSH_PORT = 22
HOST_SECONDS = 60.0
COMMAND_SECONDS = 900
"""Six clusters on three hosts that have nothing yet, on two cores that others use, too."""


class ServiceTown:
    """A copy of the site, and a lab's folder that has hosts and nothing else."""

    def __init__(self, folder: Path) -> None:
        """Write the site where it is not yet."""
        self.directory = folder / "site"
        if not self.directory.exists():
            shutil.copytree(BASE, self.directory)
            shutil.copytree(OVER, self.directory, dirs_exist_ok=True)
        self.settings = LabSettings(directory=folder / "lab", venv=VENV)
        self.vault = AnsibleVaultSecrets(self.directory)

    def leave_out(self, tenants: Sequence[str]) -> None:
        """Take tenants out of the site."""
        path = self.directory / "tenancy" / "lab.yaml"
        layer = yaml.safe_load(path.read_text())
        layer["tenants"] = [one for one in layer["tenants"] if one["name"] not in tenants]
        path.write_text(yaml.safe_dump(layer, allow_unicode=True))

    def up(self, names: Sequence[str]) -> None:
        """Boot these hosts; they answer SSH a second or two later."""
        self.settings.directory.mkdir(parents=True, exist_ok=True)
        site = load_site(self.directory).site
        record = hosts_up(self.settings, hosts_of_site(site, self.vault, names), lambda step: None)
        assert record is not None, "this machine cannot boot hosts"
        places = {
            host.spec.address: {"host": record.address(host), "port": SSH_PORT}
            for host in record.hosts
        }
        self.settings.endpoints.write_text(json.dumps({"ssh": places}))

    def down(self) -> None:
        """Take the hosts and their network away."""
        hosts_stop(self.settings)
        hosts_forget(self.settings)

    def power(self, name: str, state: str) -> Any:
        """Switch one host as its BMC would: `On`, `ForceOff`, `ForceRestart`."""
        request = {"do": "power", "host": name, "state": state}
        return ask(socket_path(self.settings.directory), request)

    def erase(self, name: str) -> None:
        """Take a host's disk away: when it is switched on again, it is bare, with a new key."""
        self.power(name, "ForceOff")
        (self.settings.hosts / name / "ready").unlink()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line with the lab's endpoints, and wait for it."""
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return what the command line needs to find the hosts."""
        return {
            **ENVIRONMENT,
            "ORCHESTRATOR_ENDPOINTS": str(self.settings.endpoints),
            "COLUMNS": "120",
            **extra,
        }

    def told(self, group: str, verb: str, *rest: str, code: int = 0) -> Any:
        """Run the command line on the site, expect its exit code, and return its JSON, if any."""
        done = self.run(group, verb, "--site", str(self.directory), *rest, "-o", "json")
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout) if done.stdout else done.stderr

    def hosts(self) -> SshHosts:
        """Return the way to the hosts, which the command line goes, too."""
        return SshHosts(
            endpoints=json.loads(self.settings.endpoints.read_text()),
            secrets=self.vault,
            folder=StateDirectory.of_site(self.directory).hosts,
        )

    def ran(self, host: str, command: str, *, given: str = "", within: float = HOST_SECONDS) -> Ran:
        """Run a command on a host, as root."""
        return self.hosts().run(self.server(host), command, within=within, given=given)

    def on(self, host: str, command: str, *, given: str = "", within: float = HOST_SECONDS) -> str:
        """Run a command on a host, as root; it has to succeed."""
        ran = self.ran(host, command, given=given, within=within)
        assert ran.status == 0, f"{host}: {command[:60]}: {ran.err or ran.out}"
        return ran.out

    def await_host(self, name: str, *, within: float = HOST_SECONDS) -> str:
        """Return the boot that a host is in, once it says so."""
        deadline = time.monotonic() + within
        while True:
            try:
                return boot_of(self.server(name), self.hosts())[0]
            except HostError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def server(self, name: str) -> Server:
        """Return what the site declares of one server."""
        servers = load_site(self.directory).site.hardware.servers
        return next(server for server in servers if server.name == name)

    def root_of(self, name: str) -> Path:
        """Return where one host's changed files lie on this machine: its overlay's upper layer."""
        record = read_hosts(self.settings.hosts)
        assert record is not None and name in record.by_name()
        return self.settings.hosts / name / "upper"


def main(folder: str, *rest: str) -> None:
    """Bring the town up, or take it down."""
    town = ServiceTown(Path(folder))
    if rest == ("down",):
        town.down()
        return
    town.up(rest or ("db-1", "db-2", "dr-db-1", "bak-1", "dr-bak-1", "dr-spare-1"))
    print(f"export ORCHESTRATOR_ENDPOINTS={town.settings.endpoints}")  # noqa: T201 - by hand
    print(f"# the site: {town.directory}")  # noqa: T201 - by hand


if __name__ == "__main__":
    main(*sys.argv[1:])
