"""A backup server that keeps streams in memory, and may be cut off in the middle."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault, Ran
from orchestrator.providers.backup.on_host.ground import ActError
from orchestrator.providers.backup.on_host.streaming import parts_of
from orchestrator.providers.backup.streaming import END, framed


@dataclass
class StreamingHosts:
    """The HostStreams port; the part that reads streams is the one that runs on hosts."""

    kept: dict[str, bytes] = field(default_factory=dict)
    """By subject."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    cut_after: int | None = None
    """Bytes after which the network is cut, either way."""
    fault: dict[str, Any] | None = None
    """What a fetch says after its stream."""

    @contextmanager
    def open(self, server: Server, command: str, *, within: float) -> Iterator[_Stream]:
        yield _Stream(self)


class _Stream:
    def __init__(self, hosts: StreamingHosts) -> None:
        self._hosts = hosts
        self._given = bytearray()
        self._out: io.BytesIO | None = None

    def write(self, data: bytes) -> bool:
        self._given += data
        self._cut(len(self._given))
        return True

    def read(self, count: int) -> bytes:
        if self._out is None:
            request = json.loads(self._given)
            self._hosts.asked.append(request)
            content = self._hosts.kept[request["subject"]]
            parts = b"".join(framed(content[at : at + 4]) for at in range(0, len(content), 4))
            told = {"fault": self._hosts.fault} if self._hosts.fault else {"answer": {}}
            self._out = io.BytesIO(parts + END + json.dumps(told).encode())
        self._cut(self._out.tell() + count)
        return self._out.read(count)

    def _cut(self, count: int) -> None:
        if self._hosts.cut_after is not None and count > self._hosts.cut_after:
            raise HostError("the network was cut", fault=HostFault.SILENT)

    def ended(self) -> Ran:
        if self._out is not None:
            return Ran(status=0, out=self._out.read().decode())
        line, _, stream = bytes(self._given).partition(b"\n")
        request = json.loads(line)
        self._hosts.asked.append(request)
        try:
            content = b"".join(parts_of(io.BytesIO(stream), _waits, within=0.0))
        except ActError as fault:
            told: dict[str, Any] = {"fault": {"kind": fault.kind, "message": "", "broken": []}}
            return Ran(status=0, out=json.dumps(told))
        self._hosts.kept[request["subject"]] = content
        answer = {
            "data_id": "d",
            "manifest_id": "m",
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return Ran(status=0, out=json.dumps({"answer": answer}))


def _waits(seconds: float) -> None:
    """Take the time that is left: nothing is late here."""
