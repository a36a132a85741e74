"""Everything that the network of a site compiles to: one text for each firewall, router, switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from orchestrator.compile.comware import comware_config
from orchestrator.compile.frr import frr_configs
from orchestrator.compile.nftables import nft_ruleset
from orchestrator.compile.switch import SWITCHES, SwitchConfig, switch_config
from orchestrator.compile.vrp import vrp_config
from orchestrator.model.network import Device, DeviceRole, Platform
from orchestrator.model.site import Site

SUFFIXES = {
    Platform.NFTABLES: ".nft",
    Platform.FRR: ".conf",
    Platform.VRP: ".cfg",
    Platform.COMWARE: ".cfg",
}

_VENDORS = {"Huawei": Platform.VRP, "H3C": Platform.COMWARE}
"""What a vendor's switches run, where the site does not say."""

_SWITCH_COMPILERS: dict[Platform, Callable[[SwitchConfig], str]] = {
    Platform.VRP: vrp_config,
    Platform.COMWARE: comware_config,
}

COMPILED_FOR: dict[Platform, tuple[DeviceRole, ...]] = {
    Platform.NFTABLES: (DeviceRole.FIREWALL,),
    Platform.FRR: (DeviceRole.ROUTER,),
    Platform.VRP: SWITCHES,
    Platform.COMWARE: SWITCHES,
}
"""The devices that something is compiled for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """One compiled configuration."""

    kind: Platform
    name: str
    """The region for nftables, and for FRR without declared routers; the device for the others."""
    region: str
    text: str

    @property
    def file_name(self) -> str:
        """Return what its file is called below an output folder."""
        return f"{self.kind.value}/{self.name}{SUFFIXES[self.kind]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceConfig:
    """The text of a device that this tool configures."""

    device: Device
    platform: Platform
    text: str


def compile_network(site: Site, *, today: date) -> Iterator[Compiled]:
    """Yield every configuration, by kind, then in the order of the site."""
    for region in site.regions:
        text = nft_ruleset(site, region.name, today=today)
        yield Compiled(kind=Platform.NFTABLES, name=region.name, region=region.name, text=text)
    for region in site.regions:
        for name, routing in frr_configs(site, region.name):
            yield Compiled(kind=Platform.FRR, name=name, region=region.name, text=routing)
    for device in site.network.devices:
        platform = platform_of(device)
        words = _switch_text(site, device, today=today)
        if words and platform is not None:
            home = site.region_of_rack(device.rack) or ""
            yield Compiled(kind=platform, name=device.name, region=home, text=words)


def configured_devices(site: Site, *, today: date) -> Iterator[DeviceConfig]:
    """Yield the devices with a login and what they shall run, in the order of the site."""
    for device in site.network.devices:
        if config := device_config(site, device, today=today):
            yield config


def device_config(site: Site, device: Device, *, today: date) -> DeviceConfig | None:
    """Return what one device shall run; None without a login. Compiles nothing else.

    A pair of zone firewalls has one text. A device for whose platform nothing is compiled gets
    none; `check` names it.
    """
    platform = platform_of(device)
    if device.login is None or platform is None or device.role not in COMPILED_FOR[platform]:
        return None
    region = site.region_of_rack(device.rack) or ""
    match platform:
        case Platform.NFTABLES:
            text: str | None = nft_ruleset(site, region, today=today)
        case Platform.FRR:
            text = dict(frr_configs(site, region)).get(device.name)
        case Platform.VRP | Platform.COMWARE:
            text = _switch_text(site, device, today=today)
    return DeviceConfig(device=device, platform=platform, text=text) if text else None


def _switch_text(site: Site, device: Device, *, today: date) -> str | None:
    platform = platform_of(device)
    if platform not in _SWITCH_COMPILERS:
        return None
    config = switch_config(site, device, today=today)
    return _SWITCH_COMPILERS[platform](config) if config else None


def platform_of(device: Device) -> Platform | None:
    """Return what a device runs: as the site says, or as its vendor's switches do."""
    if device.platform is None and device.role in SWITCHES:
        return _VENDORS.get(device.vendor)
    return device.platform


def uncompiled_switches(site: Site) -> tuple[Device, ...]:
    """Return the switches of vendors whose words nobody wrote a compiler for."""
    return tuple(
        device
        for device in site.network.devices
        if device.role in SWITCHES and platform_of(device) not in _SWITCH_COMPILERS
    )
