"""The only place that picks adapters and reads the environment.

Options that may come from the environment name their variable in `cli.options`; Click reads them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.outside import Access, Engine, Look, OpenSite
from orchestrator.cli.wiring_hosts import HostWiring, state_folder
from orchestrator.model.units import Secret

if TYPE_CHECKING:
    from orchestrator.adapters.secret_store import AnsibleVaultSecrets
    from orchestrator.adapters.state_dir import StateDirectory
    from orchestrator.engine.automation import AutomationStacks
    from orchestrator.engine.embedded import EmbeddedStacks
    from orchestrator.model.site import Site, SiteIdentity
    from orchestrator.ports import Watch
    from orchestrator.ports.bmc import HardwarePorts
    from orchestrator.ports.deploy import DeployPorts
    from orchestrator.ports.device import NetworkDevices
    from orchestrator.ports.provider import Provider
    from orchestrator.ports.room import RoomDevices
    from orchestrator.providers.redfish.bmcs import RedfishBmcs
    from orchestrator.workflows.backup_steps import BackupPorts
    from orchestrator.workflows.maintenance_acts import MaintenancePorts


class MachineWiring(HostWiring):
    """The adapters of a real machine."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Read settings from `environment`, which is the process's own unless given."""
        own = os.environ  # noqa: TID251 - the one place that may read it
        super().__init__(own if environment is None else environment)

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

        folder = state_folder(directory, access)
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
                folder=state_folder(directory, access).devices,
            )
        )

    def redfish(self, directory: Path, access: Access) -> RedfishBmcs:
        """Return the BMCs by Redfish, reached where the endpoints file says."""
        from orchestrator.providers.redfish.bmcs import RedfishBmcs

        return RedfishBmcs(
            endpoints=self._endpoints(),
            secrets=self.vault(directory, access.vault_password_file),
            folder=state_folder(directory, access).bmcs,
        )

    def hardware(self, directory: Path, access: Access) -> HardwarePorts:
        """Return the BMCs by Redfish, reached where the endpoints file says."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.ports.bmc import HardwarePorts
        from orchestrator.providers.redfish.rare import RedfishFactoryLogins, RedfishMedia

        folder = state_folder(directory, access)
        vault = self.vault(directory, access.vault_password_file)
        bmcs = self.redfish(directory, access)
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

        folder = state_folder(directory, access)
        cloud = access.cloud or self._environment.get("OS_CLOUD") or identity.cloud
        return DeployPorts(
            deployer=IronicDeployer(Cloud(cloud, site=identity.name)),
            hosts=self._hosts(directory, access),
            clock=self.clock,
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
        )

    def maintenance(self, directory: Path, site: Site, *, access: Access) -> MaintenancePorts:
        """Return hosts, playbooks, BMCs, Nova and the databases of a site."""
        from orchestrator.adapters.maintenance_records import MaintenanceFolder
        from orchestrator.cli.playbook_options import named_playbook
        from orchestrator.providers.openstack.cloud import Cloud
        from orchestrator.providers.openstack.drain import NovaComputes
        from orchestrator.providers.redfish.updates import RedfishFirmware
        from orchestrator.workflows.maintenance_acts import MaintenancePorts
        from orchestrator.workflows.maintenance_certificates import (
            RENEW_PLAYBOOK,
            SiteCertificates,
        )
        from orchestrator.workflows.maintenance_databases import TenantPrimaries

        cloud = access.cloud or self._environment.get("OS_CLOUD") or site.identity.cloud
        services = self.services(directory, site.identity, access=access)
        bmcs = self.redfish(directory, access)
        return MaintenancePorts(
            playbooks=self.playbooks(directory, access),
            hosts=self._hosts(directory, access),
            computes=NovaComputes(Cloud(cloud, site=site.name)),
            primaries=TenantPrimaries(site=site, ports=services),
            certificates=SiteCertificates(
                site=site, ports=services, entry=named_playbook(RENEW_PLAYBOOK)
            ),
            firmware=RedfishFirmware(bmcs),
            bmcs=bmcs,
            records=MaintenanceFolder(state_folder(directory, access).maintenance),
        )

    def backups(self, directory: Path, site: Site, *, access: Access) -> BackupPorts:
        """Return what hosts' backups need, and the devices and BMCs whose settings are kept."""
        from orchestrator.adapters.settings_records import SettingsFolder
        from orchestrator.workflows.backup_settings import SettingsPorts

        settings = SettingsPorts(
            devices=self.network_devices(directory, access),
            bmcs=self.hardware(directory, access).bmcs,
            records=SettingsFolder(folder=state_folder(directory, access).settings),
            clock=self.clock,
        )
        return replace(super().backups(directory, site, access=access), settings=settings)

    def crash_log(self, directory: Path) -> Path:
        """Return the crash log of the site's state folder."""
        return state_folder(directory, Access()).crash_log

    def _provider(
        self, directory: Path, identity: SiteIdentity | None, *, access: Access, watch: Watch
    ) -> Provider:
        from orchestrator.model.progress import Noted
        from orchestrator.providers.govcloud import Surroundings, open_provider

        named = identity.cloud if identity else None
        folder = state_folder(directory, access)
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


def _engine(engine: Engine) -> type[EmbeddedStacks | AutomationStacks]:
    if engine is Engine.PULUMI:
        from orchestrator.engine.automation import AutomationStacks

        return AutomationStacks
    from orchestrator.engine.embedded import EmbeddedStacks

    return EmbeddedStacks


def _state_passphrase(vault: AnsibleVaultSecrets) -> Secret:
    """Return what the secrets in the state are encrypted with; a new site gets a fresh one.

    A fresh one never replaces another: the state's salt proves the passphrase that it was
    written with.
    """
    from orchestrator.adapters.secret_store import STATE_PASSPHRASE, ensure_secrets

    if STATE_PASSPHRASE not in vault.names():
        ensure_secrets(vault, [STATE_PASSPHRASE])
    return vault.get(STATE_PASSPHRASE)
