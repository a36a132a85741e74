"""Everything that the network of a site compiles to: one text for each firewall, router, switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from orchestrator.compile.comware import comware_config
from orchestrator.compile.frr import frr_config
from orchestrator.compile.nftables import nft_ruleset
from orchestrator.compile.switch import SWITCHES, SwitchConfig, switch_config
from orchestrator.compile.vrp import vrp_config
from orchestrator.model.network import Device
from orchestrator.model.site import Site


class TargetKind(StrEnum):
    """What reads a compiled text."""

    NFTABLES = "nftables"
    FRR = "frr"
    VRP = "vrp"
    COMWARE = "comware"


SUFFIXES = {
    TargetKind.NFTABLES: ".nft",
    TargetKind.FRR: ".conf",
    TargetKind.VRP: ".cfg",
    TargetKind.COMWARE: ".cfg",
}

_SWITCH_COMPILERS: dict[str, tuple[TargetKind, Callable[[SwitchConfig], str]]] = {
    "Huawei": (TargetKind.VRP, vrp_config),
    "H3C": (TargetKind.COMWARE, comware_config),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """One compiled configuration."""

    kind: TargetKind
    name: str
    """The region for nftables and FRR, the device for the others."""
    region: str
    text: str

    @property
    def file_name(self) -> str:
        """Return what its file is called below an output folder."""
        return f"{self.kind.value}/{self.name}{SUFFIXES[self.kind]}"


def compile_network(site: Site, *, today: date) -> Iterator[Compiled]:
    """Yield every configuration, by kind, then in the order of the site."""
    for region in site.regions:
        text = nft_ruleset(site, region.name, today=today)
        yield Compiled(kind=TargetKind.NFTABLES, name=region.name, region=region.name, text=text)
    for region in site.regions:
        routing = frr_config(site, region.name)
        if routing:
            yield Compiled(kind=TargetKind.FRR, name=region.name, region=region.name, text=routing)
    for device in site.network.devices:
        config = switch_config(site, device, today=today)
        if config and device.vendor in _SWITCH_COMPILERS:
            kind, write = _SWITCH_COMPILERS[device.vendor]
            yield Compiled(kind=kind, name=device.name, region=config.region, text=write(config))


def uncompiled_switches(site: Site) -> tuple[Device, ...]:
    """Return the switches of vendors whose words nobody wrote a compiler for."""
    return tuple(
        device
        for device in site.network.devices
        if device.role in SWITCHES and device.vendor not in _SWITCH_COMPILERS
    )
