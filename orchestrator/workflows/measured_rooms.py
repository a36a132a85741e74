"""Measure the racks at their PDUs, and judge the rooms by that in the place of nameplates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.checks.index import SiteIndex
from orchestrator.model.readings import DeviceKind
from orchestrator.planning.measured import Measurement, measure
from orchestrator.planning.room_devices import room_devices
from orchestrator.ports.room import RoomDevices


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """A site, and the power that it is judged by."""

    index: SiteIndex
    measurement: Measurement | None = None
    """None: by nameplates."""


def judged_by_measure(
    index: SiteIndex, devices: RoomDevices, *, rooms: Collection[str]
) -> JudgedBy:
    """Ask the PDUs of these rooms now, and return the site with what their racks draw.

    Raises:
        SecretError: a room's SNMP login is not known.
    """
    pdus = [each for each in room_devices(index.site, rooms) if each.kind is DeviceKind.PDU]
    racks = [rack for rack in index.site.room.racks if rack.room in rooms]
    found = measure(racks, devices.read(pdus), index.equipment_by_rack)
    measured = SiteIndex(index.site, index.today, measured_watts=found.watts)
    return JudgedBy(measured, found)
