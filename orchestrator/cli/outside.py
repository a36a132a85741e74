"""What the commands need from outside: options that they share, and the ports that they ask for.

`wiring.py` gives the real ones; tests give an in-memory world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from orchestrator.adapters.secret_store import AnsibleVaultSecrets
    from orchestrator.compile.inventory import Place
    from orchestrator.model.site import Site, SiteIdentity
    from orchestrator.ports import Clock, Ports, Watch
    from orchestrator.ports.bmc import HardwarePorts
    from orchestrator.ports.deploy import DeployPorts
    from orchestrator.ports.device import NetworkDevices
    from orchestrator.ports.room import RoomDevices
    from orchestrator.workflows.accept import AcceptPorts
    from orchestrator.workflows.backup_continuous import ContinuousPorts
    from orchestrator.workflows.backup_steps import BackupPorts
    from orchestrator.workflows.drill_run import DrillPorts
    from orchestrator.workflows.image_build import BuildPorts
    from orchestrator.workflows.maintenance_acts import MaintenancePorts
    from orchestrator.workflows.playbook import PlaybookPorts
    from orchestrator.workflows.services import ServicePorts


class Engine(StrEnum):
    """Who runs the Pulumi programs."""

    EMBEDDED = "embedded"
    PULUMI = "pulumi"


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How to reach the cloud, the secrets and the records: options that commands share."""

    engine: Engine = Engine.EMBEDDED
    cloud: str | None = None
    """A cloud of clouds.yaml; None: $OS_CLOUD, or the one that the site names."""
    vault_password_file: Path | None = None
    state_directory: Path | None = None
    """None: `.orchestrator` in the site's directory."""
    parallel: int = 16
    """Provider calls at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the environment says about output."""

    no_color: bool = False
    columns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSite:
    """A site's ports, and how to ask long work to stop after what is in flight."""

    ports: Ports
    stop: Callable[[], None]


class Wiring(Protocol):
    """What the commands need from outside; tests wire an in-memory world instead."""

    @property
    def clock(self) -> Clock:
        """Return the clock."""

    def look(self) -> Look:
        """Return what the environment says about output."""

    def can_ask(self) -> bool:
        """Say whether a person sits at the terminal."""

    def open(
        self, directory: Path, identity: SiteIdentity | None, *, access: Access, watch: Watch
    ) -> AbstractContextManager[OpenSite]:
        """Open a site's ports; without an identity the cloud is not to be used."""

    def room_devices(self, directory: Path, access: Access) -> RoomDevices:
        """Return the devices of the machine rooms; nobody is asked before the first use."""

    def network_devices(self, directory: Path, access: Access) -> NetworkDevices:
        """Return the network devices with a login; nobody is asked before the first use."""

    def vault(self, directory: Path, password_file: Path | None) -> AnsibleVaultSecrets:
        """Open the site's secrets."""

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        """Return what reaches the site's BMCs; nothing is connected before the first use."""

    def deployment(self, directory: Path, identity: SiteIdentity, *, access: Access) -> DeployPorts:
        """Return what deploys the site's servers; nothing is connected before the first use."""

    def acceptance(self, directory: Path, access: Access) -> tuple[AcceptPorts, Path]:
        """Return what tests servers, and the folder of the reports."""

    def playbooks(self, directory: Path, access: Access) -> PlaybookPorts:
        """Return what runs playbooks on the site's hosts; nothing is run or opened yet."""

    def image_build(self, directory: Path, access: Access) -> BuildPorts:
        """Return what builds images on this machine; nothing is run yet."""

    def backups(self, directory: Path, site: Site, *, access: Access) -> BackupPorts:
        """Return the repositories and hosts of a site's backups; nothing is connected yet."""

    def continuous(self, directory: Path, site: Site, *, access: Access) -> ContinuousPorts:
        """Return the archives of a site's databases; nothing is connected yet."""

    def maintenance(self, directory: Path, site: Site, *, access: Access) -> MaintenancePorts:
        """Return what maintenance works with; nothing is connected before the first use."""

    def drills(self, directory: Path, site: Site, *, access: Access) -> DrillPorts:
        """Return what restore drills need; nothing is connected yet."""

    def services(self, directory: Path, identity: SiteIdentity, *, access: Access) -> ServicePorts:
        """Return what works on tenants' databases; nothing is connected before the first use."""

    def ssh_places(self) -> Mapping[str, Place]:
        """Return where declared addresses of hosts are really reached over SSH."""

    def crash_log(self, directory: Path) -> Path:
        """Return the file that tracebacks go to."""
