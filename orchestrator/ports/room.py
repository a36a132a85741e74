"""The devices of a machine room, read over whatever they speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.model.readings import DeviceReadings, RoomDevice


class RoomDevices(Protocol):
    """PDUs, UPSs and sensors."""

    def read(self, devices: Sequence[RoomDevice]) -> tuple[DeviceReadings, ...]:
        """Return what each device says, in order; a device that fails carries its own fault.

        Bounded in time whatever the devices do. Raises SecretError where a login is missing.
        """

    def close(self) -> None:
        """Close the connections."""
