"""The emulated BMCs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from orchestrator.lab.settings import BmcSpec

FILE = "bmcs.json"


def render_bmcs(bmcs: Sequence[BmcSpec], *, salt: str) -> str:
    """Return what the emulator reads: the machines, and the hashes of the BMCs' logins.

    The hash is a fast one on purpose: it is checked at every request, and guards only a loopback
    emulator against a copied file showing the site's passwords at a glance.
    """
    content = {
        "salt": salt,
        "logins": {bmc.system_id: _login_hash(bmc, salt) for bmc in bmcs},
        "systems": [_system(bmc) for bmc in bmcs],
    }
    return json.dumps(content, indent=1)


def _login_hash(bmc: BmcSpec, salt: str) -> str:
    return hashlib.sha256(f"{salt}{bmc.user}:{bmc.password.reveal()}".encode()).hexdigest()


def _system(bmc: BmcSpec) -> dict[str, object]:
    return {
        "uuid": bmc.system_id,
        "name": bmc.name,
        "power_state": "Off",
        "nics": [{"mac": mac} for mac in bmc.macs],
        "cpu_threads": bmc.cpu_threads,
        "memory_gib": bmc.memory_gib,
        "disk_gib": bmc.disk_gib,
        "vendor": bmc.vendor,
        "model": bmc.model,
        "serial": bmc.serial or bmc.name,
    }
