"""A BMC that is played and takes firmware updates, with the habits of some makers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.bmc_server import Bmc, Headers

SERVICE = "/redfish/v1/UpdateService"
ACTION = f"{SERVICE}/Actions/SimpleUpdate"
TASK = "/redfish/v1/TaskService/Tasks/JID_7"


@dataclass
class UpdatingBmc(Bmc):
    """Its task goes through `states`, one at each look; the last one stays."""

    states: list[str] = field(default_factory=lambda: ["Running", "Completed"])
    message: str = ""
    needs_protocol: bool = False
    """Huawei's and NVIDIA's: a request without a transfer protocol is refused."""
    refuses_targets: bool = False
    """Dell's."""
    protocols: tuple[str, ...] = ()
    monitor_only: bool = False
    """Only a Location, and that answers 202 without a word until it is over, and then 404."""
    without_update: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0

    def _route(
        self, method: str, path: str, headers: Headers, body: bytes, query: str
    ) -> tuple[int, Headers, Any]:
        if method == "GET" and path == TASK and self.monitor_only:
            self.looks += 1
            return (202, {}, None) if self.looks < len(self.states) else (404, {}, {})
        return super()._route(method, path, headers, body, query)

    def _media(self, path: str, sent: dict[str, Any]) -> tuple[int, Headers, Any] | None:
        if path != ACTION:
            return super()._media(path, sent)
        self.asked.append(sent)
        missing = self.needs_protocol and "TransferProtocol" not in sent
        if missing or (self.refuses_targets and "Targets" in sent):
            return 400, {}, {"error": {"message": "a property is missing or one too many"}}
        task = None if self.monitor_only else self._resources()[TASK]
        return 202, {"Location": TASK}, task

    def _resources(self) -> dict[str, dict[str, Any]]:
        found = super()._resources()
        if not self.without_update:
            action: dict[str, Any] = {"target": ACTION}
            if self.protocols:
                action["TransferProtocol@Redfish.AllowableValues"] = list(self.protocols)
            found[SERVICE]["Actions"] = {"#UpdateService.SimpleUpdate": action}
        state = self.states[min(self.looks, len(self.states) - 1)]
        messages = [{"Message": self.message}] if self.message else []
        found[TASK] = {"@odata.id": TASK, "TaskState": state, "Messages": messages}
        return found

    def _show(self, path: str, query: str) -> tuple[int, Headers, Any]:
        answer = super()._show(path, query)
        self.looks += path == TASK
        return answer
