"""The drill ports: the ground that a drill stands on, and its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from orchestrator.model.backup import Cluster
from orchestrator.model.drill import Isolation, Login, Target
from orchestrator.model.hardware import Server
from orchestrator.model.units import Json, Secret


class DrillGround(Protocol):
    """The host of a drill, cut off from all but us and the repository.

    Each call is bounded, and can be made again after it was cut off anywhere. Failures are
    HostErrors.
    """

    def isolate(
        self,
        server: Server,
        *,
        repository: IPv4Address | IPv6Address,
        targets: Sequence[Target],
        release_after: float,
    ) -> None:
        """Let the host speak with nobody but this machine, over SSH, and the repository.

        What is sent to the targets nevertheless is counted, for `prove`. After so many seconds the
        host itself stops what was restored and takes its network back: nobody may come to do it.
        """

    def prove(self, server: Server, *, targets: Sequence[Target]) -> Isolation:
        """Try to leave an isolated host, and say what came of it, with the host's clock."""

    def quiet(self, server: Server) -> None:
        """End what a drill that was cut off may still be doing on the host."""

    def release(self, server: Server) -> None:
        """Give the host its network back, and remove a drill's files; both where there are any."""

    def log_in(
        self, server: Server, *, cluster: Cluster, logins: Mapping[str, Iterable[Secret]]
    ) -> tuple[Login, ...]:
        """Use the cluster's database as each role.

        With `NAME:PASSWORD` where there are any, the first that works; without, as itself on the
        host.
        """


class DrillRecords(Protocol):
    """The signed records of a site's drills."""

    def write(self, name: str, *, signed: Mapping[str, Json], page: str) -> str:
        """Keep a record, with a page to read beside it; return where it is."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all records, the oldest of each subject first."""

    def read(self, name: str) -> Mapping[str, Json]:
        """Return one record, or a file of this path, as it was signed. Raises SignatureError."""
