"""Give the primaries of a host's databases to replicas elsewhere, before the host goes down."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.errors import HostError
from orchestrator.model.host import HostFault
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import Operation, ServiceRoles
from orchestrator.ports.maintenance import Primaries


def hand_over(operation: Operation, fellows: Collection[str], primaries: Primaries) -> None:
    """Leave no primary on a host, and bring to its end what an earlier run began of that.

    `fellows` are the hosts of its batch: none of them takes over.

    Raises:
        HostError: no replica may take over, or where a primary is cannot be known.
        ServiceError: a switch could not be made.
    """
    planned = {over.service: over.to for over in operation.hand_overs}
    for one in primaries.roles():
        if isinstance(one.primary, Unknown):
            if one.service in planned:
                # A switch that was cut off between its stop and its promotion is gone on with.
                primaries.hand_over(one.service, to=planned[one.service])
            elif operation.host in one.hosts:
                why = one.primary.reason
                raise _failed(f"where {one.service} has its primary is unknown: {why}")
        elif one.primary == operation.host:
            to = _successor(one, planned.get(one.service), fellows)
            primaries.hand_over(one.service, to=to)
        elif one.primary == planned.get(one.service) and operation.host not in one.standbys:
            # It was cut off after its promotion: the rest is to follow.
            primaries.hand_over(one.service, to=one.primary)


def _successor(one: ServiceRoles, planned: str | None, fellows: Collection[str]) -> str:
    able = [name for name in one.standbys if name not in fellows]
    if planned in able:
        return str(planned)
    if not able:
        raise _failed(f"no replica of {one.service} may take over now")
    return able[0]


def _failed(message: str) -> HostError:
    return HostError(message, fault=HostFault.FAILED)
