"""What stands in racks: servers and network devices, as room, power and cooling see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from orchestrator.model.hardware import HardwareProfile, Server
from orchestrator.model.network import Device
from orchestrator.model.room import Rack, Side
from orchestrator.model.site import Site
from orchestrator.model.units import Source

NOTHING_MEASURED: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Equipment:
    """A server or a network device as the rack sees it."""

    name: str
    rack: str
    unit: int
    height_units: int
    watts: int
    """Nameplate, or what was measured in its place."""
    weight_kg: float
    role: str
    """A server's or a device's role; no word stands for both."""
    supplies: int = 2
    psus: tuple[Side, ...] = ()
    """The side of each supply, where the site says it."""
    source: Source

    @property
    def top_unit(self) -> int:
        """Return the highest rack unit it fills."""
        return self.unit + self.height_units - 1

    def sides_in(self, rack: Rack) -> tuple[Side, ...]:
        """Return the sides of the rack that it draws from, A first.

        Where the site does not say: a single supply is on the rack's first side, several are
        spread over all. A supply on a side without a feed has no power, and is left out.
        """
        fed = tuple(dict.fromkeys(feed.side for feed in rack.feeds))
        if self.psus:
            return tuple(sorted(set(self.psus).intersection(fed)))
        return tuple(sorted(fed)) if self.supplies > 1 else fed[:1]


def equipment_by_rack(
    site: Site, measured_watts: Mapping[str, int] = NOTHING_MEASURED
) -> Mapping[str, Sequence[Equipment]]:
    """Group servers of known profiles and network devices by rack, lowest first.

    Whose power was measured counts with that, the others with their nameplate.
    """
    groups: dict[str, list[Equipment]] = defaultdict(list)
    for equipment in _equipment(site):
        watts = measured_watts.get(equipment.name)
        counted = equipment if watts is None else replace(equipment, watts=watts)
        groups[equipment.rack].append(counted)
    for rack in groups.values():
        rack.sort(key=lambda each: each.unit)
    return groups


def _equipment(site: Site) -> Iterator[Equipment]:
    for server in site.hardware.servers:
        profile = site.profiles_by_name.get(server.profile)
        if profile:
            yield _server(server, profile)
    yield from map(_device, site.network.devices)


def _server(server: Server, profile: HardwareProfile) -> Equipment:
    return Equipment(
        name=server.name,
        rack=server.rack,
        unit=server.unit,
        height_units=profile.height_units,
        watts=profile.nameplate_watts,
        weight_kg=profile.weight_kg,
        role=server.role.value,
        supplies=len(server.psus) or profile.power_supplies,
        psus=server.psus,
        source=server.source,
    )


def _device(device: Device) -> Equipment:
    return Equipment(
        name=device.name,
        rack=device.rack,
        unit=device.unit,
        height_units=device.height_units,
        watts=device.nameplate_watts,
        weight_kg=device.weight_kg,
        role=device.role.value,
        supplies=len(device.psus) or 2,
        psus=device.psus,
        source=device.source,
    )
