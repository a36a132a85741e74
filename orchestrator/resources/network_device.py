"""Network devices, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class DeviceArgs:
    """Inputs of a network device."""

    name: str
    platform: str
    model: str
    address: str
    login: Mapping[str, str]
    text: str


class Device(GovCloudResource[DeviceArgs]):
    """A switch, router or firewall with its declared configuration."""

    kind = "network:Device"
