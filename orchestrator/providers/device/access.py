"""How a declared network device is reached: its address, or another place, and its login."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import SecretError
from orchestrator.model.network import DeviceLogin, Platform
from orchestrator.model.units import Secret
from orchestrator.ports import SecretStore

SSH_PORT = 22

Tell = Callable[[str], None]
"""Takes a line on what is being done or waited for; from any thread."""

_VAULT = threading.Lock()
"""The vault is opened once, not by every thread at its first question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SshTarget:
    """A machine that is reached by SSH: a device, or the host on a server. Holds no secret."""

    name: str
    address: str
    """As declared; host keys and backups go by it."""
    login: DeviceLogin


@dataclass(frozen=True, kw_only=True, slots=True)
class Target(SshTarget):
    """One device: all that is needed to reach it."""

    platform: Platform
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long is waited for what, in seconds."""

    connect: float = 10.0
    """For each of: the connection, the greeting, the login."""
    command: float = 60.0
    confirm: int = 60
    """After this the device takes back by itself what was not confirmed."""
    come_back: float = 45.0
    """More than `confirm`: how long a device may take to be reachable again."""


def tell_nobody(line: str) -> None:
    """Take a line where nobody watches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAccess:
    """Declared addresses and logins, as SSH wants them, and the folder of what is remembered."""

    endpoints: Mapping[str, Any]
    """`{"ssh": {"10.0.0.1": {"host": ..., "port": ...}}}`: a device behind a bastion, or in the
    lab, is reached at another place than its declared address."""
    secrets: SecretStore
    folder: Path
    """Host keys and backups; private."""
    limits: Limits = Limits()
    tell: Tell = tell_nobody

    def place(self, target: SshTarget) -> tuple[str, int]:
        """Return the host and port where a device is reached."""
        found: Mapping[str, Any] = self.endpoints.get("ssh", {}).get(target.address, {})
        return str(found.get("host", target.address)), int(found.get("port", SSH_PORT))

    def secret(self, target: SshTarget) -> tuple[Secret | None, Secret | None]:
        """Return the password and the private key, of which one is there. Raises SecretError."""
        login = target.login
        if login.password is None and login.key is None:
            raise SecretError(
                f"{target.name} has a login without a password or a key",
                remedy="Declare `password` or `key` in its `login`.",
            )
        with _VAULT:
            password = None if login.password is None else self.secrets.get(login.password)
            key = None if login.key is None else self.secrets.get(login.key)
        return password, key
