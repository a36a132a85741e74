"""Streams to and from hosts over SSH: as fast as the other end takes them, nothing kept here."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran
from orchestrator.providers.host.ssh import SshHosts, host_error, target_of

if TYPE_CHECKING:
    import paramiko

    from orchestrator.providers.device.access import SshTarget

LARGEST_REST_BYTES = 16 << 20
"""Of what a command prints after its stream."""
NO_STATUS = -1
"""paramiko's exit status of a command whose end nobody told."""
PACKET_BYTES = 32 << 10
"""What OpenSSH takes at a time."""
KEEPALIVE_SECONDS = 5
CUT_SECONDS = 20
"""What was sent and not taken for so long shows that the network is cut."""
SILENT_SECONDS = 90.0
"""A stream on which nothing moves for so long is cut off, although the other machine is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SshStreams:
    """The HostStreams port, on the connections of the site's hosts."""

    hosts: SshHosts

    @contextmanager
    def open(self, server: Server, command: str, *, within: float) -> Iterator[SshStream]:
        """Start a shell command as root; all of it is bounded by `within` seconds."""
        # paramiko takes a fifth of a second to import.
        from orchestrator.providers.device.faults import DeviceError
        from orchestrator.providers.device.shell import as_root, ssh_client

        target = target_of(server)
        deadline = time.monotonic() + within
        try:
            with ssh_client(self.hosts.access(within), target) as client:
                with _told_of(target):
                    channel = _channel(client, within)
                    channel.exec_command(as_root(command))
                with channel:
                    yield SshStream(channel, target, deadline)
        except DeviceError as error:
            raise host_error(error) from error


class SshStream:
    """One command's input and output."""

    def __init__(self, channel: paramiko.Channel, target: SshTarget, deadline: float) -> None:
        """Take a command that runs; all of it ends by `deadline`, of the monotonic clock."""
        self._channel = channel
        self._target = target
        self._deadline = deadline

    def write(self, data: bytes) -> bool:
        """Write to its input; False once it takes no more, because it ended."""
        begin = 0
        with _told_of(self._target):
            while begin < len(data):
                self._bound(SILENT_SECONDS)
                if self._channel.closed or self._channel.eof_received:
                    return False
                sent = self._channel.send(data[begin : begin + PACKET_BYTES])
                if not sent:
                    return False
                begin += sent
        return True

    def read(self, count: int) -> bytes:
        """Return so many bytes of its output; fewer at its end only."""
        found = bytearray()
        with _told_of(self._target):
            while len(found) < count:
                self._bound(SILENT_SECONDS)
                part = self._channel.recv(count - len(found))
                if not part:
                    break
                found += part
        return bytes(found)

    def ended(self) -> Ran:
        """Close its input, wait for its end, and return how it ended."""
        with _told_of(self._target):
            if not self._channel.closed:
                self._channel.shutdown_write()
            # restic settles what it was given before it answers: minutes, where it was much.
            out = self._rest(errors=False)
            err = self._rest(errors=True)
            if not self._channel.status_event.wait(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError
            if self._channel.exit_status == NO_STATUS:
                raise EOFError("the connection was lost")
            return Ran(status=self._channel.exit_status, out=out, err=err)

    def _rest(self, *, errors: bool) -> str:
        receive = self._channel.recv_stderr if errors else self._channel.recv
        found = bytearray()
        while len(found) < LARGEST_REST_BYTES:
            self._bound()
            part = receive(1 << 16)
            if not part:
                break
            found += part
        return found.decode("utf-8", "replace")

    def _bound(self, most: float | None = None) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._channel.settimeout(left if most is None else min(left, most))


def _channel(client: paramiko.SSHClient, within: float) -> paramiko.Channel:
    transport = client.get_transport()
    if transport is None:
        raise EOFError
    # A network that is cut answers nothing, and an idle end of a stream neither: what tells them
    # apart is that the other machine no longer takes what is sent, the keepalives at least.
    transport.set_keepalive(KEEPALIVE_SECONDS)
    sock = transport.sock
    if isinstance(sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CUT_SECONDS * 1000)
    return transport.open_session(timeout=within)


@contextmanager
def _told_of(target: SshTarget) -> Iterator[None]:
    """Say of a failure that the host broke off: here, so that nobody takes it for another's."""
    import paramiko

    from orchestrator.providers.device.shell import silent

    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        device_error = silent(target, error, "broke off in the middle of a stream")
        raise host_error(device_error) from error
