"""What a lab is: its folder, its services, and what it is asked to emulate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.model.units import Secret

CLOUD = "orchestrator-lab"
"""The cloud's name in the lab's clouds.yaml."""

REGION = "RegionOne"
HOST = "127.0.0.1"

SERVICES = ("keystone", "placement", "glance", "neutron", "cinder", "bmc", "snmp", "ironic", "nova")
"""One process each, in the order of their start."""

MINIMUM_COMPUTES = 3
"""Enough for a live migration while one host is down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabSettings:
    """Where a lab lives and how it behaves."""

    directory: Path
    venv: Path
    power_delay_seconds: float = 1.0
    """How long an emulated server takes to switch on or off."""
    physical_networks: tuple[str, ...] = ("physnet1",)
    """Names that provider networks may use."""

    @property
    def record(self) -> Path:
        """Return the file that remembers ports and passwords."""
        return self.directory / "lab.json"

    @property
    def clouds(self) -> Path:
        """Return the clouds.yaml for the standard clients."""
        return self.directory / "clouds.yaml"

    @property
    def endpoints(self) -> Path:
        """Return the file that says where declared BMC addresses are reached."""
        return self.directory / "endpoints.json"

    @property
    def config(self) -> Path:
        """Return the folder of the services' configurations."""
        return self.directory / "etc"

    @property
    def databases(self) -> Path:
        """Return the folder of the databases."""
        return self.directory / "db"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs."""
        return self.directory / "log"

    @property
    def data(self) -> Path:
        """Return the folder of what the services store: images, volumes, keys."""
        return self.directory / "var"

    @property
    def run(self) -> Path:
        """Return the folder of what is true while the lab runs."""
        return self.directory / "run"

    @property
    def network(self) -> Path:
        """Return the folder of the network: its record and what its devices saved."""
        return self.directory / "network"

    @property
    def hosts(self) -> Path:
        """Return the folder of the hosts: their record and their disks."""
        return self.directory / "hosts"

    @property
    def host_images(self) -> Path:
        """Return the folder of the hosts' images; labs that share an environment share it, too."""
        return self.venv.with_name("host-images")

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return every folder that the lab makes, but for the environment."""
        made = (self.directory / "bin", self.directory / "python")
        return (self.config, self.databases, self.logs, self.data, self.run, *made)


@dataclass(frozen=True, kw_only=True, slots=True)
class BmcSpec:
    """One emulated BMC and the machine behind it."""

    name: str
    address: str
    """The address that the site declares."""
    system_id: str
    """UUID of the Redfish system."""
    user: str
    password: Secret
    macs: tuple[str, ...]
    cpu_threads: int
    memory_gib: int
    disk_gib: int
    host: str = ""
    """The address that the site declares of its operating system."""
    vendor: str = "Sushy Emulator"
    model: str = "Lab server"
    serial: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnmpSpec:
    """One emulated PDU, UPS or sensor."""

    name: str
    """Its community, and its context."""
    address: str
    """The address that the site declares."""
    recording: str = ""
    """A file of snmpsim-data that it answers from; empty where there is none."""
    values: tuple[tuple[str, str, str], ...] = ()
    """What it answers besides or instead: OID, tag of a recording, value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnmpUser:
    """A login of SNMPv3 at every emulated device: SHA-256 and AES-128."""

    name: str
    authentication: Secret
    privacy: Secret
