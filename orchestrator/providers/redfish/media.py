"""Virtual media over Redfish: see what is in the drives, insert an image, eject it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.model.media import MediaSlot
from orchestrator.providers.redfish.answers import Resource, link_of
from orchestrator.providers.redfish.client import Conversation

MEDIA_SECONDS = 120.0
"""How long a BMC may take to fetch an image's head and show it in the drive."""

UNTOLD = "an image that the BMC does not name"

_LOOK_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drive:
    slot: MediaSlot
    resource: Resource


def read_media(talk: Conversation, system: Resource) -> tuple[MediaSlot, ...]:
    """Return the BMC's virtual drives.

    Raises:
        BmcError: it has none.
    """
    return tuple(drive.slot for drive in _drives(talk, system))


def insert(talk: Conversation, system: Resource, url: str) -> tuple[MediaSlot, ...]:
    """Insert an image, see it in its drive, and return all drives; what is there already stays.

    Raises:
        BmcError: no drive takes it, the drive is full, or the BMC accepts it and does not show it.
    """
    fitting = [drive for drive in _drives(talk, system) if drive.slot.takes(url)]
    if any(drive.slot.image == url for drive in fitting):
        return read_media(talk, system)
    empty = next((drive for drive in fitting if not drive.slot.image), None)
    if empty is None:
        there = ", ".join(f"{one.slot.name} holds {one.slot.image}" for one in fitting)
        raise _refused(
            f"no drive is free for it: {there or 'none is of its kind'}",
            "Eject first: orchestrator hardware media SERVER eject",
        )
    body = {"Image": url, "Inserted": True, "WriteProtected": True}
    _do(talk, empty.resource, action="#VirtualMedia.InsertMedia", body=body)
    return _seen(talk, system, lambda slot: slot.name != empty.slot.name or slot.image != "")


def eject(talk: Conversation, system: Resource) -> tuple[MediaSlot, ...]:
    """Empty every drive, see them empty, and return them.

    Raises:
        BmcError: the BMC refuses, or accepts and does not do it.
    """
    full = [drive for drive in _drives(talk, system) if drive.slot.image]
    for drive in full:
        _do(talk, drive.resource, action="#VirtualMedia.EjectMedia", body={})
    return _seen(talk, system, lambda slot: not slot.image)


def _drives(talk: Conversation, system: Resource) -> list[_Drive]:
    """Follow the system's link, or its manager's: both are in the field."""
    reference = system.get("VirtualMedia")
    if not reference:
        managers = _mapping(system.get("Links")).get("ManagedBy") or ()
        reference = talk.follow(managers[0]).get("VirtualMedia") if managers else None
    if not reference:
        raise _refused("it has no virtual media", "Some BMCs want a licence for them.")
    return [_Drive(slot=_slot(one), resource=one) for one in talk.members(reference)]


def _slot(resource: Resource) -> MediaSlot:
    inserted, told = resource.get("Inserted"), resource.get("Image")
    image = _without_login(told) if isinstance(told, str) and inserted is not False else ""
    types = resource.get("MediaTypes")
    return MediaSlot(
        name=str(resource.get("Id") or resource.get("Name") or ""),
        types=tuple(map(str, types)) if isinstance(types, list) else (),
        image=image or (UNTOLD if inserted is True else ""),
    )


def _without_login(url: str) -> str:
    """Return an address as it may be shown: somebody else may have given one with a login."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path


def _do(talk: Conversation, drive: Resource, *, action: str, body: Mapping[str, Any]) -> None:
    """Do an action; BMCs from before it take the image itself (DSP0268, VirtualMedia 1.0)."""
    found = _mapping(_mapping(drive.get("Actions")).get(action))
    talk.deadline = max(talk.deadline, time.monotonic() + MEDIA_SECONDS)
    talk.limits = replace(talk.limits, answer_seconds=MEDIA_SECONDS)
    if found.get("target"):
        talk.post(str(found["target"]), body)
    else:
        talk.patch(link_of(drive), {"Image": body.get("Image")})


def _seen(
    talk: Conversation, system: Resource, is_done: Callable[[MediaSlot], bool]
) -> tuple[MediaSlot, ...]:
    until = time.monotonic() + talk.limits.total_seconds
    while True:
        slots = read_media(talk, system)
        if all(map(is_done, slots)):
            return slots
        if time.monotonic() > until:
            raise _refused(
                "it accepted the change, and its drives are as before",
                "Can the BMC reach the image's address? Look into its own log.",
            )
        time.sleep(_LOOK_PAUSE_SECONDS)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _refused(detail: str, remedy: str) -> BmcError:
    return BmcError(detail, fault=BmcFault.REFUSED, remedy=remedy)
