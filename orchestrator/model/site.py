"""The whole site: its five layers, its regions, and the indexes that every reader shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from annotated_types import Interval

from orchestrator.model.hardware import HardwareLayer, HardwareProfile, Server
from orchestrator.model.layer import Layer as Layer
from orchestrator.model.network import NetworkLayer
from orchestrator.model.room import MachineRoom, Rack, RoomLayer
from orchestrator.model.system import SystemLayer
from orchestrator.model.tenancy import Removed, TenancyLayer
from orchestrator.model.units import NOWHERE, Name, PositiveFloat, SecretRef, Source, Text


class RegionKind(StrEnum):
    """What part of the site a region is."""

    CITY = "city"
    DISASTER_RECOVERY = "disaster-recovery"
    COUNTY = "county"


@dataclass(frozen=True, kw_only=True, slots=True)
class Overcommit:
    """How many times physical capacity is promised to tenants."""

    cpu: PositiveFloat = 4.0
    memory: PositiveFloat = 1.0
    storage: PositiveFloat = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A place with its own rooms: the city, its disaster-recovery site, a county."""

    name: Name
    kind: RegionKind
    display: Text
    protection_level: Annotated[int, Interval(ge=1, le=4)] = 3
    """等保 grade of the platform in this region; no tenant here may be above it."""
    overcommit: Overcommit = field(default_factory=Overcommit)
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteIdentity:
    """Who the site is; the `site:` mapping of site.yaml."""

    name: Name
    display: Text
    country: Annotated[str, "ISO 3166 alpha-2"] = "CN"
    cloud: str
    """The cloud's name in clouds.yaml; the environment variable OS_CLOUD wins."""
    timezone: str = "Asia/Shanghai"
    source: Source = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the city's cloud should be, as its site directory says."""

    identity: SiteIdentity
    regions: tuple[Region, ...]
    room: RoomLayer = field(default_factory=RoomLayer)
    network: NetworkLayer = field(default_factory=NetworkLayer)
    hardware: HardwareLayer = field(default_factory=HardwareLayer)
    system: SystemLayer = field(default_factory=SystemLayer)
    tenancy: TenancyLayer = field(default_factory=TenancyLayer)
    removed: tuple[Removed, ...] = ()

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.identity.name

    @cached_property
    def racks_by_name(self) -> Mapping[str, Rack]:
        """Index the racks."""
        return {rack.name: rack for rack in self.room.racks}

    @cached_property
    def rooms_by_name(self) -> Mapping[str, MachineRoom]:
        """Index the machine rooms."""
        return {room.name: room for room in self.room.rooms}

    @cached_property
    def profiles_by_name(self) -> Mapping[str, HardwareProfile]:
        """Index the hardware profiles."""
        return {profile.name: profile for profile in self.hardware.profiles}

    @cached_property
    def servers_by_region(self) -> Mapping[str, tuple[Server, ...]]:
        """Group the servers by the region that their rack stands in; unknown racks are left out."""
        groups: dict[str, list[Server]] = {region.name: [] for region in self.regions}
        for server in self.hardware.servers:
            region = self.region_of_rack(server.rack)
            if region is not None:
                groups.setdefault(region, []).append(server)
        return {name: tuple(servers) for name, servers in groups.items()}

    @property
    def ssh_keys(self) -> frozenset[SecretRef]:
        """Return the references to private SSH keys: of hosts and of network devices."""
        logins = (device.login for device in self.network.devices)
        return frozenset(server.ssh.key for server in self.hardware.servers) | {
            login.key for login in logins if login and login.key
        }

    def region_of_rack(self, rack_name: str) -> str | None:
        """Return the region of a rack, or None where the rack or its room is not declared."""
        rack = self.racks_by_name.get(rack_name)
        room = self.rooms_by_name.get(rack.room) if rack else None
        return room.region if room else None
