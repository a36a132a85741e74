"""The network devices that this tool configures: what they run, and what was kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model.physical_slices import NetworkDeviceSlice


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAnswer:
    """What one device runs, beside what it is to run."""

    name: str
    platform: str
    fault: str = ""
    """Why nothing else here is known; empty where it is."""
    declared: tuple[str, ...] = ()
    """The declared lines in normal form, each with its place."""
    running: tuple[str, ...] = ()
    """Of the part that is ours."""
    saved: bool = True
    """Whether it would start with what it runs."""
    kept: str = ""
    """The name of the backup, where one was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptConfiguration:
    """A backup: `DEVICE/TIME-WHEN`, where WHEN is before, after or taken."""

    name: str
    device: str
    taken: str
    when: str


class NetworkDevices(Protocol):
    """The devices of a site that have a login."""

    def read(
        self,
        devices: Sequence[NetworkDeviceSlice],
        *,
        keep: bool = False,
        told: Callable[[DeviceAnswer], None] | None = None,
    ) -> tuple[DeviceAnswer, ...]:
        """Return what the devices run, in order, several at a time; `keep` backs it up as well.

        A device that fails carries its own fault. `told` hears each answer as it comes.
        """

    def backups(self) -> tuple[KeptConfiguration, ...]:
        """Return every backup, by device, the oldest first."""

    def backup_text(self, name: str) -> str:
        """Return a backup without its secrets. Raises StateError where there is none."""
