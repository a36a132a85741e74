"""The adapters of what runs on the site's hosts; `wiring.py` has the rest and the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.outside import Access
from orchestrator.errors import OrchestratorError
from orchestrator.model.units import Json

if TYPE_CHECKING:
    from orchestrator.adapters.secret_store import AnsibleVaultSecrets
    from orchestrator.adapters.state_dir import StateDirectory
    from orchestrator.compile.inventory import Place
    from orchestrator.model.site import Site, SiteIdentity
    from orchestrator.ports import Clock
    from orchestrator.providers.backup.cloud import CloudThings
    from orchestrator.providers.backup.requests import Keys
    from orchestrator.providers.host.ssh import SshHosts
    from orchestrator.workflows.accept import AcceptPorts
    from orchestrator.workflows.backup_continuous import ContinuousPorts
    from orchestrator.workflows.backup_steps import BackupPorts
    from orchestrator.workflows.drill_run import DrillPorts
    from orchestrator.workflows.image_build import BuildPorts
    from orchestrator.workflows.playbook import PlaybookPorts
    from orchestrator.workflows.services import ServicePorts


class HostWiring:
    """The site's hosts by SSH and Ansible, its vault and its records."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the settings of the process."""
        self._environment = environment

    @property
    def clock(self) -> Clock:
        """Return the machine's clock."""
        from orchestrator.adapters.clock import SystemClock

        return SystemClock()

    def vault(self, directory: Path, password_file: Path | None) -> AnsibleVaultSecrets:
        """Open the site's vault."""
        from orchestrator.adapters.secret_store import AnsibleVaultSecrets

        return AnsibleVaultSecrets(directory, password_file)

    def acceptance(self, directory: Path, access: Access) -> tuple[AcceptPorts, Path]:
        """Return the hosts by SSH and the site's signing key, and the folder of the reports."""
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.signing import SiteSigner
        from orchestrator.workflows.accept import AcceptPorts

        folder = state_folder(directory, access)
        ports = AcceptPorts(
            hosts=self._hosts(directory, access),
            signer=SiteSigner(self.vault(directory, access.vault_password_file)),
            clock=self.clock,
            audit=ChainedAuditLog(folder.audit_log, self.clock),
        )
        return ports, folder.acceptance

    def playbooks(self, directory: Path, access: Access) -> PlaybookPorts:
        """Return Ansible, with the site's vault, lock and audit log."""
        from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
        from orchestrator.adapters.audit_log import ChainedAuditLog
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER, PlaybookPorts

        folder = state_folder(directory, access)
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

        audit = ChainedAuditLog(state_folder(directory, access).audit_log, self.clock)
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
        from orchestrator.workflows.backup import stores_of
        from orchestrator.workflows.backup_steps import BackupPorts

        folder = state_folder(directory, access)
        vault = self.vault(directory, access.vault_password_file)
        keys = Keys(agents=Agents(hosts=self._hosts(directory, access)), secrets=vault)
        records = SiteRecords(
            directory=directory, state=folder.root, password_file=vault.password_file
        )
        return BackupPorts(
            engine=BackupEngine(
                copying=HostCopying(keys=keys, records=records),
                archive=RepositoryArchive(keys=keys),
                restores=HostRestores(keys=keys, records=records),
                stores=stores_of(site),
                cloud=self._cloud_things(directory, site, access=access, keys=keys),
            ),
            secrets=vault,
            clock=self.clock,
            lock=FileSiteLock(folder.lock, self.clock),
            audit=ChainedAuditLog(folder.audit_log, self.clock),
            work_lock=FileSiteLock(folder.backup_lock, self.clock),
        )

    def continuous(self, directory: Path, site: Site, *, access: Access) -> ContinuousPorts:
        """Return the archives of a site's databases: pgBackRest on its hosts, over SSH."""
        from orchestrator.ports.continuous import ContinuousEngine
        from orchestrator.providers.backup.continuous import (
            ArchiveRequests,
            HostArchiving,
            HostPointRestores,
            ServerKeeping,
        )
        from orchestrator.providers.backup.sending import Agents
        from orchestrator.workflows.backup_continuous import ContinuousPorts

        backups = self.backups(directory, site, access=access)
        agents = Agents(hosts=self._hosts(directory, access))
        requests = ArchiveRequests(agents=agents, secrets=backups.secrets)
        return ContinuousPorts(
            backups=backups,
            engine=ContinuousEngine(
                archiving=HostArchiving(requests=requests),
                keeping=ServerKeeping(requests=requests),
                restores=HostPointRestores(requests=requests),
            ),
        )

    def _cloud_things(
        self, directory: Path, site: Site, *, access: Access, keys: Keys
    ) -> CloudThings:
        """Return the images and volumes of the site's cloud, as backups see them."""
        from orchestrator.providers.backup.cloud import CloudThings
        from orchestrator.providers.backup.streaming import StreamingAgents
        from orchestrator.providers.host.streams import SshStreams
        from orchestrator.providers.openstack.cloud import Cloud
        from orchestrator.providers.openstack.image_copy import GlanceImages
        from orchestrator.providers.openstack.volume_copy import CinderVolumes

        named = access.cloud or self._environment.get("OS_CLOUD") or site.identity.cloud
        cloud = Cloud(named, site=site.name)
        images = GlanceImages(cloud)
        return CloudThings(
            site=site.name,
            keys=keys,
            agents=StreamingAgents(streams=SshStreams(hosts=self._hosts(directory, access))),
            images=images,
            volumes=CinderVolumes(cloud, images),
        )

    def drills(self, directory: Path, site: Site, *, access: Access) -> DrillPorts:
        """Return the site's backups, hosts to drill on, and the site's signing key."""
        from orchestrator.adapters.drill_records import FolderDrillRecords
        from orchestrator.adapters.signing import SiteSigner
        from orchestrator.adapters.site_lock import FileSiteLock
        from orchestrator.planning.backup import subjects_of
        from orchestrator.planning.drill_choice import DRILL_FOLDER, DRILL_LOCKS
        from orchestrator.providers.drill.ground import HostGround
        from orchestrator.workflows.drill_archive import with_archives
        from orchestrator.workflows.drill_run import DrillPorts

        folder = state_folder(directory, access)
        archives = self.continuous(directory, site, access=access)
        backups = archives.backups
        hosts = self._hosts(directory, access)
        return DrillPorts(
            engine=with_archives(backups.engine, archives.engine, subjects_of(site)),
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

    def _hosts(self, directory: Path, access: Access) -> SshHosts:
        from orchestrator.providers.host.ssh import SshHosts

        return SshHosts(
            endpoints=self._endpoints(),
            secrets=self.vault(directory, access.vault_password_file),
            folder=state_folder(directory, access).hosts,
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


def state_folder(directory: Path, access: Access) -> StateDirectory:
    """Return where a site's records are."""
    from orchestrator.adapters.state_dir import StateDirectory

    if access.state_directory is None:
        return StateDirectory.of_site(directory)
    return StateDirectory(access.state_directory.resolve())
