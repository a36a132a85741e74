"""The databases port for PostgreSQL: a script of ours on the host's own Python, over SSH."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError, ServiceError
from orchestrator.model.declared_service import DeclaredService, slot_name
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault
from orchestrator.model.service_state import (
    ClusterFacts,
    ClusterRole,
    HostDatabases,
    LetStart,
    Lineage,
    Term,
)
from orchestrator.model.units import Json
from orchestrator.ports.database import Upstream
from orchestrator.ports.host import Hosts

ON_HOST = Path(__file__).with_name("on_host.py")
LOOK_SECONDS = 60.0
ACT_SECONDS = 150.0
CLAIM_SECONDS = 20.0
"""Between the look at all hosts and the promotion no more than this a voter may pass: a host that
was let start meanwhile is remembered by its voters for two minutes."""


@dataclass(frozen=True, slots=True)
class PostgresqlDatabases:
    """PostgreSQL on hosts, by SSH."""

    hosts: Hosts

    def look(self, server: Server, services: Sequence[DeclaredService]) -> HostDatabases:
        """Return what a host tells of services."""
        asked: list[Json] = [
            {"cluster": one.cluster, "version": one.service.version, "port": one.service.port}
            for one in services
        ]
        try:
            told = self._ask(server, {"do": "look", "services": asked}, within=LOOK_SECONDS)
            return _host(told)
        except HostError as error:
            # A host with another key than before is one that was written anew, or none of ours.
            remedy = f". {error.remedy}" if error.fault is HostFault.HOST_KEY else ""
            return HostDatabases(answers=False, reason=error.message + remedy)
        except ServiceError as error:
            return HostDatabases(answers=False, reason=error.message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return HostDatabases(answers=False, reason=f"its answer cannot be read: {error!r}")

    def certificate_request(self, server: Server) -> str:
        """Return a request for a certificate of the host."""
        names: list[Json] = [f"DNS:{server.name}", f"IP:{server.address}"]
        asked: dict[str, Json] = {"do": "request", "host": server.name, "names": names}
        return str(self._ask(server, asked, within=ACT_SECONDS)["request"])

    def flush(self, server: Server, declared: DeclaredService) -> None:
        """Bring what a primary has in memory to its disk."""
        self._act(server, declared, "flush")

    def stop(self, server: Server, declared: DeclaredService) -> int:
        """Stop a primary in order; return the end of its log."""
        return int(self._act(server, declared, "stop")["lsn"])

    def start(self, server: Server, declared: DeclaredService) -> None:
        """Start a cluster as it is; no voter is asked."""
        self._act(server, declared, "start")

    def promote(
        self, server: Server, declared: DeclaredService, *, followers: Sequence[str]
    ) -> Lineage:
        """Make a replica the primary."""
        slots: list[Json] = [slot_name(one) for one in followers]
        told = self._act(server, declared, "promote", slots=slots)
        return Lineage(
            system_id=told["system_id"],
            timeline=told["timeline"],
            forks={int(timeline): end for timeline, end in told["forks"].items()},
        )

    def claim(self, server: Server, declared: DeclaredService, *, term: Term) -> None:
        """Tell a voter who is made the primary."""
        asked: dict[str, Json] = {
            "do": "claim",
            "cluster": declared.cluster,
            "version": declared.service.version,
            "host": server.name,
            "term": term.number,
            "leader": term.leader,
        }
        self._ask(server, asked, within=CLAIM_SECONDS)

    def follow(self, server: Server, declared: DeclaredService, *, upstream: Upstream) -> None:
        """Let a cluster follow a primary, and see that it does."""
        told: dict[str, Json] = {
            "address": upstream.address,
            "settings": upstream.settings,
            "slots": list(upstream.slots),
        }
        lineage: dict[str, Json] = {
            "system_id": upstream.lineage.system_id,
            "timeline": upstream.lineage.timeline,
            "forks": {str(one): end for one, end in upstream.lineage.forks.items()},
        }
        self._act(server, declared, "follow", upstream=told, lineage=lineage)

    def _act(
        self, server: Server, declared: DeclaredService, verb: str, **more: Json
    ) -> Mapping[str, Any]:
        asked = {"cluster": declared.cluster, "version": declared.service.version, **more}
        return self._ask(server, {"do": verb, **asked}, within=ACT_SECONDS)

    def _ask(
        self, server: Server, request: Mapping[str, Json], *, within: float
    ) -> Mapping[str, Any]:
        command = f"python3 - {shlex.quote(json.dumps(request))}"
        ran = self.hosts.run(server, command, within=within, given=_program())
        try:
            answer = json.loads(ran.out)
        except ValueError as error:
            raise ServiceError(
                f"{server.name}: no answer to `{request['do']}`: {(ran.err or ran.out)[-300:]!r}"
            ) from error
        if "refused" in answer:
            raise ServiceError(f"{server.name}: {request['do']}: {answer['refused']}")
        found: Mapping[str, Any] = answer
        return found


@cache
def _program() -> str:
    return ON_HOST.read_text(encoding="utf-8")


def _host(told: Mapping[str, Any]) -> HostDatabases:
    certificate = told["certificate"]
    until = certificate.get("until")
    return HostDatabases(
        answers=True,
        certificate_until=datetime.fromisoformat(until.replace(" ", "T", 1)) if until else None,
        certificate_authority=certificate.get("authority", ""),
        clusters={name: _cluster(one) for name, one in told["clusters"].items()},
        terms={
            name: Term(number=one["term"], leader=one["leader"])
            for name, one in told["terms"].items()
            if one is not None
        },
        starts={
            name: LetStart(host=one["host"], seconds=float(one["seconds"]))
            for name, one in told["starts"].items()
            if one is not None
        },
    )


def _cluster(told: Mapping[str, Any]) -> ClusterFacts:
    role = ClusterRole(told["role"])
    if role not in {ClusterRole.PRIMARY, ClusterRole.REPLICA}:
        return ClusterFacts(
            role=role,
            reason=told.get("reason", ""),
            service=told.get("service", ""),
            follows=told.get("follows"),
            clean=told.get("clean"),
            timeline=told.get("timeline"),
            lsn=told.get("lsn"),
            waits=told.get("waits", ""),
        )
    lag = told["lag_seconds"]
    return ClusterFacts(
        role=role,
        service=told["service"],
        follows=told["follows"],
        version=told["version"],
        system_id=told["system_id"],
        timeline=told["timeline"],
        lsn=told["lsn"],
        received=told["received"],
        upstream=told["upstream"],
        streaming=told["streaming"] if role is ClusterRole.REPLICA else None,
        lag_seconds=None if lag is None else float(lag),
        size_bytes=told["size"],
        extensions=tuple(told["extensions"]),
        restart_pending=tuple(told["pending"]),
    )
