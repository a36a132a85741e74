"""One kept-alive HTTP connection to one BMC, where every exchange ends by a deadline."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import Any, cast
from urllib.parse import urlsplit

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault

LARGEST_ANSWER_BYTES = 4 << 20
"""A resource is a few KiB; what is larger than this is no answer of a BMC."""

CheckCertificate = Callable[[bytes], None]
"""Takes the peer's certificate (DER) before anything is sent; raises where it is not trusted."""


class NoAnswerError(Exception):
    """The exchange failed: no connection, no answer in time, or only a part of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Wire:
    """A connection that is opened when it is needed, and again when the BMC closed it."""

    def __init__(self, url: str, check_certificate: CheckCertificate) -> None:
        """Speak to `url`, of which only scheme, host and port count."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise BmcError(
                f"`{url}` is no address of a BMC",
                fault=BmcFault.UNREACHABLE,
                remedy="Write it as https://HOST or https://HOST:PORT in the endpoints file.",
            )
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._check_certificate = check_certificate
        self._connection: HTTPConnection | None = None
        self._socket: _TimedSocket | None = None

    def exchange(
        self,
        method: str,
        target: str,
        *,
        deadline: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return the whole answer; `deadline` is on the monotonic clock.

        Raises:
            NoAnswerError: there is no whole answer by then.
            BmcError: the certificate is not the one that was pinned.
        """
        try:
            connection = self._open(deadline)
            connection.request(method, target, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER_BYTES + 1)
            if len(content) > LARGEST_ANSWER_BYTES:
                raise HTTPException(f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes")
            missing = answer.length if method != "HEAD" else 0
            if missing:
                raise HTTPException(f"the answer breaks off, {missing} bytes before its end")
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=found, body=content)
        except (OSError, HTTPException) as error:
            self.close()
            raise NoAnswerError(_why(error)) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._socket = None

    def _open(self, deadline: float) -> HTTPConnection:
        if self._socket is not None and self._connection is not None and self._connection.sock:
            self._socket.deadline = deadline
            return self._connection
        opened: socket.socket = socket.create_connection(
            (self._host, self._port), timeout=_left(deadline)
        )
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                opened = self._secured(opened)
        except BaseException:
            opened.close()
            raise
        connection = HTTPConnection(self._host, self._port)
        connection.auto_open = 0  # it would open one without TLS
        self._socket = _TimedSocket(opened, deadline)
        connection.sock = cast("socket.socket", self._socket)
        self._connection = connection
        return connection

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        secured = _tls().wrap_socket(plain, server_hostname=self._host)
        try:
            self._check_certificate(secured.getpeercert(binary_form=True) or b"")
        except BaseException:
            secured.close()
            raise
        return secured


class _TimedSocket:
    """What HTTPConnection needs of a socket, where every wait ends by the exchange's deadline.

    A timeout of the socket's own is one for each byte: a BMC that sends a byte a second would hold
    us for as long as it likes.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(_left(self.deadline))
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedBytes(self._sock, self.deadline))

    def close(self) -> None:
        self._sock.close()


class _TimedBytes(io.RawIOBase):
    """The bytes of one answer."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        self._sock.settimeout(_left(self._deadline))
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


@cache
def _tls() -> ssl.SSLContext:
    """Return the one context for all BMCs.

    Their certificates are self-signed, for names that nobody resolves: what is trusted is the
    fingerprint, which is checked before the first byte of a login is sent.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses the connection"
    if isinstance(error, ConnectionError):
        return "it breaks the connection off"
    return str(error) or type(error).__name__
