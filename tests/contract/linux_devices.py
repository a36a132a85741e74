"""Linux devices to try: a network namespace each, with a real sshd, nft and FRR, and its own /etc.

They have a power button: off kills everything and forgets what runs; on boots from /etc.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.contract.own_subnet import own_subnet

NEEDED = ("ip", "nft", "sshd")
START_SECONDS = 15

_BOOT = """
set -e
mount -t tmpfs none /run
mkdir -p /run/sshd /run/frr
mount --bind {folder}/etc /etc
ip link set lo up
ip addr add {address}/30 dev eth0
ip link set eth0 up
[ ! -e /etc/nftables.conf ] || nft -f /etc/nftables.conf
if [ -n "{frr}" ]; then
  chown frr:frr /run/frr
  for daemon in zebra staticd bgpd; do /usr/lib/frr/$daemon -d -A 127.0.0.1; done
  vtysh -b || true
fi
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config
"""


def lacking(*programs: str) -> str:
    """Return why such devices cannot be made here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [each for each in (*NEEDED, *programs) if shutil.which(each, path=path) is None]
    return f"`{missing[0]}` is not installed" if missing else ""


@dataclass
class LinuxDevice:
    """One device; its management address is reached over a cable of its own."""

    folder: Path
    number: int
    frr: bool = False
    key: str = field(init=False)
    """The private key that root logs in with."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.name = f"orch-dev-{os.getpid()}-{self.number}"
        self._cable = f"od{os.getpid() % 100000}-{self.number}"
        self.folder.mkdir(parents=True)
        shutil.copytree("/etc", self.folder / "etc", symlinks=True)
        for left in ("nftables.conf", "orchestrator"):
            path = self.folder / "etc" / left
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        # The shell of this machine's root may read whatever its owner likes at every start.
        passwd = self.folder / "etc/passwd"
        passwd.write_text(
            re.sub(r"^(root:.*):[^:]*$", r"\1:/bin/sh", passwd.read_text(), count=1, flags=re.M)
        )
        if self.frr:
            frr_conf = self.folder / "etc/frr/frr.conf"
            frr_conf.write_text("frr defaults traditional\nservice integrated-vtysh-config\n")
            shutil.chown(frr_conf, "frr", "frr")
        private = Ed25519PrivateKey.generate()
        self.key = private.private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
        ).decode()
        public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        keys = self.folder / "keys"
        keys.write_bytes(public + b"\n")
        self.new_host_key()
        (self.folder / "sshd_config").write_text(
            f"HostKey {self.folder}/hostkey\nAuthorizedKeysFile {keys}\nPermitRootLogin yes\n"
            "UsePAM no\nStrictModes no\nPidFile none\nLogLevel ERROR\n"
        )

    def add_user(self, name: str, password: str, *, shell: str = "/bin/sh") -> None:
        """Add an account that is root under another name, with a password."""
        hashed = _run("openssl", "passwd", "-6", "-stdin", given=f"{password}\n").strip()
        for file, line in (
            ("passwd", f"{name}:x:0:0::/root:{shell}\n"),
            ("shadow", f"{name}:{hashed}:20000:0:99999:7:::\n"),
        ):
            with (self.folder / "etc" / file).open("a") as accounts:
                accounts.write(line)

    @property
    def gateway(self) -> str:
        """Our side of the cable."""
        return f"{own_subnet()}.{4 * self.number + 1}"

    @property
    def address(self) -> str:
        return f"{own_subnet()}.{4 * self.number + 2}"

    def new_host_key(self) -> None:
        path = self.folder / "hostkey"
        path.unlink(missing_ok=True)
        path.write_text(
            Ed25519PrivateKey.generate()
            .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            .decode()
        )
        path.chmod(0o600)

    def power_on(self) -> None:
        _run("ip", "netns", "add", self.name)
        _run(
            "ip", "link", "add", self._cable, "type", "veth",
            "peer", "name", "eth0", "netns", self.name,
        )  # fmt: skip
        _run("ip", "addr", "add", f"{self.gateway}/30", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        boot = _BOOT.format(folder=self.folder, address=self.address, frr="yes" if self.frr else "")
        with (self.folder / "boot.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, "sh", "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_SECONDS
        while not self._greets():
            assert self._process.poll() is None, (self.folder / "boot.log").read_text()
            assert time.monotonic() < until, "sshd does not answer"
            time.sleep(0.05)

    def power_off(self) -> None:
        """Pull the plug: nothing is written, nothing is asked."""
        for pid in _run("ip", "netns", "pids", self.name).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)
            self._process = None
        _run("ip", "netns", "delete", self.name)
        # The cable goes with its other end, but only when the kernel gets round to it.
        subprocess.run(["ip", "link", "delete", self._cable], capture_output=True, check=False)

    def by_hand(self, command: str, *, given: str = "") -> str:
        """Run a command on the device as somebody at its console would."""
        assert self._process is not None
        return _run(
            "nsenter", "-t", str(self._process.pid), "-m", "-n", "sh", "-c", command, given=given
        )

    def pids(self, program: str) -> list[str]:
        """Return the processes of a program on the device."""
        found = _run("ip", "netns", "pids", self.name).split()
        return [pid for pid in found if _program_of(pid) == program]

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


def _program_of(pid: str) -> str:
    try:
        return Path("/proc", pid, "comm").read_text().strip()
    except FileNotFoundError:  # it has ended meanwhile
        return ""


@contextmanager
def running_device(
    folder: Path, number: int, *, frr: bool = False, users: Mapping[str, str] | None = None
) -> Iterator[LinuxDevice]:
    """Start a device with accounts (name: password), and take it away in any case."""
    device = LinuxDevice(folder, number, frr)
    for name, password in (users or {}).items():
        device.add_user(name, password)
    try:
        device.power_on()
        yield device
    finally:
        if Path("/run/netns", device.name).exists():
            device.power_off()


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
    return done.stdout
