"""The file system of one host: an overlay on an image, made personal before its first boot."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import ip_interface
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.hosts.record import BootedHost, HostsRecord
from orchestrator.lab.this_machine import run

NETWORK_UNIT = """\
[Match]
Name=host0

[Network]
Address={address}/24
Gateway={gateway}
LinkLocalAddressing=no
"""

DECLARED_UNIT = """
[Address]
Address={declared}
"""

NEIGHBOUR_UNIT = """
[Route]
Destination={network}
PreferredSource={declared}
"""
"""Hosts of one lab reach each other at their declared addresses, which are all on its bridge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """What a host's disk is written with."""

    layer: str
    """The root of the image."""
    hostname: str
    user: str
    keys: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """By path: what the deployment puts there."""
    image: str = ""
    """Name of the deployed image; empty for the system that the lab gave the host."""
    sha256: str = ""


class HostRoot:
    """The folder of one host: what it was written with, its changes, and its mount point.

    The mounts live in the supervisor's own mount namespace and end with it.
    """

    def __init__(self, folder: Path) -> None:
        """Take the host's folder."""
        self.folder = folder
        self.root = folder / "root"
        self._writing = folder / "writing.json"
        self._ready = folder / "ready"

    @property
    def is_blank(self) -> bool:
        """Say whether nothing was ever written to the disk."""
        return not self._writing.exists()

    @property
    def image(self) -> str:
        """Return the name of the deployed image; empty for none."""
        try:
            return self.writing().image
        except LabError:
            return "" if self.is_blank else "unknown"

    def writing(self) -> Writing:
        """Return what the disk is to hold.

        Raises:
            LabError: nothing was ever written, or what was written cannot be told.
        """
        try:
            raw = json.loads(self._writing.read_text())
            return Writing(**{**raw, "keys": tuple(raw["keys"])})
        except FileNotFoundError as error:
            raise LabError(f"nothing was ever written to the disk in {self.folder}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise LabError(
                f"{self._writing} cannot be read: {error}",
                remedy="Deploy the server again, or remove the host: lab up SITE --hosts=OTHERS",
            ) from error

    def write(self, writing: Writing) -> None:
        """Write the disk anew; killed halfway, the next boot does it again from the start."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ready.unlink(missing_ok=True)
        draft = self._writing.with_suffix(".draft")
        with draft.open("w") as content:
            json.dump(asdict(writing), content, indent=1)
            content.flush()
            os.fsync(content.fileno())
        draft.replace(self._writing)
        self._make(writing)

    def mount(self, host: BootedHost, record: HostsRecord) -> Path:
        """Mount the disk, and tell the system in it its address and names; return its root."""
        writing = self.writing()
        if not self._ready.exists():
            self._make(writing)
        elif not self.root.is_mount():
            self._mount(writing)
        put(self.root, "etc/systemd/network/10-host0.network", network_unit(host, record))
        put(self.root, "etc/resolv.conf", Path("/etc/resolv.conf").read_text())
        return self.root

    def remove(self) -> None:
        """Forget the host."""
        self.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def unmount(self) -> None:
        """Take the disk out of the supervisor's sight."""
        if self.root.is_mount():
            run("umount", "--lazy", str(self.root))

    def _make(self, writing: Writing) -> None:
        self.unmount()
        for name in ("upper", "work"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
            # It becomes the host's own root folder, whatever our umask is.
            (self.folder / name).chmod(0o755)
        self._mount(writing)
        _personalise(self.root, writing)
        self._ready.touch()

    def _mount(self, writing: Writing) -> None:
        self.root.mkdir(exist_ok=True)
        options = (
            f"lowerdir={writing.layer},upperdir={self.folder / 'upper'},"
            f"workdir={self.folder / 'work'}"
        )
        run("mount", "-t", "overlay", "overlay", "-o", options, str(self.root))


def network_unit(host: BootedHost, record: HostsRecord) -> str:
    """Return systemd-networkd's unit of a host: the lab's address, and the declared one."""
    unit = NETWORK_UNIT.format(address=record.address(host), gateway=record.gateway)
    declared = host.spec.address
    if not declared:
        return unit
    routes = (
        NEIGHBOUR_UNIT.format(network=network, declared=declared)
        for network in host.spec.neighbours
    )
    return unit + DECLARED_UNIT.format(declared=ip_interface(declared)) + "".join(routes)


def disks_in(folder: Path) -> list[HostRoot]:
    """Return the disks that were written in the folder of all hosts."""
    disks = (HostRoot(each) for each in sorted(folder.iterdir()))
    return [disk for disk in disks if not disk.is_blank]


def put(root: Path, path: str, text: str) -> Path:
    """Write a file of a host's disk, and return where it is.

    A link in its place is replaced, not followed: an image's `/etc/hosts` may be a link to what is
    this machine's own from out here.

    Raises:
        LabError: a folder on the way leads out of the disk.
    """
    file = root / path.lstrip("/")
    if not file.parent.resolve().is_relative_to(root.resolve()):
        raise LabError(f"{path} cannot be written: it leads out of the host's disk")
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink():
        file.unlink()
    file.write_text(text)
    return file


def _personalise(root: Path, writing: Writing) -> None:
    put(root, "etc/hostname", f"{writing.hostname}\n")
    put(root, "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {writing.hostname}\n")
    # Empty: each host makes its own at its first boot.
    put(root, "etc/machine-id", "")
    run("ssh-keygen", "-q", "-A", "-f", str(root))
    user = writing.user
    if user != "root":
        # Not there yet, or there already in an image that brings it along.
        users = (root / "etc" / "passwd").read_text().splitlines()
        if user not in [line.partition(":")[0] for line in users]:
            run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", user)
        rule = put(root, "etc/sudoers.d/90-orchestrator", f"{user} ALL=(ALL) NOPASSWD: ALL\n")
        rule.chmod(0o440)
    _authorize(root, writing)
    for path, text in writing.files.items():
        put(root, path, text)


def _authorize(root: Path, writing: Writing) -> None:
    """Let the keys in: as root's file, which sshd takes from a home that is the user's."""
    home = "root" if writing.user == "root" else f"home/{writing.user}"
    keys = "".join(f"{key}\n" for key in writing.keys)
    file = put(root, f"{home}/.ssh/authorized_keys", keys)
    file.chmod(0o600)
    file.parent.chmod(0o700)
    owner = f"{writing.user}:{writing.user}"
    run("chroot", str(root), "chown", "-R", owner, f"/{home}/.ssh")
