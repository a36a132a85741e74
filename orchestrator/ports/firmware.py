"""The firmware port: what a server runs, and bringing it another version through its BMC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from orchestrator.model.hardware import Server


class Firmware(Protocol):
    """The servers' firmware. Each call is bounded; each failure is a BmcError."""

    def versions(self, server: Server) -> Mapping[str, str]:
        """Return the version of each component; `BIOS` and `BMC` are among them where told."""

    def update(self, server: Server, image: str, *, within: float) -> None:
        """Let the BMC fetch an image and take it, and see its task end, in `within` seconds.

        What only a restart of the server applies waits for that.
        """

    def digest(self, image: str) -> str:
        """Return the SHA-256 of the file at an address, in hexadecimal."""
