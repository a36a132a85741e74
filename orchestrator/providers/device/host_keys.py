"""Host keys, pinned at first contact like the certificates of BMCs."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

import paramiko

from orchestrator.errors import StateError
from orchestrator.providers.device.access import SshTarget
from orchestrator.providers.device.faults import DeviceError, DeviceFault


@dataclass(frozen=True, slots=True)
class PinnedHostKey(paramiko.MissingHostKeyPolicy):
    """Trust the key of the first contact and no other.

    paramiko asks this policy after the key exchange, which proves the key, and before the login:
    a stranger is sent nothing.
    """

    folder: Path
    target: SshTarget

    @property
    def file(self) -> Path:
        """Return where the fingerprint is kept."""
        return self.folder / f"{self.target.address}.hostkey"

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Pin the key, or compare it with the pinned one.

        Raises:
            DeviceError: it is another one.
        """
        presented = f"{key.get_name()} {fingerprint(key.asbytes())}"
        pinned = self._pinned()
        if pinned is None:
            self._pin(presented)
        elif presented != pinned:
            raise DeviceError(
                self.target.name,
                DeviceFault.HOST_KEY,
                f"its host key is not the pinned one: pinned {pinned}, presented {presented}",
                remedy="Nothing was sent. If the device was replaced or its key made anew, "
                f"compare the fingerprint on its console, then delete {self.file}.",
            )

    def _pinned(self) -> str | None:
        try:
            return self.file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(f"cannot read {self.file}: {error}") from error

    def _pin(self, presented: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self.file.with_name(f".{self.file.name}.tmp")
            draft.write_text(f"{presented}\n", encoding="ascii")
            draft.replace(self.file)
        except OSError as error:
            raise StateError(
                f"cannot write {self.file}: {error.strerror}",
                remedy="The state folder must be writable: host keys are pinned there.",
            ) from error


def fingerprint(key: bytes) -> str:
    """Return a public key's fingerprint as `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(key).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
