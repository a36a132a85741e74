"""The provider of the package `govcloud`: OpenStack's services behind one interface."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import EngineError, SecretError
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import SecretStore
from orchestrator.ports.provider import Diff, Fault, Kind, Made, Observed, Properties
from orchestrator.providers.device.access import DeviceAccess, Tell, tell_nobody
from orchestrator.providers.device.kinds import NetworkDeviceKind
from orchestrator.providers.openstack.access import ApplicationCredentialKind, RoleAssignmentKind
from orchestrator.providers.openstack.baremetal import ServerKind
from orchestrator.providers.openstack.bmc import Bmcs
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.compute import FlavorKind, HostAggregateKind
from orchestrator.providers.openstack.identity import DomainKind, GroupKind, ProjectKind, UserKind
from orchestrator.providers.openstack.image import ImageKind
from orchestrator.providers.openstack.kind import CloudKind
from orchestrator.providers.openstack.network import (
    AddressScopeKind,
    NetworkKind,
    SubnetKind,
    SubnetPoolKind,
)
from orchestrator.providers.openstack.quota import (
    ComputeQuotaKind,
    NetworkQuotaKind,
    VolumeQuotaKind,
)
from orchestrator.providers.openstack.router import RouterKind
from orchestrator.providers.openstack.security_group import SecurityGroupKind
from orchestrator.providers.openstack.volume import VolumeTypeKind
from orchestrator.providers.redfish.bmcs import RedfishBmcs
from orchestrator.providers.redfish.kinds import SETTINGS_LIMITS, SettingsKind
from orchestrator.providers.resource_kind import ResourceKind
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.kinds import ROOM_KINDS
from orchestrator.providers.snmp.wire import SnmpWire

KINDS: tuple[type[CloudKind], ...] = (
    DomainKind,
    ProjectKind,
    GroupKind,
    UserKind,
    RoleAssignmentKind,
    ApplicationCredentialKind,
    ComputeQuotaKind,
    NetworkQuotaKind,
    VolumeQuotaKind,
    NetworkKind,
    SubnetKind,
    RouterKind,
    SecurityGroupKind,
    AddressScopeKind,
    SubnetPoolKind,
    FlavorKind,
    HostAggregateKind,
    ImageKind,
    VolumeTypeKind,
    ServerKind,
)


class GovCloud:
    """Every kind of resource of one cloud. Safe for many threads; silent before the first use."""

    def __init__(
        self,
        cloud: Cloud,
        bmcs: Bmcs,
        room: SnmpAccess,
        *,
        redfish: RedfishBmcs | None = None,
        devices: DeviceAccess | None = None,
    ) -> None:
        """Make one handler per kind.

        Without `redfish` no setting of a BMC is read or written, without `devices` no
        configuration of a network device.
        """
        self.cloud = cloud
        self._wire = SnmpWire()
        self._handlers: dict[str, ResourceKind] = {
            cls.kind.token: ServerKind(cloud, bmcs) if cls is ServerKind else cls(cloud)
            for cls in KINDS
        } | {cls.kind.token: cls(room, self._wire) for cls in ROOM_KINDS}
        self._handlers[SettingsKind.kind.token] = SettingsKind(redfish)
        self._handlers[NetworkDeviceKind.kind.token] = NetworkDeviceKind(devices)

    @property
    def version(self) -> str:
        """Return the version of the provider, which is the product's."""
        return __version__

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds by token."""
        return {token: handler.kind for token, handler in self._handlers.items()}

    def check(self, kind: str, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        """Return the inputs in normal form, and what is refused in them."""
        return self._handler(kind).check(inputs)

    def diff(self, kind: str, old: Properties, new: Properties) -> Diff:
        """Compare checked inputs."""
        return self._handler(kind).diff(old, new)

    def create(self, kind: str, inputs: Properties) -> Made:
        """Make the resource, or adopt the one that exists."""
        return self._handler(kind).create(inputs)

    def read(self, kind: str, resource_id: str, inputs: Properties) -> Observed | None:
        """Return one resource as the cloud has it."""
        return self._handler(kind).read(resource_id, inputs)

    def update(self, kind: str, made: Made, *, old: Properties, new: Properties) -> Properties:
        """Change the resource in place."""
        return self._handler(kind).update(made, old, new)

    def delete(self, kind: str, made: Made, inputs: Properties) -> None:
        """Delete the resource."""
        self._handler(kind).delete(made, inputs)

    def list(self, kind: str, recorded: Mapping[str, Properties]) -> Mapping[str, Observed]:
        """Return those that exist, by bulk reads."""
        return self._handler(kind).observe(recorded) if recorded else {}

    def close(self) -> None:
        """Close the connections to the cloud and to the rooms' devices."""
        self.cloud.close()
        self._wire.close()

    def _handler(self, kind: str) -> ResourceKind:
        handler = self._handlers.get(kind)
        if handler is None:
            raise EngineError(
                f"the provider has no kind {kind}", remedy=f"Known: {', '.join(self._handlers)}."
            )
        return handler


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Where the provider remembers what it met (certificates, host keys, sessions, backups)."""

    bmcs: Path
    devices: Path
    tell: Tell = tell_nobody
    """Who is told what is waited for."""


def open_provider(
    cloud: str | None,
    secrets: SecretStore,
    endpoints: Mapping[str, Any],
    *,
    site: str,
    config_files: Sequence[Path] = (),
    around: Surroundings | None = None,
) -> GovCloud:
    """Return the provider of a cloud in clouds.yaml; nothing is called before its first use.

    `cloud` None means what the environment says, as for every OpenStack client. Without `around`
    neither a BMC's settings nor a network device is touched.
    """
    redfish, devices = None, None
    if around is not None:
        devices = DeviceAccess(
            endpoints=endpoints, secrets=secrets, folder=around.devices, tell=around.tell
        )
        redfish = RedfishBmcs(
            endpoints=endpoints, secrets=secrets, folder=around.bmcs, limits=SETTINGS_LIMITS
        )
    return GovCloud(
        Cloud(cloud, site=site, config_files=config_files),
        Bmcs(endpoints=endpoints, secrets=secrets),
        SnmpAccess(endpoints=endpoints, secrets=secrets),
        redfish=redfish,
        devices=devices,
    )


class NoSecrets:
    """The secret store of a provider process that was given none."""

    def get(self, ref: SecretRef) -> Secret:
        """Refuse."""
        raise SecretError(
            f"{ref} is wanted, and this provider process was given no secrets",
            remedy="Apply the hardware layer with the embedded engine.",
        )

    def names(self) -> frozenset[str]:
        """Return nothing."""
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        """Refuse."""
        raise SecretError("this provider process keeps no secrets")


def open_provider_from_environment(secrets: SecretStore | None = None) -> GovCloud:
    """Return the provider as the plugin process serves it: settings come from its environment.

    OS_CLOUD and OS_CLIENT_CONFIG_FILE as every OpenStack client reads them, and
    ORCHESTRATOR_ENDPOINTS, the path of a JSON file of endpoints.
    """
    # The Pulumi engine starts the plugin and hands settings over in no other way.
    path = os.environ.get("ORCHESTRATOR_ENDPOINTS")  # noqa: TID251 - see the line above
    endpoints = json.loads(Path(path).read_text("utf-8")) if path else {}
    return open_provider(None, secrets or NoSecrets(), endpoints, site="plugin")
