"""Virtual media of one server: insert an image or eject it, with both ends in the audit log."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import BmcError, RefusedError
from orchestrator.model.hardware import Server
from orchestrator.model.media import MediaSlot, fault_of_url
from orchestrator.model.units import Json
from orchestrator.ports.bmc import HardwarePorts

Slots = tuple[MediaSlot, ...]


def insert_image(server: Server, url: str, ports: HardwarePorts) -> Slots:
    """Insert an image into a server's virtual drive; return all its drives.

    Raises:
        RefusedError: the address is none that a BMC fetches from, or holds a login.
        BmcError: the BMC refuses, or does not do what it accepted.
    """
    fault = fault_of_url(url)
    if fault:
        raise RefusedError(fault)
    facts: dict[str, Json] = {"server": server.name, "media": "insert", "image": url}
    return _noted(ports, facts, lambda: ports.media.insert(server, url))


def eject_images(server: Server, ports: HardwarePorts) -> Slots:
    """Empty a server's virtual drives; return them.

    Raises:
        BmcError: the BMC refuses, or does not do what it accepted.
    """
    facts: dict[str, Json] = {"server": server.name, "media": "eject"}
    return _noted(ports, facts, lambda: ports.media.eject(server))


def _noted(ports: HardwarePorts, facts: dict[str, Json], act: Callable[[], Slots]) -> Slots:
    ports.audit.append(act="hardware-begin", facts=facts)
    try:
        slots = act()
    except BmcError as error:
        ports.audit.append(act="hardware-failed", facts={**facts, "reason": error.message})
        raise
    seen = ", ".join(slot.image for slot in slots if slot.image)
    ports.audit.append(act="hardware-done", facts={**facts, "seen": seen or "empty"})
    return slots
