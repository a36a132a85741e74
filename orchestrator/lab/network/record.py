"""What the lab remembers of its network between commands: network.json in its folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.network.spec import NetworkContents
from orchestrator.lab.record import read_private, write_private
from orchestrator.model.network import Platform
from orchestrator.verify.probes import ProbeHost

FILE = "network.json"
FIRST_NUMBER = 11
"""Of the first device in the lab's prefix."""
LAST_NUMBER = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningDevice:
    """A device that the lab runs, and where it is reached."""

    name: str
    region: str
    platform: Platform
    address: str
    """As declared."""
    reached: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRecord:
    """The network of one lab."""

    digest: str
    """Of the plan that its namespaces and cables were made by."""
    subnet: str
    """A /24 of 198.18.0.0/17, by which the machine reaches the devices."""
    devices: tuple[RunningDevice, ...] = ()
    ends: tuple[ProbeHost, ...] = ()


def namespace_prefix(directory: Path) -> str:
    """Return what the names of a lab's namespaces begin with, and those of no other lab."""
    return f"orch-{_digest(directory)[:6]}-"


def cable_name(directory: Path) -> str:
    """Return the name of the cable from the machine into the lab."""
    return f"on{_digest(directory)[:8]}"


def record_of(contents: NetworkContents, *, digest: str, subnet: str) -> NetworkRecord:
    """Return the record of a network that runs in a subnet.

    Raises:
        LabError: there are more devices than addresses.
    """
    if len(contents.devices) > LAST_NUMBER - FIRST_NUMBER + 1:
        raise LabError(f"the lab runs at most {LAST_NUMBER - FIRST_NUMBER + 1} network devices")
    addresses = IPv4Network(subnet)
    devices = tuple(
        RunningDevice(
            name=device.name,
            region=device.region,
            platform=device.platform,
            address=device.address,
            reached=str(addresses[FIRST_NUMBER + number]),
        )
        for number, device in enumerate(contents.devices)
    )
    return NetworkRecord(digest=digest, subnet=subnet, devices=devices, ends=contents.ends)


def read_network(folder: Path) -> NetworkRecord | None:
    """Return the record, or None where the lab has no network.

    Raises:
        LabError: it cannot be read.
    """
    raw = read_private(folder / FILE)
    if raw is None:
        return None
    devices = tuple(
        RunningDevice(**{**each, "platform": Platform(each["platform"])}) for each in raw["devices"]
    )
    ends = tuple(
        ProbeHost(**{**each, "addresses": tuple(map(tuple, each["addresses"]))})
        for each in raw["ends"]
    )
    return NetworkRecord(digest=raw["digest"], subnet=raw["subnet"], devices=devices, ends=ends)


def write_network(folder: Path, record: NetworkRecord) -> None:
    """Remember the network."""
    write_private(folder / FILE, json.dumps(asdict(record), indent=1) + "\n")


def forget_network(folder: Path) -> None:
    """Remember nothing."""
    (folder / FILE).unlink(missing_ok=True)


def _digest(directory: Path) -> str:
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()
