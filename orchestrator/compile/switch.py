"""What a switch of the fabric must carry: its region's VLANs, and where the access lists stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from orchestrator.compile.acl import AccessList, access_lists
from orchestrator.model.network import Device, DeviceRole, PrefixRole, Vlan
from orchestrator.model.site import Site

LIST_NAMES = {4: "ZONES4", 6: "ZONES6"}
SWITCHES = (DeviceRole.LEAF, DeviceRole.SPINE, DeviceRole.OUT_OF_BAND)
_MANAGEMENT = (PrefixRole.MANAGEMENT, PrefixRole.OUT_OF_BAND)


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchConfig:
    """A switch's part of the declared network, before a vendor's words are put to it."""

    device: Device
    site: str
    region: str
    vlans: tuple[Vlan, ...]
    lists: tuple[AccessList, ...] = ()
    """Of the switches that join the VLANs only; the others have none."""
    filtered: tuple[int, ...] = ()
    """Ids of the VLANs with a gateway, on whose interfaces the lists stand."""

    @property
    def head(self) -> tuple[str, str]:
        """Return two lines that say where the configuration comes from."""
        return (
            f"Switch {self.device.name} of region {self.region}, site {self.site}:",
            "made by orchestrator. Changes by hand are lost.",
        )


def switch_config(site: Site, device: Device, *, today: date) -> SwitchConfig | None:
    """Return what a switch carries; None for a device that is none, or stands in no known rack."""
    region = site.region_of_rack(device.rack)
    if device.role not in SWITCHES or region is None:
        return None
    vlans = tuple(
        sorted(
            (vlan for vlan in site.network.vlans if vlan.region == region),
            key=lambda vlan: vlan.vlan_id,
        )
    )
    if device.role is DeviceRole.OUT_OF_BAND:
        vlans = tuple(vlan for vlan in vlans if _is_for_management(site, vlan))
    if device.role is not joining_role(site, region):
        return SwitchConfig(device=device, site=site.name, region=region, vlans=vlans)
    gateways = {p.vlan for p in site.network.prefixes if p.region == region and p.gateway}
    return SwitchConfig(
        device=device,
        site=site.name,
        region=region,
        vlans=vlans,
        lists=access_lists(site, region, today=today),
        filtered=tuple(vlan.vlan_id for vlan in vlans if vlan.name in gateways),
    )


def joining_role(site: Site, region: str) -> DeviceRole:
    """Return which switches of a region join its VLANs: spines, or leaves where none are."""
    roles = {d.role for d in site.network.devices if site.region_of_rack(d.rack) == region}
    return DeviceRole.SPINE if DeviceRole.SPINE in roles else DeviceRole.LEAF


def _is_for_management(site: Site, vlan: Vlan) -> bool:
    return any(
        prefix.vlan == vlan.name and prefix.region == vlan.region and prefix.role in _MANAGEMENT
        for prefix in site.network.prefixes
    )
