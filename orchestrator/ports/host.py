"""The host port: commands on a server's own operating system."""

from __future__ import annotations

from typing import Protocol

from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran


class Hosts(Protocol):
    """The servers' operating systems. Each call is bounded; each failure is a HostError."""

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        """Run a shell command as root and return how it ended.

        What is `given` goes to its input: secrets have no place in a command line.
        """

    def expect_new_key(self, server: Server) -> None:
        """Forget the pinned host key: what is written to the server now brings another."""

    def public_key(self, server: Server) -> str:
        """Return the public half of the login's key, as a line of `authorized_keys`."""
