"""Read and set up every PDU, UPS and sensor of the reference city, against the lab's agents."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.lab.configs.snmp import SnmpContents
from orchestrator.lab.snmp_devices import devices_of_site
from orchestrator.planning.room_devices import room_devices
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.read import SnmpRoomDevices
from orchestrator.providers.snmp.wire import SnmpWire
from orchestrator.spec.load import load_site
from tests.contract.snmp_agents import running_agents

REPOSITORY = Path(__file__).parents[2]
VENV = REPOSITORY / ".lab" / "venv"


def main() -> None:
    """Print what it takes."""
    site = load_site(REPOSITORY / "inventory" / "yangzhou").site
    contents = SnmpContents(devices=tuple(devices_of_site(site)))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_agents(Path(folder), VENV, contents) as agents,
    ):
        _say("agents start", agents.seconds, f"{len(contents.devices)} devices")
        secrets = AnsibleVaultSecrets(Path(folder), None)
        rooms = SnmpRoomDevices(SnmpAccess(endpoints=agents.endpoints, secrets=secrets), SnmpWire())
        devices = room_devices(site)
        taken = _seconds(lambda: rooms.read(devices))
        _say("read all", taken, f"{agents.memory_mib} MiB in the agents")
        rooms.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _say(what: str, seconds: float, more: str) -> None:
    sys.stdout.write(f"{what:<24}{seconds:8.2f} s   {more}\n")


if __name__ == "__main__":
    main()
