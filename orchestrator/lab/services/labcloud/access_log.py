"""One line per request, so that calls can be counted: `time METHOD path status ms agent`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labcloud.wsgi import App, Environ, StartResponse


class AccessLog:
    """A WSGI application that notes each request of another one."""

    def __init__(self, app: App, file: Path) -> None:
        """Open the log for appending."""
        self._app = app
        # One write() per line on a descriptor in append mode: threads need no lock.
        self._log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on and note how it ended; a streamed body counts until its start."""
        # cheroot ends chunked bodies itself; without this flag WebOb ignores them.
        environ["wsgi.input_terminated"] = True
        method, path = environ["REQUEST_METHOD"], _path(environ)
        agent = environ.get("HTTP_USER_AGENT", "-")
        begin, status = time.monotonic(), ["500"]

        def noting(line: str, *rest: Any) -> Any:  # noqa: ANN401 - WSGI leaves these open
            status[0] = line.split(" ", 1)[0]
            return start_response(line, *rest)

        try:
            return self._app(environ, noting)
        finally:
            took = 1000 * (time.monotonic() - begin)
            stamp = f"{time.time():.3f}"
            self._write(f"{stamp} {method} {path} {status[0]} {took:.1f} {agent}\n")

    def _write(self, line: str) -> None:
        os.write(self._log, line.encode())


def _path(environ: Environ) -> str:
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"] or "/"
    query = environ.get("QUERY_STRING")
    return (f"{path}?{query}" if query else path).replace(" ", "%20")
