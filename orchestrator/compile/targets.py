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
        config = switch_config(site, device, today=today)
        platform = platform_of(device)
        if config and platform in _SWITCH_COMPILERS:
            text = _SWITCH_COMPILERS[platform](config)
            yield Compiled(kind=platform, name=device.name, region=config.region, text=text)


def configured_devices(site: Site, *, today: date) -> Iterator[DeviceConfig]:
    """Yield the devices with a login and what they shall run, in the order of the site.

    A pair of zone firewalls has one text. A device for whose platform nothing is compiled is left
    out; `check` names it.
    """
    if not any(device.login for device in site.network.devices):
        return
    texts = {(one.kind, one.name): one.text for one in compile_network(site, today=today)}
    for device in site.network.devices:
        platform = platform_of(device)
        if device.login is None or platform is None or device.role not in COMPILED_FOR[platform]:
            continue
        region = site.region_of_rack(device.rack) or ""
        name = region if platform is Platform.NFTABLES else device.name
        if text := texts.get((platform, name)):
            yield DeviceConfig(device=device, platform=platform, text=text)


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
