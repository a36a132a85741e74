"""Firmware in maintenance: what servers lack, whether images are the declared ones, updating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.errors import BmcError, RefusedError
from orchestrator.model.firmware import FirmwareChange
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import Operation
from orchestrator.model.site import Site
from orchestrator.planning.firmware import changes_of
from orchestrator.ports.firmware import Firmware

LOOKS_AT_ONCE = 16
UPDATE_SECONDS = 1800.0
"""For one component: a BMC fetches an image, checks it and writes it; half an hour is its worst."""

Lacking = Mapping[str, tuple[FirmwareChange, ...] | Unknown]


def lacking(site: Site, servers: Sequence[Server], firmware: Firmware) -> Lacking:
    """Return what each server lacks of its profile's firmware: one reading of its BMC each."""
    asked = [one for one in servers if site.profiles_by_name[one.profile].firmware]

    def ask(server: Server) -> tuple[FirmwareChange, ...] | Unknown:
        try:
            told = firmware.versions(server)
        except BmcError as error:
            return Unknown(error.message)
        return changes_of(site.profiles_by_name[server.profile].firmware, told)

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="firmware") as pool:
        return dict(zip((one.name for one in asked), pool.map(ask, asked), strict=True))


def undeclared(site: Site, servers: Sequence[Server]) -> tuple[str, ...]:
    """Return a remark on the profiles that declare no firmware: nothing was compared."""
    names = {one.profile for one in servers if not site.profiles_by_name[one.profile].firmware}
    return tuple(
        f"the profile {name} declares no firmware: nothing was compared on its servers"
        for name in sorted(names)
    )


def require_images(operations: Sequence[Operation], firmware: Firmware) -> None:
    """Require each image to be the file that was declared, before any host is touched.

    Raises:
        RefusedError: names every one that is another file, or cannot be read.
    """
    wanted = {(one.image, one.sha256) for each in operations for one in each.firmware}
    faults = []
    for image, declared in sorted(wanted):
        try:
            found = firmware.digest(image)
        except BmcError as error:
            faults.append(error.message)
            continue
        if found != declared.lower():
            faults.append(f"{image} is another file: its SHA-256 is {found}, not {declared}")
    if faults:
        raise RefusedError(
            "; ".join(faults),
            remedy="Nothing was done. Bring the maker's file there, or correct what is declared.",
        )


def update(server: Server, changes: Sequence[FirmwareChange], firmware: Firmware) -> None:
    """Bring each component that is not there yet its version; some apply with the power cycle.

    Raises:
        BmcError: the BMC refuses one, or does not end.
    """
    told = firmware.versions(server)
    for one in changes:
        if told.get(one.component) != one.after:
            firmware.update(server, one.image, within=UPDATE_SECONDS)
