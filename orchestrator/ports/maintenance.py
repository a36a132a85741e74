"""What maintenance needs of the cloud and of databases, beside hosts and playbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from orchestrator.model.hardware import Server
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import (
    ComputeHost,
    Instance,
    MaintenancePlan,
    Move,
    ServiceRoles,
)
from orchestrator.model.units import Json


class Computes(Protocol):
    """The cloud's compute hosts."""

    def hosts(self) -> Mapping[str, ComputeHost]:
        """Return all compute hosts by their name in the site."""

    def instances(self) -> tuple[Instance, ...]:
        """Return all instances."""

    def cordon(self, host: ComputeHost, *, reason: str) -> None:
        """Let Nova place nothing new on a host."""

    def uncordon(self, host: ComputeHost) -> None:
        """Let Nova place instances on a host again."""

    def move(self, move: Move, *, within: float) -> None:
        """Move an instance while it runs, and see it there; one that is there already is fine.

        A migration that does not end in time is aborted: the instance stays where it was.

        Raises:
            CloudError: it is not there; the message says where it is, and how.
        """


class Primaries(Protocol):
    """Where the tenants' databases have their primaries."""

    def roles(self) -> Sequence[ServiceRoles]:
        """Return where each service's primary is, and which replicas may take over."""

    def hand_over(self, service: str, *, to: str) -> None:
        """Make the replica on a host the primary; where it is that already, nothing is done.

        Raises:
            OrchestratorError: it is not; the message says which host is primary.
        """


class HostCertificates(Protocol):
    """The certificates that hosts present to clients and to each other."""

    def until(self, servers: Sequence[Server]) -> Mapping[str, datetime | Unknown]:
        """Return when each server's certificate ends; one that has none is left out."""

    def renew(self, server: Server, *, ending: datetime) -> None:
        """Replace the certificate that ends then, and let the host's services read the new one.

        One that was replaced already is left, and read once more: a run may have been cut off.

        Raises:
            OrchestratorError: the host has no later one.
        """


class MaintenanceRecords(Protocol):
    """What is remembered of maintenance: plans that were begun, and how far each came."""

    def begin(self, plan: MaintenancePlan) -> None:
        """Keep a plan before anything is done; one that is kept already stays as it is."""

    def note(self, plan_id: str, entry: Mapping[str, Json]) -> None:
        """Add one line to a plan's journal, and wait until it is on the disk."""

    def entries(self, plan_id: str) -> tuple[Mapping[str, Json], ...]:
        """Return a plan's journal."""

    def plans(self) -> tuple[MaintenancePlan, ...]:
        """Return the plans that were begun, the newest last."""
