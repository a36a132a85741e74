"""One host as a systemd-nspawn process: on while that process runs, and off when it does not."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from orchestrator.lab.hosts.control_groups import entering
from orchestrator.lab.hosts.record import BootedHost, HostsRecord
from orchestrator.lab.hosts.root import HostRoot
from orchestrator.lab.this_machine import SEARCHED

REBOOT_STATUS = 133
"""systemd-nspawn's exit status with --keep-unit when the system inside asked for a reboot."""

CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"),
)
"""Ends with the thread that started it, and everything inside ends with it."""


class Machine:
    """A host that is switched on and off. Only one thread may start it: it dies with that thread.

    nspawn is the first process of a PID namespace: however it ends, SIGKILL included, the kernel
    ends everything inside with it, and it ends with the supervisor.
    """

    def __init__(self, folder: Path, host: BootedHost) -> None:
        """Take the host and its folder; it is off."""
        self.host = host
        self.disk = HostRoot(folder)
        self._console = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.restarts = False
        """It is to be switched on again when it is off."""

    @property
    def is_on(self) -> bool:
        """Say whether the host runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Return nspawn's process id."""
        if self._process is None or not self.is_on:
            return None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            first = children.read_text().split()[:1]
        except OSError:
            return None
        return int(first[0]) if first else None

    def start(self, record: HostsRecord) -> None:
        """Boot the host."""
        root = self.disk.mount(self.host, record)
        command = [
            *entering(record.machine(self.host)),
            *CONTAINED,
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
            f"--directory={root}",
            f"--network-bridge={record.bridge}",
            f"--machine={record.machine(self.host)}",
            f"--hostname={self.host.spec.name}",
            *("--console=passive", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        ]
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(  # noqa: S603 - our own argument list, no shell
                command,
                env={"PATH": SEARCHED},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def shut_down(self) -> None:
        """Ask the system inside to shut down; it goes off when that is done."""
        self._signal(signal.SIGTERM)

    def cut_off(self) -> None:
        """Take the power away, even in the moment in which nspawn is only being started."""
        self._signal(signal.SIGKILL)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def take_exit(self) -> int | None:
        """Return the exit status of a host that has gone off since it was last asked, or None."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process = None
        return status

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
