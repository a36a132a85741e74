"""The site with the indexes that the checks share, each made once and only when asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from orchestrator.checks.addresses import AddressSet, Network
from orchestrator.model.equipment import Equipment, equipment_by_rack
from orchestrator.model.network import INTERNET, Device, Prefix, PrefixRole, Vlan, Zone
from orchestrator.model.power_build import feed_names, power_graph
from orchestrator.model.power_graph import PowerGraph
from orchestrator.model.power_sweep import PowerSweep, sweep
from orchestrator.model.room import PowerFeed, PowerPanel, PowerSource, Ups
from orchestrator.model.site import Region, Site
from orchestrator.model.tenancy import Project, Tenant

PowerNode = PowerSource | Ups | PowerPanel


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowEnd:
    """One end of a flow, resolved: where it is and, for a project, whose it is."""

    zone: str
    region: str | None = None
    tenant: str | None = None


class SiteIndex:
    """A site, a day, and the indexes."""

    def __init__(
        self, site: Site, today: date, *, measured_watts: Mapping[str, int] | None = None
    ) -> None:
        """Hold the site; nothing is indexed yet.

        `measured_watts` takes the place of nameplates, by machine, where power was measured.
        """
        self.site = site
        self.today = today
        self.measured_watts = measured_watts or {}

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """Index the regions."""
        return {region.name: region for region in self.site.regions}

    @cached_property
    def zones(self) -> Mapping[str, Zone]:
        """Index the zones."""
        return {zone.name: zone for zone in self.site.network.zones}

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Index the network devices."""
        return {device.name: device for device in self.site.network.devices}

    @cached_property
    def tenants(self) -> Mapping[str, Tenant]:
        """Index the tenants."""
        return {tenant.name: tenant for tenant in self.site.tenancy.tenants}

    @cached_property
    def projects(self) -> Sequence[tuple[Tenant, Project]]:
        """Return every project with its tenant."""
        return [(tenant, each) for tenant in self.site.tenancy.tenants for each in tenant.projects]

    @cached_property
    def power_nodes(self) -> Mapping[str, PowerNode]:
        """Index what feeds power: sources, UPSs and panels share their names."""
        room = self.site.room
        nodes: tuple[PowerNode, ...] = (*room.power_sources, *room.ups, *room.power_panels)
        return {node.name: node for node in nodes}

    @cached_property
    def vlans(self) -> Mapping[tuple[str, str], Vlan]:
        """Index the VLANs by region and name."""
        return {(vlan.region, vlan.name): vlan for vlan in self.site.network.vlans}

    @cached_property
    def prefixes(self) -> Mapping[Network, Prefix]:
        """Index the prefixes."""
        return {prefix.prefix: prefix for prefix in self.site.network.prefixes}

    @cached_property
    def declared_addresses(self) -> AddressSet:
        """Return all addresses of the site's prefixes."""
        return AddressSet(self.prefixes)

    def addresses(self, region: str, *roles: PrefixRole, zone: str | None = None) -> AddressSet:
        """Return the addresses of a region for some roles, in one zone or in all."""
        key = (region, roles, zone)
        found = self._address_sets.get(key)
        if found is None:
            found = self._address_sets[key] = AddressSet(
                prefix.prefix
                for prefix in self._prefixes_by_region.get(region, ())
                if prefix.role in roles and zone in {None, prefix.zone}
            )
        return found

    @cached_property
    def _address_sets(self) -> dict[tuple[str, tuple[PrefixRole, ...], str | None], AddressSet]:
        return {}

    @cached_property
    def _prefixes_by_region(self) -> Mapping[str, Sequence[Prefix]]:
        groups: dict[str, list[Prefix]] = defaultdict(list)
        for prefix in self.site.network.prefixes:
            groups[prefix.region].append(prefix)
        return groups

    @cached_property
    def equipment_by_rack(self) -> Mapping[str, Sequence[Equipment]]:
        """Group servers of known profiles and network devices by rack, lowest first."""
        return equipment_by_rack(self.site, self.measured_watts)

    @cached_property
    def power_graph(self) -> PowerGraph:
        """Return the power chain of all rooms as one graph."""
        return power_graph(self.site, self.equipment_by_rack)

    @cached_property
    def feeds(self) -> Mapping[str, PowerFeed]:
        """Index the feeds of all racks by their name in the power graph."""
        return {
            name: rack.feeds[place]
            for rack in self.site.room.racks
            for name, place in feed_names(rack)
        }

    @cached_property
    def power_sweep(self) -> PowerSweep:
        """Return what the loss of each piece of the power chain would do."""
        grades = {room.name: room.grade for room in self.site.room.rooms}
        return sweep(self.power_graph, grades)

    def flow_end(self, text: str) -> FlowEnd | None:
        """Resolve `internet`, `zone/NAME` or `project/TENANT/PROJECT`; None leads nowhere."""
        return self._flow_ends.get(text)

    @cached_property
    def _flow_ends(self) -> Mapping[str, FlowEnd]:
        ends = {INTERNET: FlowEnd(zone=INTERNET)}
        ends |= {f"zone/{name}": FlowEnd(zone=name) for name in self.zones}
        for tenant, project in self.projects:
            end = FlowEnd(zone=project.zone, region=project.region, tenant=tenant.name)
            ends[f"project/{tenant.name}/{project.name}"] = end
        return ends

    @cached_property
    def flow_end_names(self) -> Sequence[str]:
        """Return everything that a flow may lead from or to."""
        return tuple(self._flow_ends)
