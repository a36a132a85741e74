"""One device of the lab's network: a Linux machine of namespaces, with an /etc of its own.

It has its own network, mounts, name and processes. Its first process is sshd, which lets in the
declared user and nobody else; the rest of the machine's files are there to read only. What is kept
is its /etc and root's home, in the lab's folder: it boots from them as a real one does.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.network.spec import DeviceSpec
from orchestrator.lab.this_machine import COMMAND_SECONDS, SEARCHED, run
from orchestrator.model.network import Platform
from orchestrator.model.units import Secret

_OF_THE_MACHINE = (
    *("alternatives", "bash.bashrc", "group", "iproute2", "ld.so.cache", "ld.so.conf"),
    *("ld.so.conf.d", "localtime", "login.defs", "nsswitch.conf", "profile", "protocols"),
    *("services", "shells"),
)
"""What of this machine's /etc its programs need; nothing in it is secret."""

_SYSTEM_USERS = ("sshd", "frr", "nobody")
_SSHD = """\
Port 22
ListenAddress {address}
HostKey /etc/ssh/host_key
AllowUsers {user}
PermitRootLogin yes
PasswordAuthentication {password}
KbdInteractiveAuthentication no
PubkeyAuthentication {key}
AuthorizedKeysFile /etc/ssh/authorized_keys
StrictModes no
UsePAM no
UseDNS no
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
PidFile none
Subsystem sftp internal-sftp
"""
"""The declared user has the number 0, because a device's administrator is its root; the user
called root is locked and not among those that may log in."""

_PAM_OF_VTYSH = "auth sufficient pam_rootok.so\naccount required pam_permit.so\n"
_FRR_CONF = "frr defaults traditional\nservice integrated-vtysh-config\n"
FRR_DAEMONS = "zebra staticd bgpd"

BOOT = """
set -eu
etc=$1 home=$2 name=$3 daemons=$4 lines=$5
mount --make-rprivate /
mount --bind "$etc" /etc
mount --bind "$home" /root
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=1777 none /tmp
mount -t tmpfs -o mode=1777 none /var/tmp
mount -t tmpfs -o mode=755 none /var/log
mount -o remount,bind,ro /
mkdir -p /run/sshd /run/frr /run/lock
hostname "$name"
cd /root
nft flush ruleset
for line in $lines; do ip addr flush dev "$line" scope global; done
if [ -s /etc/nftables.conf ]; then
  nft -f /etc/nftables.conf || echo "/etc/nftables.conf was not loaded"
fi
if [ -n "$daemons" ]; then
  chown frr:frr /run/frr
  for daemon in $daemons; do /usr/lib/frr/$daemon -d -A 127.0.0.1; done
  vtysh -b || echo "not all of /etc/frr/frr.conf was understood"
fi
exec "$(command -v sshd)" -D -e -f /etc/ssh/sshd_config
"""
"""What the kernel still has of an earlier life (rules, addresses of lines) goes first: a device
that restarts has what it saved, and no more. sshd stays as the first process and reaps the others.
"""


_DETACH = '"$@" </dev/null >>"$0" 2>&1 &'
"""The device is nobody's child: it outlives the command that starts it."""


class DeviceFolder:
    """What is kept of one device."""

    def __init__(self, folder: Path) -> None:
        """Take the device's folder."""
        self._etc = folder / "etc"
        self._home = folder / "root"

    def prepare(self, device: DeviceSpec) -> None:
        """Write its /etc, where it has none, and its login in any case; what it saved stays.

        Raises:
            LabError: a command failed.
        """
        for folder in (self._etc / "ssh", self._etc / "frr", self._home):
            folder.mkdir(parents=True, exist_ok=True)
        self._etc.parent.chmod(0o700)
        for folder in (self._etc, self._etc / "ssh"):
            folder.chmod(0o755)
        self._copy_of_the_machine()
        host_key = self._etc / "ssh" / "host_key"
        if not host_key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", device.name, "-f",
                str(host_key))  # fmt: skip
        self._write_login(device)
        (self._etc / "hostname").write_text(f"{device.name}\n")
        (self._etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {device.name}\n")
        if device.platform is Platform.FRR:
            self._prepare_frr()

    def start(self, device: DeviceSpec, namespace: str, *, lines: str, log: Path) -> None:
        """Start the device; it answers some moments later."""
        daemons = FRR_DAEMONS if device.platform is Platform.FRR else ""
        command = [
            *("ip", "netns", "exec", namespace),
            *("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"),
            *("--mount-proc", "sh", "-c", BOOT, "boot"),
            *(str(self._etc), str(self._home), device.name, daemons, lines),
        ]
        subprocess.run(  # noqa: S603 - our own argument list; the shell text is a constant
            ["/bin/sh", "-c", _DETACH, str(log), *command],
            env={"PATH": SEARCHED, "LANG": "C.UTF-8", "HOME": "/root"},
            start_new_session=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )

    def _copy_of_the_machine(self) -> None:
        for name in _OF_THE_MACHINE:
            source, target = Path("/etc", name), self._etc / name
            if source.is_file():
                shutil.copyfile(source, target)
            elif source.is_dir() and not target.exists():
                draft = target.with_name(f".{name}")
                shutil.rmtree(draft, ignore_errors=True)
                shutil.copytree(source, draft, symlinks=True)
                draft.rename(target)

    def _write_login(self, device: DeviceSpec) -> None:
        users = [f"{device.user}:x:0:0::/root:/bin/bash", "root:x:0:0::/root:/usr/sbin/nologin"]
        machine = Path("/etc/passwd").read_text().splitlines()
        users += [line for line in machine if line.partition(":")[0] in _SYSTEM_USERS]
        (self._etc / "passwd").write_text("".join(f"{line}\n" for line in users))
        hashed = password_hash(device.password) if device.password else "*"
        _write_private(self._etc / "shadow", f"{device.user}:{hashed}:::::::\nroot:*:::::::\n")
        (self._etc / "ssh" / "authorized_keys").write_text(f"{device.public_key}\n")
        (self._etc / "ssh" / "sshd_config").write_text(
            _SSHD.format(
                address=device.address,
                user=device.user,
                password="yes" if device.password else "no",
                key="yes" if device.public_key else "no",
            )
        )

    def _prepare_frr(self) -> None:
        folder = self._etc / "frr"
        file = folder / "frr.conf"
        if not file.exists():
            file.write_text(_FRR_CONF)
        (folder / "vtysh.conf").write_text("service integrated-vtysh-config\n")
        pam = self._etc / "pam.d"
        pam.mkdir(exist_ok=True)
        (pam / "frr").write_text(_PAM_OF_VTYSH)
        try:
            for path in (folder, file, folder / "vtysh.conf"):
                shutil.chown(path, "frr", "frr")
        except LookupError as error:
            raise LabError(
                "this machine has no user `frr`", remedy="Install the package frr anew."
            ) from error
        folder.chmod(0o750)


def password_hash(password: Secret) -> str:
    """Return a password's hash for a shadow file, by the system's own crypt(3): SHA-512.

    Raises:
        LabError: this machine has no libcrypt.
    """
    name = ctypes.util.find_library("crypt")
    if name is None:
        raise LabError("libcrypt is missing", remedy="Install the package libcrypt1.")
    library = ctypes.CDLL(name)
    library.crypt.restype = ctypes.c_char_p
    salt = f"$6${secrets.token_hex(8)}$"
    found = library.crypt(password.reveal().encode(), salt.encode())
    if not found or not found.startswith(b"$6$"):
        raise LabError("libcrypt makes no SHA-512 hash")
    return str(found.decode())


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
