"""The lab's SNMP agents alone, in the lab's environment: up in a second or two, on free ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.lab.configs.snmp import SnmpContents, render_devices
from orchestrator.lab.health import answers
from orchestrator.lab.service_files import CODE
from orchestrator.lab.settings import HOST

START_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Agents:
    """Agents that run."""

    port: int
    pid: int
    seconds: float
    """From the start of the process to its first answer."""
    endpoints: Mapping[str, Any]

    @property
    def memory_mib(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def _free_port() -> int:
    """Return a port that nobody has, neither over TCP nor over UDP: agents use both."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind((HOST, 0))
        port = int(tcp.getsockname()[1])
        udp.bind((HOST, port))
        return port


@contextmanager
def running_agents(folder: Path, venv: Path, contents: SnmpContents) -> Iterator[Agents]:
    """Start the agents of these devices, and stop them in any case."""
    port = _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "devices.json").write_text(render_devices(contents))
    start = {
        "service": "snmp",
        "config": str(folder),
        "port": port,
        "access_log": str(folder / "access.log"),
        "threads": 2,
        "options": {"state": str(folder / "state")},
    }
    (folder / "start.json").write_text(json.dumps(start))
    began = time.monotonic()
    with (folder / "out.log").open("a") as log:
        process = subprocess.Popen(
            [venv / "bin/python", "-m", "labcloud.serve", str(folder / "start.json")],
            env={"PYTHONPATH": str(CODE), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        while not answers(port):
            assert process.poll() is None, (folder / "out.log").read_text()[-2000:]
            assert time.monotonic() - began < START_SECONDS
            time.sleep(0.05)
        yield Agents(
            port=port,
            pid=process.pid,
            seconds=time.monotonic() - began,
            endpoints={
                "snmp": {
                    device.address: {
                        "host": HOST,
                        "port": port,
                        "community": device.name,
                        "context": device.name,
                    }
                    for device in contents.devices
                }
            },
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
