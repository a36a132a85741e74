"""Observe the machine rooms: read their devices, then judge their rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.model.readings import DeviceReadings, RuleVerdict
from orchestrator.model.site import Site
from orchestrator.planning.room_devices import room_devices
from orchestrator.planning.room_verdicts import judge_rooms
from orchestrator.ports.room import RoomDevices


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedRooms:
    """What the devices said, and what it means."""

    site: str
    readings: tuple[DeviceReadings, ...]
    verdicts: tuple[RuleVerdict, ...]


def observe_rooms(
    site: Site, devices: RoomDevices, *, rooms: Collection[str] = ()
) -> ObservedRooms:
    """Read every device of these rooms, or of all, and judge the rooms' rules. Nothing is written.

    A device that fails is a fault in its readings and an `unknown` in the rules that need it.
    """
    readings = devices.read(room_devices(site, rooms))
    return ObservedRooms(site=site.name, readings=readings, verdicts=judge_rooms(site, readings))
