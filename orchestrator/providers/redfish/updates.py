"""Firmware over Redfish: the versions that run, and UpdateService.SimpleUpdate (DSP0268).

Makers differ in what they take (docs/decisions/0024-maintenance.md): the transfer protocol is sent
beside the address because Huawei's and NVIDIA's BMCs insist on it (DMTF/Redfish-Tacklebox#91), and
targets only to a BMC that serves several systems or has a quirk, because iDRAC refuses them
(dell/iDRAC-Redfish-Scripting#247): there the file itself says what it is for.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import BmcError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import BmcFault, Unknown
from orchestrator.providers.redfish.answers import Resource, link_of, parsed, path_of
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.client import Conversation
from orchestrator.providers.redfish.reading import text

POLL_SECONDS = 3.0
SETTLE_SECONDS = 30.0
"""How long a task has to stay pending before it counts as one that waits for a restart."""
FETCH_SECONDS = 900.0
"""For reading an image, to compare its digest."""
IMAGE_BYTES = 4 << 30
CHUNK_BYTES = 1 << 20


class _Task(Enum):
    RUNNING = auto()
    PENDING = auto()
    """It waits: for its turn, or for the server's restart (iDRAC's scheduled jobs)."""
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class RedfishFirmware:
    """The Firmware port."""

    bmcs: RedfishBmcs
    poll_seconds: float = POLL_SECONDS
    settle_seconds: float = SETTLE_SECONDS

    def versions(self, server: Server) -> Mapping[str, str]:
        """Return the version of each component."""
        with self.bmcs.system(server.bmc) as (talk, system):
            return _versions(talk, system)

    def update(self, server: Server, image: str, *, within: float) -> None:
        """Let the BMC fetch an image and take it, and see its task end."""
        deadline = time.monotonic() + within
        with self.bmcs.system(server.bmc) as (talk, system):
            task = _begin(talk, system, image)
        pending_since: float | None = None
        while task:
            state = self._look(server, task)
            now = time.monotonic()
            if state is _Task.ENDED:
                return
            pending_since = (pending_since or now) if state is _Task.PENDING else None
            if pending_since is not None and now - pending_since >= self.settle_seconds:
                return
            if now > deadline:
                raise _refused(
                    f"its task {task} has not ended after {within:.0f} s",
                    "Look at the task on the BMC. The server was not restarted.",
                )
            time.sleep(self.poll_seconds)

    def digest(self, image: str) -> str:
        """Return the SHA-256 of the file at an address."""
        if urlsplit(image).scheme not in {"http", "https"}:
            raise _refused(f"{image} is neither http nor https", "Correct its address.")
        deadline = time.monotonic() + FETCH_SECONDS
        found = hashlib.sha256()
        read = 0
        try:
            # The scheme is one of two; a file: address cannot come here.
            with urllib.request.urlopen(image, timeout=30.0) as answer:  # noqa: S310 - see above
                while chunk := answer.read(CHUNK_BYTES):
                    found.update(chunk)
                    read += len(chunk)
                    if read > IMAGE_BYTES or time.monotonic() > deadline:
                        raise _refused(
                            f"{image} is too large or too slow: {read} bytes were read",
                            "Is that the firmware's file?",
                        )
        except (http.client.HTTPException, OSError) as error:
            raise BmcError(
                f"{image} cannot be read: {error}",
                fault=BmcFault.UNREACHABLE,
                remedy="BMCs fetch it from there: bring its server up.",
            ) from error
        return found.hexdigest()

    def _look(self, server: Server, task: str) -> _Task:
        """Return how a task is; a BMC that is silent restarts on its new firmware."""
        try:
            with self.bmcs.system(server.bmc) as (talk, _):
                return _task(talk, task)
        except BmcError as error:
            if error.fault is BmcFault.UNREACHABLE:
                return _Task.RUNNING
            raise


def _versions(talk: Conversation, system: Resource) -> dict[str, str]:
    """Return what the firmware inventory lists, and the two that system and manager tell."""
    found: dict[str, str] = {}
    if not _is_shared(talk):
        service = _update_service(talk)
        if service.get("FirmwareInventory"):
            for one in talk.members(service["FirmwareInventory"]):
                found[str(one.get("Name") or one.get("Id"))] = str(one.get("Version") or "")
    managers = _mapping(system.get("Links")).get("ManagedBy") or ()
    manager = talk.follow(managers[0]) if managers else {}
    plain = {"BIOS": system.get("BiosVersion"), "BMC": manager.get("FirmwareVersion")}
    for name, told in plain.items():
        version = text(told)
        if not isinstance(version, Unknown):
            found[name] = version
    return found


def _begin(talk: Conversation, system: Resource, image: str) -> str:
    """Ask for the update; return the link of its task, or nothing where there is none."""
    actions = _mapping(_update_service(talk).get("Actions"))
    action = _mapping(actions.get("#UpdateService.SimpleUpdate"))
    if "target" not in action:
        raise _refused(
            "it has no SimpleUpdate",
            "Update it by its maker's own way; `maintenance plan --firmware` then sees it done.",
        )
    protocol = urlsplit(image).scheme.upper()
    allowed = action.get("TransferProtocol@Redfish.AllowableValues")
    if isinstance(allowed, list) and protocol not in allowed:
        raise _refused(
            f"it does not fetch by {protocol}", f"It does by {', '.join(map(str, allowed))}."
        )
    body: dict[str, Any] = {"ImageURI": image, "TransferProtocol": protocol}
    if _is_shared(talk) or talk.profile.update_target:
        body["Targets"] = [link_of(system)]
    answer = talk.post(str(action["target"]), body)
    told = parsed(answer) or {}
    if "TaskState" in told:
        return link_of(told)
    location = answer.headers.get("location")
    return path_of(location) if location else ""


def _task(talk: Conversation, link: str) -> _Task:
    answer = talk.send("GET", link)
    if answer.status == 404:
        return _Task.ENDED  # a task monitor is gone once its end was told; the version decides
    told = parsed(answer) or {}
    state = told.get("TaskState")
    if state in {"Exception", "Killed", "Cancelled"}:
        messages = told.get("Messages")
        said = [str(_mapping(one).get("Message", "")) for one in messages or ()]
        raise _refused(
            f"its update ended as {state}: {' '.join(said) or 'no reason given'}",
            "Look into the BMC's own log. The server was not restarted.",
        )
    if state == "Pending":
        return _Task.PENDING
    running = answer.status == 202 if state is None else state != "Completed"
    return _Task.RUNNING if running else _Task.ENDED


def _update_service(talk: Conversation) -> Resource:
    if not talk.root.get("UpdateService"):
        raise _refused("it has no update service", "Its maker may sell it with a licence.")
    return talk.follow(talk.root["UpdateService"])


def _is_shared(talk: Conversation) -> bool:
    """Say whether it serves several systems: their firmware is in one list, with no word whose."""
    members = talk.follow(talk.root.get("Systems")).get("Members") or ()
    return len(members) > 1


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _refused(detail: str, remedy: str) -> BmcError:
    return BmcError(detail, fault=BmcFault.REFUSED, remedy=remedy)
