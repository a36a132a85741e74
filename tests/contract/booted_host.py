"""A Debian that boots: the lab's image, an overlay, systemd-nspawn, one line to this machine."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from orchestrator.lab.hosts.image import ensure_image
from tests.contract.own_subnet import own_subnet

TOOLS = ("mmdebstrap", "systemd-nspawn", "ip", "mount")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
NETWORK = "[Match]\nName=host0\n[Network]\nAddress={address}/30\n"
USER = "orchestrator"
FIRST_OCTET = 128
"""Those below are of the Linux devices."""
_HOSTS = count()


@dataclass
class BootedHost:
    """The host while it runs: its root is looked at from outside."""

    root: Path
    address: str
    neighbour: str
    """This machine, as the host sees it: it answers on TCP port 53."""
    private_key: str
    process: subprocess.Popen[bytes]
    _stop: threading.Event = field(default_factory=threading.Event)

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def shell(self, command: str) -> str:
        """Run a command as the login user, and return what it printed."""
        done = subprocess.run(
            [
                "ssh", "-i", str(self.root.parent / "key"), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                f"{USER}@{self.address}", command,
            ],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def content(self) -> dict[str, str]:
        """Return a digest of every file below /etc, but for what changes by itself."""
        etc = self.root / "etc"
        found = {}
        for file in sorted(etc.rglob("*")):
            if file.is_symlink():
                found[str(file)] = str(file.readlink())
            elif file.is_file():
                found[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


@contextmanager
def booted_host(folder: Path, images: Path) -> Iterator[BootedHost]:
    """Boot one from the lab's image, and take all of it away in any case."""
    base = ensure_image(images, lambda step: None)
    name = f"play{secrets.token_hex(3)}"
    octet = FIRST_OCTET + 4 * next(_HOSTS)
    neighbour, address = f"{own_subnet()}.{octet + 1}", f"{own_subnet()}.{octet + 2}"
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    root = folder / "root"
    layers = f"lowerdir={base},upperdir={folder}/upper,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    process = None
    log = (folder / "boot.log").open("wb")
    try:
        key = _prepare(root, folder, address)
        process = subprocess.Popen(
            [
                "systemd-nspawn", "--boot", "--quiet", f"--machine={name}", f"--directory={root}",
                "--network-veth", "--resolv-conf=off", "--timezone=off", "--register=no",
                "--keep-unit",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )  # fmt: skip
        _join(f"ve-{name}", neighbour)
        host = BootedHost(
            root=root, address=address, neighbour=neighbour, private_key=key, process=process
        )
        with _answering(neighbour, host):
            _await_ssh(host, folder / "boot.log")
            yield host
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        log.close()
        subprocess.run(["umount", str(root)], check=True, timeout=30)


def _prepare(root: Path, folder: Path, address: str) -> str:
    key = folder / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=20
    )
    (root / "etc/systemd/network/10-test.network").write_text(NETWORK.format(address=address))
    subprocess.run(
        ["systemctl", f"--root={root}", "enable", "systemd-networkd", "ssh"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    subprocess.run(["chroot", str(root), "ssh-keygen", "-A"], check=True, capture_output=True)
    subprocess.run(
        ["chroot", str(root), "useradd", "--create-home", "--shell=/bin/bash", USER], check=True
    )
    home = root / "home" / USER / ".ssh"
    home.mkdir(mode=0o700)
    (home / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
    subprocess.run(
        ["chroot", str(root), "chown", "-R", f"{USER}:", f"/home/{USER}/.ssh"], check=True
    )
    (root / "etc/sudoers.d/login").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    return key.read_text()


def _join(link: str, neighbour: str) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        added = subprocess.run(
            ["ip", "address", "add", f"{neighbour}/30", "dev", link], capture_output=True
        )
        if added.returncode == 0:
            subprocess.run(["ip", "link", "set", link, "up"], check=True)
            return
        time.sleep(0.1)
    raise AssertionError(f"{link} did not come: {added.stderr!r}")


@contextmanager
def _answering(address: str, host: BootedHost) -> Iterator[None]:
    """Accept connections on TCP port 53, as a name server that is up does."""
    with socket.create_server((address, 53)) as server:
        server.settimeout(0.2)

        def accept() -> None:
            while not host._stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield
        finally:
            host._stop.set()
            thread.join(timeout=5)


def _await_ssh(host: BootedHost, log: Path) -> None:
    """Wait for the greeting: a connection alone may be taken by whoever is on the default route."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert host.process.poll() is None, f"it did not boot: {log.read_text()[-1000:]}"
        with suppress(OSError), socket.create_connection((host.address, 22), timeout=1) as probe:
            if probe.recv(4) == b"SSH-":
                return
        time.sleep(0.2)
    raise AssertionError("SSH did not answer within a minute")
