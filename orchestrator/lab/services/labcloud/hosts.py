"""Talk to the supervisor of the lab's hosts: one line of JSON each way on a Unix socket."""

from __future__ import annotations

import json
import socket
from typing import Any

from labcloud.settings import ServiceSettings

ANSWER_SECONDS = 120.0
UNPACK_SECONDS = 660.0
"""For an image to be unpacked, which is given up after ten minutes."""


class HostsError(Exception):
    """The supervisor refused, or does not answer."""


class Hosts:
    """The hosts of this lab; none where it was brought up without."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Take what `lab up` wrote for this service."""
        self._socket = str(settings.options.get("hosts_socket", ""))
        self.names = frozenset(settings.options.get("hosts", ()))

    def ask(
        self, do: str, host: str, *, within: float = ANSWER_SECONDS, **more: object
    ) -> dict[str, Any]:
        """Return the supervisor's answer about one host."""
        request = {"do": do, "host": host, **more}
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(within)
                line.connect(self._socket)
                line.sendall(json.dumps(request).encode() + b"\n")
                with line.makefile("rb") as told:
                    answer = json.loads(told.readline())
        except (OSError, ValueError) as error:
            raise HostsError(f"the supervisor of the hosts does not answer: {error}") from error
        if "error" in answer:
            raise HostsError(answer["error"])
        return dict(answer)
