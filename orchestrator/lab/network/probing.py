"""Send TCP probes from hosts in network namespaces, and see which arrive."""

from __future__ import annotations

import ctypes
import errno
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.errors import LabError
from orchestrator.lab.network.commands import NAMESPACES
from orchestrator.verify.probes import Probe, ProbeHost

ANSWER_SECONDS = 0.8
"""A namespace next door answers within milliseconds; what is refused stays silent."""
PROBES_AT_A_TIME = 400
_CLONE_NEWNET = 0x40000000

NamespaceOf = Callable[[ProbeHost], str]


def arrived(probes: Sequence[Probe], namespace_of: NamespaceOf) -> set[Probe]:
    """Return the probes that were answered; a refusal is an answer: the packet came through.

    Raises:
        LabError: a probe cannot even be sent.
    """
    found: set[Probe] = set()
    for start in range(0, len(probes), PROBES_AT_A_TIME):
        found |= _answered(probes[start : start + PROBES_AT_A_TIME], namespace_of)
    return found


def _answered(probes: Sequence[Probe], namespace_of: NamespaceOf) -> set[Probe]:
    found: set[Probe] = set()
    with selectors.DefaultSelector() as waiting:
        try:
            for probe in probes:
                with _inside(namespace_of(probe.source)):
                    caller = _call(probe)
                if caller is not None:
                    waiting.register(caller, selectors.EVENT_WRITE, probe)
            until = time.monotonic() + ANSWER_SECONDS
            while (left := until - time.monotonic()) > 0 and waiting.get_map():
                for key, _ in waiting.select(left):
                    if _came_through(key.fileobj):
                        found.add(key.data)
                    waiting.unregister(key.fileobj)
                    _close(key.fileobj)
        finally:
            for key in list(waiting.get_map().values()):
                _close(key.fileobj)
    return found


@contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """Make this thread's new sockets belong to a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as home, (NAMESPACES / namespace).open() as there:
        _enter(libc, there.fileno())
        try:
            yield
        finally:
            _enter(libc, home.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise LabError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _call(probe: Probe) -> socket.socket | None:
    """Begin a connection; None where the host itself knows no way there."""
    family = socket.AF_INET if probe.version == 4 else socket.AF_INET6
    caller = socket.socket(family, socket.SOCK_STREAM)
    caller.setblocking(False)
    try:
        # One host has the addresses of several ends.
        caller.bind((probe.caller, 0))
        begun = caller.connect_ex((probe.target, probe.port))
    except OSError as error:
        caller.close()
        raise LabError(f"cannot call from {probe.caller}: {error.strerror}") from error
    if begun in (0, errno.EINPROGRESS):
        return caller
    caller.close()
    if begun in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return None
    raise LabError(f"cannot call {probe.target}: {os.strerror(begun)}")


def _came_through(caller: Any) -> bool:  # noqa: ANN401 - what a selector hands back
    """Say whether the other host answered: where nobody listens, it refuses."""
    code = caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return code in (0, errno.ECONNREFUSED)


def _close(caller: Any) -> None:  # noqa: ANN401 - what a selector hands back
    caller.close()
