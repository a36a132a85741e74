"""The network as a table and as JSON: regions, devices, lines, zones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import both, plural
from orchestrator.cli.render.table import table
from orchestrator.model.network import Device, DeviceRole
from orchestrator.model.site import Site
from orchestrator.model.units import Json

TIERS = (
    DeviceRole.ROUTER,
    DeviceRole.FIREWALL,
    DeviceRole.GATEKEEPER,
    DeviceRole.SPINE,
    DeviceRole.LEAF,
    DeviceRole.OUT_OF_BAND,
)
"""From the lines between regions down to the servers."""


def devices_of(site: Site, region: str) -> list[Device]:
    """Return a region's devices, in the order of their tiers."""
    found = [d for d in site.network.devices if site.region_of_rack(d.rack) == region]
    return sorted(found, key=lambda each: (TIERS.index(each.role), each.name))


def zones_of(site: Site, region: str) -> list[str]:
    """Return the zones that have addresses in a region, in the order declared."""
    present = {prefix.zone for prefix in site.network.prefixes if prefix.region == region}
    return [zone.name for zone in site.network.zones if zone.name in present]


def speed(mbps: int) -> str:
    """Return a bandwidth as people say it."""
    return f"{mbps / 1000:g} Gbit/s" if mbps >= 1000 else f"{mbps} Mbit/s"


def topology_parts(site: Site) -> list[RenderableType]:
    """Return three tables: regions with their devices, lines, zones with their VLANs."""
    regions = [
        (
            region.name,
            both(region.display),
            _counted(devices_of(site, region.name)),
            _zones(site, region.name),
        )
        for region in site.regions
    ]
    lines = [
        (c.name, c.from_region, c.to, c.provider, speed(c.bandwidth_mbps), c.route)
        for c in site.network.carriers
    ]
    counts = Counter(vlan.zone for vlan in site.network.vlans)
    prefixes = Counter(prefix.zone for prefix in site.network.prefixes)
    zones = [
        (
            z.name,
            both(z.display),
            str(z.protection_level),
            f"{counts[z.name]}",
            f"{prefixes[z.name]}",
        )
        for z in site.network.zones
    ]
    return [
        table(("Region", "Called", "Devices", "Zones"), regions),
        Text(),
        table(("Line", "From", "To", "Carrier", "Bandwidth", "Route"), lines),
        Text(),
        table(("Zone", "Called", "Level", "VLANs", "Prefixes"), zones),
        Text(),
        Text(
            f"{plural(len(site.network.devices), 'device')}, "
            f"{plural(len(site.network.links), 'link')}, "
            f"{plural(len(site.network.flows), 'flow')}."
        ),
    ]


def _counted(devices: Sequence[Device]) -> str:
    counts = Counter(device.role for device in devices)
    return ", ".join(f"{counts[role]} {role.value}" for role in TIERS if counts[role])


def _zones(site: Site, region: str) -> str:
    return " ".join(zones_of(site, region))


def topology_json(site: Site) -> dict[str, Json]:
    """Return the same facts, with every device and link."""
    network = site.network
    return {
        "site": site.name,
        "regions": [
            {
                "name": region.name,
                "kind": region.kind.value,
                "zones": list[Json](zones_of(site, region.name)),
                "devices": [_device(device) for device in devices_of(site, region.name)],
            }
            for region in site.regions
        ],
        "links": [
            {"name": each.name, "a": each.a, "b": each.b, "speed_mbps": each.speed_mbps}
            for each in network.links
        ],
        "lines": [
            {
                "name": each.name,
                "provider": each.provider,
                "from": each.from_region,
                "to": each.to,
                "bandwidth_mbps": each.bandwidth_mbps,
                "prefixes": [str(prefix) for prefix in each.prefixes],
                "route": each.route,
            }
            for each in network.carriers
        ],
        "zones": [
            {
                "name": zone.name,
                "protection_level": zone.protection_level,
                "vlans": [v.vlan_id for v in network.vlans if v.zone == zone.name],
                "prefixes": [str(p.prefix) for p in network.prefixes if p.zone == zone.name],
            }
            for zone in network.zones
        ],
    }


def _device(device: Device) -> dict[str, Json]:
    return {
        "name": device.name,
        "role": device.role.value,
        "vendor": device.vendor,
        "model": device.model,
        "rack": device.rack,
        "address": str(device.address),
        "pair": device.pair,
    }
