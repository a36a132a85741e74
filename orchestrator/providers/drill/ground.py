"""The drill's ground: a script of ours on the host's own Python, over SSH."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model.backup import Cluster
from orchestrator.model.drill import Isolation, Login, Target
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.units import Json, Secret
from orchestrator.ports.host import Hosts

ON_HOST = Path(__file__).with_name("on_host.py")
ACT_SECONDS = 60.0
LOGIN_SECONDS = 300.0
SHOWN_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class HostGround:
    """The DrillGround port."""

    hosts: Hosts
    folder: str
    """Where a drill's files lie on its host; `release` removes it."""
    locks: tuple[str, ...]
    """Files of which a restore of a drill holds one while it is at work."""

    def isolate(
        self,
        server: Server,
        *,
        repository: IPv4Address | IPv6Address,
        targets: Sequence[Target],
        release_after: float,
    ) -> None:
        """Cut the host off from all but us and the repository."""
        asked: dict[str, Json] = {
            "repository": str(repository),
            "targets": _plain(targets),
            "release_after": release_after,
        }
        self._ask(server, "isolate", asked)

    def prove(self, server: Server, *, targets: Sequence[Target]) -> Isolation:
        """Try to leave an isolated host, and say what came of it."""
        told = self._ask(server, "prove", {"targets": _plain(targets)})
        try:
            dropped = told["dropped"]
            return Isolation(
                targets=tuple(targets),
                reached=tuple(str(one) for one in told["reached"]),
                dropped=None if dropped is None else int(dropped),
                clock_seconds=float(told["clock_seconds"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(server, "prove", error) from error

    def quiet(self, server: Server) -> None:
        """End what a drill that was cut off may still be doing on the host."""
        self._ask(server, "quiet", {"locks": list(self.locks)})

    def release(self, server: Server) -> None:
        """Give the host its network back, and remove a drill's files."""
        self._ask(server, "release", {"folder": self.folder})

    def log_in(
        self, server: Server, *, cluster: Cluster, logins: Mapping[str, Iterable[Secret]]
    ) -> tuple[Login, ...]:
        """Use the cluster's database as each role."""
        asked: dict[str, Json] = {
            "port": cluster.port,
            "version": cluster.version,
            "database": cluster.database,
            "roles": {role: [one.reveal() for one in given] for role, given in logins.items()},
        }
        told = self._ask(server, "log-in", asked, within=LOGIN_SECONDS)
        try:
            return tuple(Login(**one) for one in told["logins"])
        except (KeyError, TypeError) as error:
            raise _unreadable(server, "log-in", error) from error

    def _ask(
        self, server: Server, act: str, request: Mapping[str, Json], *, within: float = ACT_SECONDS
    ) -> Mapping[str, Any]:
        # The request is a part of the program, for it may hold secrets: no argument does.
        call = f"answer(json.loads({json.dumps({'do': act, **request})!r}))\n"
        ran = self.hosts.run(server, "python3 -", within=within, given=_program() + call)
        try:
            told = json.loads(ran.out)
            if not isinstance(told, dict):
                raise ValueError("it is no mapping")
        except ValueError as error:
            said = (ran.err or ran.out)[-SHOWN_CHARACTERS:]
            raise HostError(
                f"{server.name}: no answer to `{act}`: {said!r}", fault=HostFault.FAILED
            ) from error
        if "refused" in told:
            raise HostError(f"{server.name}: {act}: {told['refused']}", fault=HostFault.FAILED)
        return told


@cache
def _program() -> str:
    return ON_HOST.read_text(encoding="utf-8")


def _plain(targets: Sequence[Target]) -> list[Json]:
    return [{"host": one.host, "address": one.address, "port": one.port} for one in targets]


def _unreadable(server: Server, act: str, error: Exception) -> HostError:
    return HostError(
        f"{server.name}: its answer to `{act}` cannot be read ({error!r})", fault=HostFault.FAILED
    )
