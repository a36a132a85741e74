"""Hosts that answer backup requests as the part that runs on hosts would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault, Ran


@dataclass
class FakeBackupHosts:
    """The Hosts port; answers by act, and what each was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By act: an answer, a Ran, or a function of the request."""
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        if server.name in self.silent:
            raise HostError(f"{server.name}: does not answer", fault=HostFault.SILENT)
        request = json.loads(given)
        self.asked.append((server.name, request))
        self.commands.append(command)
        answer = self.answers[request["act"]]
        if isinstance(answer, Callable):  # type: ignore[arg-type] # a protocol of any function
            answer = answer(request)
        if isinstance(answer, Ran):
            return answer
        return Ran(status=0, out=json.dumps({"answer": answer}) + "\n")

    def expect_new_key(self, server: Server) -> None:
        raise AssertionError("backups never expect another host key")

    def public_key(self, server: Server) -> str:
        raise AssertionError("backups never ask for a login's key")


def fault(kind: str, message: str = "it says why", broken: tuple[str, ...] = ()) -> Ran:
    """Return what a host says that could not do an act."""
    told = {"fault": {"kind": kind, "message": message, "broken": list(broken)}}
    return Ran(status=0, out=json.dumps(told))
