"""The socket of the hosts' supervisor: one line of JSON each way, for root only."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class _Line(socketserver.StreamRequestHandler):
    """One request of one client."""

    server: Listener

    def handle(self) -> None:
        """Answer one line."""
        try:
            answer = self.server.ask(json.loads(self.rfile.readline()))
        except self.server.faults as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Listener(socketserver.ThreadingUnixStreamServer):
    """Hears requests in threads of their own."""

    daemon_threads = True

    def __init__(
        self,
        path: Path,
        ask: Callable[[Answer], Answer],
        *,
        faults: tuple[type[Exception], ...],
    ) -> None:
        """Listen for root, and for nobody else; `faults` of `ask` are told to who asked."""
        path.unlink(missing_ok=True)
        self.ask = ask
        self.faults = faults
        super().__init__(str(path), _Line)
        path.chmod(0o600)
