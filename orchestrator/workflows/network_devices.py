"""The network devices themselves: what they run against what is declared, and their backups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from orchestrator.model.physical_slices import NetworkDeviceSlice
from orchestrator.model.site import Site
from orchestrator.planning.network_slice import network_slice
from orchestrator.ports.device import DeviceAnswer, NetworkDevices


class Verdict(StrEnum):
    """How a device stands to what is declared of it."""

    SAME = "same"
    DIFFERS = "differs"
    UNSAVED = "unsaved"
    """It runs what is declared, and would start with something else."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One device: its answer, and the lines by which it differs."""

    answer: DeviceAnswer
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return how it stands."""
        if self.answer.fault:
            return Verdict.UNKNOWN
        if self.answer.declared != self.answer.running:
            return Verdict.DIFFERS
        return Verdict.SAME if self.answer.saved else Verdict.UNSAVED


def named_devices(
    site: Site, *, today: date, names: Collection[str] = ()
) -> tuple[NetworkDeviceSlice, ...]:
    """Return the devices that this tool configures, narrowed to names where given."""
    return tuple(
        device
        for region in site.regions
        for device in network_slice(site, region.name, today=today).devices
        if not names or device.name in names
    )


def compare_devices(
    devices: Collection[NetworkDeviceSlice],
    port: NetworkDevices,
    *,
    told: Callable[[DeviceAnswer], None] | None = None,
) -> tuple[Comparison, ...]:
    """Compare every device with what is declared of it; nothing is written."""
    return tuple(_compared(answer) for answer in port.read(tuple(devices), told=told))


def _compared(answer: DeviceAnswer) -> Comparison:
    declared, running = Counter(answer.declared), Counter(answer.running)
    return Comparison(
        answer=answer,
        missing=tuple((declared - running).elements()),
        extra=tuple((running - declared).elements()),
    )
