"""The lab's network of a small site of two regions, without the rest of a lab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.compile.targets import configured_devices
from orchestrator.lab.network.commands import NAMESPACES, missing_for_network
from orchestrator.lab.network.life import network_forget, network_stop, network_up
from orchestrator.lab.network.live import LiveNetwork
from orchestrator.lab.network.record import (
    NetworkRecord,
    cable_name,
    namespace_prefix,
    read_network,
)
from orchestrator.lab.network.spec import network_of_site
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.this_machine import run
from orchestrator.model.network import Platform
from orchestrator.spec.load import load_site
from orchestrator.verify.judge import Verdict

ENVIRONMENT = os.environ  # noqa: TID251 - the tests' one door to settings
TODAY = date(2026, 11, 22)
BASE = Path(__file__).parents[1] / "cases" / "_base"
OVER = Path(__file__).parent / "two_regions"
MISSING = ", ".join(missing_for_network())
LOAD = {Platform.NFTABLES: "nft -f -", Platform.FRR: "cat > /tmp/text && vtysh -f /tmp/text"}
SAVE = {
    Platform.NFTABLES: "nft list ruleset > /etc/nftables.conf",
    Platform.FRR: "vtysh -c 'write memory'",
}
UP = """
import sys
from pathlib import Path
from tests.lab.network_town import NetworkTown
NetworkTown(Path(sys.argv[1])).up()
"""


class NetworkTown:
    """A copy of the site, and a lab's folder for its network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.directory = folder / "site"
        if not self.directory.exists():
            shutil.copytree(BASE, self.directory)
            shutil.copytree(OVER, self.directory, dirs_exist_ok=True)
        self.settings = LabSettings(directory=folder / "lab", venv=folder / "none")
        self.site = load_site(self.directory).site
        self.vault = AnsibleVaultSecrets(self.directory)
        self.said: list[str] = []
        self.record: NetworkRecord | None = None

    def up(self) -> None:
        contents = network_of_site(self.site, self.vault)
        self.endpoints = network_up(self.settings, contents, lambda s: self.said.append(s.text))
        self.record = read_network(self.settings.network)

    def up_in_another_process(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", UP, str(self.folder)])

    def down(self) -> None:
        network_stop(self.settings)
        network_forget(self.settings)

    @property
    def namespaces(self) -> list[str]:
        prefix = namespace_prefix(self.settings.directory)
        return sorted(path.name for path in NAMESPACES.glob(f"{prefix}*"))

    @property
    def has_cable(self) -> bool:
        return Path("/sys/class/net", cable_name(self.settings.directory)).exists()

    def namespace(self, device: str) -> str:
        return f"{namespace_prefix(self.settings.directory)}{device}"

    def reached(self, device: str) -> str:
        assert self.record is not None
        return next(each.reached for each in self.record.devices if each.name == device)

    def ssh(self, device: str, command: str, *, given: str = "", **login: Any) -> str:
        """Run a command as the declared user, or as somebody else."""
        declared = next(each.login for each in self.site.network.devices if each.name == device)
        assert declared is not None
        arguments: dict[str, Any] = {"username": declared.user}
        if declared.password:
            arguments["password"] = self.vault.get(declared.password).reveal()
        if declared.key:
            text = StringIO(self.vault.get(declared.key).reveal())
            arguments["pkey"] = paramiko.Ed25519Key.from_private_key(text)
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect(
                self.reached(device), timeout=10, allow_agent=False, look_for_keys=False,
                **{**arguments, **login},
            )  # fmt: skip
            stdin, stdout, stderr = client.exec_command(command, timeout=30)
            stdin.write(given)
            stdin.channel.shutdown_write()
            printed = stdout.read().decode()
            status = stdout.channel.recv_exit_status()
            assert status == 0, f"{device}: {command}: {printed}{stderr.read().decode()}"
            return printed
        finally:
            client.close()

    def json(self, device: str, command: str) -> Any:
        return json.loads(self.ssh(device, f"vtysh -c '{command} json'"))

    def orchestrator(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on the site, with the lab's endpoints and no cloud."""
        endpoints = self.folder / "endpoints.json"
        endpoints.write_text(
            json.dumps(
                {
                    "ssh": {
                        address: {"host": host, "port": port}
                        for address, (host, port) in self.endpoints.items()
                    }
                }
            )
        )
        return subprocess.run(
            [Path(sys.executable).with_name("orchestrator"), *arguments],
            env={
                **ENVIRONMENT,
                "ORCHESTRATOR_SITE": str(self.directory),
                "ORCHESTRATOR_ENDPOINTS": str(endpoints),
                "ORCHESTRATOR_LAB_DIR": str(self.settings.directory),
                "COLUMNS": "140",
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def load_everything(self) -> None:
        """Give every device its text with the standard tools, as an operator would."""
        for config in configured_devices(self.site, today=TODAY):
            self.ssh(config.device.name, LOAD[config.platform], given=config.text)

    def inside(self, device: str, *command: str) -> str:
        """Run a command on a device's console."""
        return run("ip", "netns", "exec", self.namespace(device), *command)

    def verdicts(self) -> list[Verdict]:
        live = LiveNetwork(self.settings)
        return list(live.verdicts(self.site, today=TODAY, watch=self.said.append))


@contextmanager
def running_network(folder: Path) -> Iterator[NetworkTown]:
    """Bring a network up, and take it down in any case."""
    town = NetworkTown(folder)
    try:
        town.up()
        yield town
    finally:
        town.down()
