"""The emulated PDUs, UPSs and sensors."""

from __future__ import annotations

import json
from dataclasses import dataclass

from orchestrator.lab.settings import SnmpSpec, SnmpUser

FILE = "devices.json"

SUBTREES = (
    "1.3.6.1.2.1.1",
    "1.3.6.1.2.1.2",
    "1.3.6.1.2.1.33",
    "1.3.6.1.4.1.318.1.1.12",
    "1.3.6.1.4.1.318.1.1.26",
    "1.3.6.1.4.1.21239",
)
"""What is taken of a recording: the system group, interfaces, UPS-MIB, APC's PDUs, Geist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnmpContents:
    """The devices of a site, and who may log in to them over SNMPv3."""

    devices: tuple[SnmpSpec, ...] = ()
    users: tuple[SnmpUser, ...] = ()


NO_SNMP = SnmpContents()


def render_devices(contents: SnmpContents) -> str:
    """Return what the agents read."""
    content = {
        "subtrees": SUBTREES,
        "devices": [
            {
                "name": device.name,
                "recording": device.recording,
                "values": ["|".join(value) for value in device.values],
            }
            for device in contents.devices
        ],
        # SNMPv3 needs the passwords themselves on both sides: the file is its owner's alone.
        "users": [
            {
                "name": user.name,
                "authentication": user.authentication.reveal(),
                "privacy": user.privacy.reveal(),
            }
            for user in contents.users
        ],
    }
    return json.dumps(content, indent=1)
