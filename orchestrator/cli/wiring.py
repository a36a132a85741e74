"""The only place that picks adapters and reads the environment.

Options that may come from the environment name their variable in `cli.options`; Click reads them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.outside import Access, Engine, Look, OpenSite
from orchestrator.errors import OrchestratorError
from orchestrator.model.units import Json, Secret

if TYPE_CHECKING:
    from orchestrator.adapters.secret_store import AnsibleVaultSecrets
    from orchestrator.adapters.state_dir import StateDirectory
    from orchestrator.compile.inventory import Place
    from orchestrator.engine.automation import AutomationStacks
    from orchestrator.engine.embedded import EmbeddedStacks
    from orchestrator.model.site import Site, SiteIdentity
    from orchestrator.ports import Clock, Watch
    from orchestrator.ports.bmc import HardwarePorts
    from orchestrator.ports.deploy import DeployPorts
    from orchestrator.ports.device import NetworkDevices
    from orchestrator.ports.provider import Provider
    from orchestrator.ports.room import RoomDevices
    from orchestrator.providers.host.ssh import SshHosts
    from orchestrator.workflows.accept import AcceptPorts
    from orchestrator.workflows.backup import BackupPorts
    from orchestrator.workflows.drill_run import DrillPorts
    from orchestrator.workflows.image_build import BuildPorts
    from orchestrator.workflows.maintenance_acts import MaintenancePorts
    from orchestrator.workflows.playbook import PlaybookPorts
    from orchestrator.workflows.services import ServicePorts


class MachineWiring:
    """The adapters of a real machine."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Read settings from `environment`, which is the process's own unless given."""
        own = os.environ  # noqa: TID251 - the one place that may read it
        self._environment = own if environment is None else environment

    @property
    def clock(self) -> Clock:
        """Return the machine's clock."""
        from orchestrator.adapters.clock import SystemClock

        return SystemClock()

    def look(self) -> Look:
        """Return what NO_COLOR and COLUMNS say."""
        columns = self._environment.get("COLUMNS", "")
        return Look(
            no_color=bool(self._environment.get("NO_COLOR")),
            columns=int(columns) if columns.isdecimal() and int(columns) > 0 else None,
        )

    def can_ask(self) -> bool:
        """Say whether a person sits at the terminal: questions go to stderr, answers to stdin."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    @contextmanager
    def open(
        self, directory: Path, identity: SiteIdentity | None, *, access: Access, watch: Watch
    ) -> Iterator[OpenSite]:
        """Open the ports on files below the site's directory and on its cloud.

        Nothing is connected or decrypted before the first use.
        """
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.ports import Ports

        folder = _state_folder(directory, access)
        provider = self._provider(directory, identity, access=access, watch=watch)
        stacks = self._stacks(directory, folder, access=access, provider=provider)
        yield OpenSite(
            ports=Ports(
                clock=self.clock,
                stacks=stacks,
                archive=stacks,
                provider=provider,
                lock=FileSiteLock(folder.lock, self.clock),
                audit=ChainedAuditLog(folder.audit_log, self.clock),
                watch=watch,
            ),
            stop=stacks.stop,
        )

    def room_devices(self, directory: Path, access: Access) -> RoomDevices:
        """Return the devices of the machine rooms, over SNMP."""
        from orchestrator.providers.snmp.access import SnmpAccess
        from orchestrator.providers.snmp.read import SnmpRoomDevices
        from orchestrator.providers.snmp.wire import SnmpWire

        vault = self.vault(directory, access.vault_password_file)
        return SnmpRoomDevices(SnmpAccess(endpoints=self._endpoints(), secrets=vault), SnmpWire())

    def network_devices(self, directory: Path, access: Access) -> NetworkDevices:
        """Return the network devices, over SSH."""
        from orchestrator.providers.device.access import DeviceAccess
        from orchestrator.providers.device.devices import SshNetworkDevices

        return SshNetworkDevices(
            DeviceAccess(
                endpoints=self._endpoints(),
                secrets=self.vault(directory, access.vault_password_file),
                folder=_state_folder(directory, access).devices,
            )
        )

    def vault(self, directory: Path, password_file: Path | None) -> AnsibleVaultSecrets:
        """Open the site's vault."""
        from orchestrator.adapters.secret_store import AnsibleVaultSecrets

        return AnsibleVaultSecrets(directory, password_file)

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        """Return the BMCs by Redfish, reached where the endpoints file says."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.ports.bmc import HardwarePorts
        from orchestrator.providers.redfish.bmcs import RedfishBmcs
        from orchestrator.providers.redfish.rare import RedfishFactoryLogins, RedfishMedia

        folder = _state_folder(directory, access)
        vault = self.vault(directory, access.vault_password_file)
        bmcs = RedfishBmcs(endpoints=self._endpoints(), secrets=vault, folder=folder.bmcs)
        return HardwarePorts(
            bmcs=bmcs,
            media=RedfishMedia(bmcs),
            factory_logins=RedfishFactoryLogins(bmcs),
            secrets=vault,
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
        )

    def deployment(self, directory: Path, identity: SiteIdentity, *, access: Access) -> DeployPorts:
        """Return Ironic and Glance of the site's cloud, and its hosts by SSH."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.ports.deploy import DeployPorts
        from orchestrator.providers.openstack.cloud import Cloud
        from orchestrator.providers.openstack.deployment import IronicDeployer

        folder = _state_folder(directory, access)
        cloud = access.cloud or self._environment.get("OS_CLOUD") or identity.cloud
        return DeployPorts(
            deployer=IronicDeployer(Cloud(cloud, site=identity.name)),
            hosts=self._hosts(directory, access),
            clock=self.clock,
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
        )

    def acceptance(self, directory: Path, access: Access) -> tuple[AcceptPorts, Path]:
        """Return the hosts by SSH and the site's signing key, and the folder of the reports."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.signing import SiteSigner
        from orchestrator.workflows.accept import AcceptPorts

        folder = _state_folder(directory, access)
        ports = AcceptPorts(
            hosts=self._hosts(directory, access),
            signer=SiteSigner(self.vault(directory, access.vault_password_file)),
            clock=self.clock,
            audit=ChainedAuditLog(folder.audit_log, self.clock),
        )
        return ports, folder.acceptance

    def _hosts(self, directory: Path, access: Access) -> SshHosts:
        from orchestrator.providers.host.ssh import SshHosts

        return SshHosts(
            endpoints=self._endpoints(),
            secrets=self.vault(directory, access.vault_password_file),
            folder=_state_folder(directory, access).hosts,
        )

    def playbooks(self, directory: Path, access: Access) -> PlaybookPorts:
        """Return Ansible, with the site's vault, lock and audit log."""
        from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER, PlaybookPorts

        folder = _state_folder(directory, access)
        return PlaybookPorts(
            playbooks=AnsiblePlaybooks(folder.playbooks, PLAYBOOKS_FOLDER, host_keys=folder.hosts),
            secrets=self.vault(directory, access.vault_password_file),
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
            clock=self.clock,
            places=self.ssh_places(),
        )

    def services(self, directory: Path, identity: SiteIdentity, *, access: Access) -> ServicePorts:
        """Return PostgreSQL on the site's hosts, and the site's certificate authority."""
        from orchestrator.adapters.site_ca import SiteAuthority
        from orchestrator.providers.postgresql.databases import PostgresqlDatabases
        from orchestrator.workflows.services import ServicePorts

        playbooks = self.playbooks(directory, access)
        return ServicePorts(
            playbooks=playbooks,
            databases=PostgresqlDatabases(self._hosts(directory, access)),
            authority=SiteAuthority(identity.name, playbooks.secrets, self.clock),
        )

    def image_build(self, directory: Path, access: Access) -> BuildPorts:
        """Return mmdebstrap, and the site's audit log."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.mmdebstrap.builder import MmdebstrapBuilder
        from orchestrator.workflows.image_build import BuildPorts

        audit = ChainedAuditLog(_state_folder(directory, access).audit_log, self.clock)
        return BuildPorts(builder=MmdebstrapBuilder(), audit=audit)

    def backups(self, directory: Path, site: Site, *, access: Access) -> BackupPorts:
        """Return the repositories and hosts of a site's backups, over SSH."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.ports.backup import BackupEngine
        from orchestrator.providers.backup.engine import (
            HostCopying,
            HostRestores,
            RepositoryArchive,
        )
        from orchestrator.providers.backup.requests import Keys
        from orchestrator.providers.backup.sending import Agents
        from orchestrator.providers.backup.site_records import SiteRecords
        from orchestrator.workflows.backup import BackupPorts, stores_of

        folder = _state_folder(directory, access)
        vault = self.vault(directory, access.vault_password_file)
        keys = Keys(agents=Agents(hosts=self._hosts(directory, access)), secrets=vault)
        records = SiteRecords(directory=directory, state=folder.root)
        return BackupPorts(
            engine=BackupEngine(
                copying=HostCopying(keys=keys, records=records),
                archive=RepositoryArchive(keys=keys),
                restores=HostRestores(keys=keys, records=records),
                stores=stores_of(site),
            ),
            secrets=vault,
            clock=self.clock,
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
            work_lock=FileSiteLock(folder.backup_lock, self.clock),
        )

    def maintenance(self, directory: Path, site: Site, *, access: Access) -> MaintenancePorts:
        """Return hosts, playbooks, BMCs, Nova and the databases of a site."""
        from orchestrator.adapters.maintenance_records import MaintenanceFolder
        from orchestrator.providers.openstack.cloud import Cloud
        from orchestrator.providers.openstack.drain import NovaComputes
        from orchestrator.workflows.maintenance_acts import MaintenancePorts
        from orchestrator.workflows.maintenance_databases import TenantPrimaries

        cloud = access.cloud or self._environment.get("OS_CLOUD") or site.identity.cloud
        return MaintenancePorts(
            playbooks=self.playbooks(directory, access),
            hosts=self._hosts(directory, access),
            computes=NovaComputes(Cloud(cloud, site=site.name)),
            primaries=TenantPrimaries(
                site=site, ports=self.services(directory, site.identity, access=access)
            ),
            bmcs=self.hardware(directory, access).bmcs,
            records=MaintenanceFolder(_state_folder(directory, access).maintenance),
        )

    def drills(self, directory: Path, site: Site, *, access: Access) -> DrillPorts:
        """Return the site's backups, hosts to drill on, and the site's signing key."""
        from orchestrator.adapters.drill_records import FolderDrillRecords
        from orchestrator.adapters.signing import SiteSigner
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.planning.drill_choice import DRILL_FOLDER, DRILL_LOCKS
        from orchestrator.providers.drill.ground import HostGround
        from orchestrator.workflows.drill_run import DrillPorts

        folder = _state_folder(directory, access)
        backups = self.backups(directory, site, access=access)
        hosts = self._hosts(directory, access)
        return DrillPorts(
            engine=backups.engine,
            ground=HostGround(hosts=hosts, folder=DRILL_FOLDER, locks=DRILL_LOCKS),
            records=FolderDrillRecords(folder.drills),
            secrets=backups.secrets,
            signer=SiteSigner(backups.secrets),
            clock=self.clock,
            audit=backups.audit,
            lock=FileSiteLock(folder.drill_lock, self.clock),
        )

    def ssh_places(self) -> Mapping[str, Place]:
        """Return the `ssh` part of the endpoints file: another host, and another port."""
        from orchestrator.compile.inventory import ssh_places

        return ssh_places(self._endpoints())

    def crash_log(self, directory: Path) -> Path:
        """Return the crash log of the site's state folder."""
        return _state_folder(directory, Access()).crash_log

    def _provider(
        self, directory: Path, identity: SiteIdentity | None, *, access: Access, watch: Watch
    ) -> Provider:
        from orchestrator.model.progress import Noted
        from orchestrator.providers.govcloud import Surroundings, open_provider

        named = identity.cloud if identity else None
        folder = _state_folder(directory, access)
        return open_provider(
            access.cloud or self._environment.get("OS_CLOUD") or named,
            self.vault(directory, access.vault_password_file),
            self._endpoints(),
            site=identity.name if identity else directory.resolve().name,
            around=Surroundings(
                bmcs=folder.bmcs,
                devices=folder.devices,
                tell=lambda line: watch(Noted(text=line)),
            ),
        )

    def _stacks(
        self, directory: Path, folder: StateDirectory, *, access: Access, provider: Provider
    ) -> EmbeddedStacks | AutomationStacks:
        from orchestrator.workflows.plan import PROGRAMS_FOLDER

        vault = self.vault(directory, access.vault_password_file)
        return _engine(access.engine)(
            folder.pulumi,
            PROGRAMS_FOLDER,
            provider,
            passphrase=lambda: _state_passphrase(vault),
            clock=self.clock,
            parallel=access.parallel,
        )

    def _endpoints(self) -> Mapping[str, Json]:
        """Return where declared addresses are really reached: bastions, NAT, a lab."""
        named = self._environment.get("ORCHESTRATOR_ENDPOINTS")
        if not named:
            return {}
        try:
            found = json.loads(Path(named).read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError("it does not hold a mapping")
        except (OSError, ValueError) as error:
            raise OrchestratorError(
                f"cannot read the endpoints file {named}: {error}",
                remedy="Mend the file, or unset ORCHESTRATOR_ENDPOINTS.",
            ) from error
        return found


def _engine(engine: Engine) -> type[EmbeddedStacks | AutomationStacks]:
    if engine is Engine.PULUMI:
        from orchestrator.engine.automation import AutomationStacks

        return AutomationStacks
    from orchestrator.engine.embedded import EmbeddedStacks

    return EmbeddedStacks


def _state_folder(directory: Path, access: Access) -> StateDirectory:
    from orchestrator.adapters.state_dir import StateDirectory

    if access.state_directory is None:
        return StateDirectory.of_site(directory)
    return StateDirectory(access.state_directory.resolve())


def _state_passphrase(vault: AnsibleVaultSecrets) -> Secret:
    """Return what the secrets in the state are encrypted with; a new site gets a fresh one.

    A fresh one never replaces another: the state's salt proves the passphrase that it was
    written with.
    """
    from orchestrator.adapters.secret_store import STATE_PASSPHRASE, ensure_secrets

    if STATE_PASSPHRASE not in vault.names():
        ensure_secrets(vault, [STATE_PASSPHRASE])
    return vault.get(STATE_PASSPHRASE)
