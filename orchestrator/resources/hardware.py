"""What is kept on servers' BMCs, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class SettingsArgs:
    """Inputs of a server's settings; what is None or empty is left as it is."""

    server: str
    bmc_address: str
    bmc_user: str
    bmc_password: str
    """A `secret://` reference; the provider opens it at the wire."""
    asset_tag: str | None
    bios: Mapping[str, str] | None
    boot_order: Sequence[str] | None
    answers: str = "yes"


class Settings(GovCloudResource[SettingsArgs]):
    """BIOS attributes, boot order and asset tag of one server."""

    kind = "hardware:Settings"
