"""What a WSGI application and its caller agree on, as types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


def respond(start_response: StartResponse, status: str, body: bytes = b"") -> Iterable[bytes]:
    """Answer with a small plain body."""
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
