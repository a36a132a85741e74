"""The host port for data that is too large for one answer: a command whose ends stay open."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran


class HostStream(Protocol):
    """One running command. Each failure is a HostError."""

    def write(self, data: bytes) -> bool:
        """Write to its input; False once it takes no more, because it ended."""

    def read(self, count: int) -> bytes:
        """Return so many bytes of its output; fewer at its end only."""

    def ended(self) -> Ran:
        """Close its input, wait for its end, and return how it ended with the rest of its output.

        A stream that is left without this is cut off: the command sees its input end.
        """


class HostStreams(Protocol):
    """The servers' operating systems, for streams."""

    def open(
        self, server: Server, command: str, *, within: float
    ) -> AbstractContextManager[HostStream]:
        """Start a shell command as root; all of it is bounded by `within` seconds."""
