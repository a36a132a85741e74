"""Large data to and from a repository's server: in parts, straight through, with a marked end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.errors import BackupError, HostError
from orchestrator.model.backup import BackupFault
from orchestrator.model.hardware import Server
from orchestrator.ports.host_streams import HostStream, HostStreams
from orchestrator.providers.backup.sending import GRACE_SECONDS, answer_of, program_command

LENGTH_BYTES: Final = 4
END: Final = b"\0" * LENGTH_BYTES
LARGEST_PART_BYTES: Final = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamingAgents:
    """The servers' hosts, as they take in and give out streams."""

    streams: HostStreams

    def feed(
        self,
        server: Server,
        request: Mapping[str, Any],
        *,
        content: Iterable[bytes],
        within: float,
    ) -> Mapping[str, Any]:
        """Have a host keep a stream. Where `content` raises, it is cut off and nothing is kept."""
        act = "keep-stream"
        with self._begun(server, act, request, within=within) as stream:
            # A host that ended in between takes no more: its answer says why.
            if all(stream.write(framed(part)) for part in content if part):
                stream.write(END)
            return answer_of(server, act, stream.ended())

    @contextmanager
    def fetch(
        self, server: Server, request: Mapping[str, Any], *, within: float
    ) -> Iterator[Iterator[bytes]]:
        """Hand out a stream of a host; its last part is followed by an error where it broke off."""
        act = "fetch-stream"
        with self._begun(server, act, request, within=within) as stream:
            yield _parts(server, act, stream)

    @contextmanager
    def _begun(
        self, server: Server, act: str, request: Mapping[str, Any], *, within: float
    ) -> Iterator[HostStream]:
        given = json.dumps({"act": act, "within": within, **request}) + "\n"
        command = program_command()
        try:
            with self.streams.open(server, command, within=within + GRACE_SECONDS) as stream:
                stream.write(given.encode())
                yield stream
        except HostError as error:
            raise BackupError(
                error.message, fault=BackupFault.SILENT, remedy=error.remedy
            ) from error


def framed(part: bytes) -> bytes:
    """Return a part as it is sent: its length in front."""
    return len(part).to_bytes(LENGTH_BYTES, "big") + part


def _parts(server: Server, act: str, stream: HostStream) -> Iterator[bytes]:
    while True:
        length = int.from_bytes(_exactly(server, stream, LENGTH_BYTES), "big")
        if length > LARGEST_PART_BYTES:
            raise _cut(server)
        if not length:
            answer_of(server, act, stream.ended())
            return
        yield _exactly(server, stream, length)


def _exactly(server: Server, stream: HostStream, count: int) -> bytes:
    found = stream.read(count)
    if len(found) != count:
        raise _cut(server)
    return found


def _cut(server: Server) -> BackupError:
    return BackupError(
        f"{server.name}: the stream broke off in the middle",
        fault=BackupFault.SILENT,
        remedy="Run it again: it begins anew.",
    )
