"""The driver of each platform, loaded when it is needed."""

from __future__ import annotations

from functools import cache
from typing import Any

from orchestrator.model.network import Platform
from orchestrator.providers.device.driver import Driver


@cache
def driver_of(platform: Platform) -> Driver[Any]:
    """Return what configures devices of a platform."""
    match platform:
        case Platform.NFTABLES:
            from orchestrator.providers.device.nft import NftablesDriver

            return NftablesDriver()
        case Platform.FRR:
            from orchestrator.providers.device.frr import FrrDriver

            return FrrDriver()
        case Platform.VRP:
            from orchestrator.providers.device.vrp import VrpDriver

            return VrpDriver()
        case Platform.COMWARE:
            from orchestrator.providers.device.comware import ComwareDriver

            return ComwareDriver()
