"""A plain sshd of the test's own on the loopback: its keys, its settings, its port, its user."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass
class Sshd:
    """The daemon: it can be stopped, and come back with another host key."""

    folder: Path
    port: int
    user: str = field(default_factory=getpass.getuser)
    process: subprocess.Popen[bytes] | None = None
    more: str = ""
    """Lines of its settings beside the usual ones."""

    @property
    def private_key(self) -> str:
        return (self.folder / "client").read_text()

    def start(self) -> None:
        assert SSHD is not None
        settings = self.folder / "sshd_config"
        settings.write_text(SETTINGS.format(port=self.port, folder=self.folder) + self.more)
        Path("/run/sshd").mkdir(exist_ok=True)  # where Debian's sshd puts its unprivileged half
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(settings)],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd did not start")

    def stop(self) -> None:
        """End the daemon and the connections that it has taken."""
        if self.process is None:
            return
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(timeout=10)
        self.process = None

    def _children(self) -> list[int]:
        assert self.process is not None
        found, front = [], {self.process.pid}
        while front:
            next_front = set()
            for status in Path("/proc").glob("[0-9]*/stat"):
                try:
                    after = status.read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(after[1]) in front:
                    next_front.add(int(status.parent.name))
            found += sorted(next_front)
            front = next_front
        return found

    def make_host_key(self) -> None:
        for suffix in ("", ".pub"):
            (self.folder / f"host{suffix}").unlink(missing_ok=True)
        _make_key(self.folder / "host")


def _make_key(file: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True, timeout=20
    )


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """Start one, and end it in any case."""
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = Sshd(folder=folder, port=port)
    _make_key(folder / "client")
    daemon.make_host_key()
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
