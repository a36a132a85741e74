"""The deployment port: what Ironic and Glance know, and asking Ironic to write a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model.deploy import NodeFacts, StoredImage
from orchestrator.model.units import Json
from orchestrator.ports import AuditLog, Clock, SiteLock
from orchestrator.ports.host import Hosts


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What one server is to be written with."""

    node: NodeFacts
    image: StoredImage
    config: Mapping[str, Json]
    """The configuration drive: meta_data, user_data and, where known, network_data."""


class Deployer(Protocol):
    """Ironic and Glance. Each call is bounded; each failure is a CloudError."""

    def nodes(self) -> Mapping[str, NodeFacts]:
        """Return all servers by name, by one list."""

    def images(self) -> Sequence[StoredImage]:
        """Return all usable images, by one list; several may have one name."""

    def begin(self, order: Order) -> None:
        """Ask for a server to be written; returns when Ironic has accepted it."""

    def settled(self, node_id: str, *, within: float) -> NodeFacts:
        """Return the server once Ironic rests in a state. Raises CloudError where it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployPorts:
    """Everything that deploying needs from outside; `cli.wiring` fills it."""

    deployer: Deployer
    hosts: Hosts
    clock: Clock
    lock: SiteLock
    audit: AuditLog
