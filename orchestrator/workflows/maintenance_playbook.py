"""Read how a playbook ended on one host, as one act of its maintenance."""

from __future__ import annotations

from orchestrator.errors import HostError, OrchestratorError
from orchestrator.model.host import HostFault
from orchestrator.model.playbook import Outcome, PlaybookResult

BAD = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})


class UnseenEndError(OrchestratorError):
    """Something began on a host, and nobody saw how it ended."""


def require_well(result: PlaybookResult, host: str) -> None:
    """Require a playbook to have done its work on a host.

    Raises:
        UnseenEndError: it began, and how it ended is not known.
        HostError: it failed; the message is the host's own.
    """
    told = next((one for one in result.hosts if one.host == host), None)
    # The last failure is the playbook's own word on the first one, which it tried to mend.
    failures = [one.reason for one in told.tasks if one.outcome in BAD] if told else []
    reason = next(
        (one for one in (*reversed(failures), told.reason if told else "", result.reason) if one),
        result.ending.value,
    )
    if told is None or told.outcome is Outcome.UNKNOWN:
        raise UnseenEndError(
            f"the playbook began and its end was not seen: {reason}",
            remedy="`orchestrator maintenance resume` looks, and goes on from there.",
        )
    if told.outcome not in {Outcome.OK, Outcome.CHANGED}:
        raise HostError(
            reason,
            fault=HostFault.FAILED,
            remedy=f"What Ansible did is in {result.record}" if result.record else "",
        )
