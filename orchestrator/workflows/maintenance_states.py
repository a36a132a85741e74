"""Say in which state an operation leaves its host, so that nobody has to guess."""

from __future__ import annotations

from orchestrator.errors import OrchestratorError
from orchestrator.model.maintenance import Act, Operation
from orchestrator.planning.maintenance_progress import DISTURBS
from orchestrator.workflows.maintenance_acts import HostWork

STAYS_CORDONED = DISTURBS | {Act.CHECK}
"""After a failure in one of these Nova is not to place anything on the host."""

_UNSEEN = "whether its compute service is enabled is unknown"


def state_after(work: HostWork, act: Act | None) -> str:
    """Say how a host is left after an act failed; one that could not be emptied is put back.

    No act: it did not answer, and none was begun.
    """
    if act is None:
        return _left_alone(work)
    if Act.CORDON not in work.operation.acts:
        return ""
    if act in {Act.CORDON, Act.DRAIN}:
        try:
            return work.put_back()
        except OrchestratorError as error:
            return f"{_UNSEEN}: {error.message}"
    if act in STAYS_CORDONED or act is Act.UNCORDON:
        return "its compute service stays disabled: nothing is placed on it"
    return ""


def _left_alone(work: HostWork) -> str:
    """Say how a host is that did not answer: an earlier run may have taken it out of service."""
    try:
        left = work.as_it_was_left()
    except OrchestratorError as error:
        left = f"{_UNSEEN}: {error.message}"
    return f"nothing was done; {left}" if left else "nothing was done"


def state_when_done(operation: Operation) -> str:
    """Say how a host is left when every act is done."""
    if Act.UNCORDON in operation.acts:
        return "healthy, in service"
    return "healthy, left disabled" if Act.CORDON in operation.acts else "healthy"
