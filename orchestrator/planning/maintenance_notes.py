"""Say what whoever approves a maintenance plan should know of a host."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import ComputeHost, HostFacts
from orchestrator.planning.host_needs import DRIFT_SECONDS, clock_off


def host_notes(facts: HostFacts) -> Iterator[str]:
    """Return what should be known of a host before it is worked on."""
    if isinstance(facts.pending, Unknown):
        yield f"what is pending is unknown: {facts.pending.reason}"
    if facts.held:
        yield f"held back on it: {', '.join(facts.held)}"
    if facts.unconfigured:
        yield f"not set up on it: {', '.join(facts.unconfigured)}"
    if abs(facts.clock_ahead_seconds) > DRIFT_SECONDS:
        yield f"its clock is {clock_off(facts)}"
    if facts.failed_units:
        yield f"failed on it already: {', '.join(facts.failed_units)}"


def compute_notes(server: Server, compute: ComputeHost | None) -> Iterator[str]:
    """Return what should be known of it as a compute host."""
    if compute is None and server.role is ServerRole.COMPUTE:
        yield "Nova does not know it: nothing is drained"
    if compute is not None and compute.left_by:
        yield f"the maintenance {compute.left_by} left it disabled: it is enabled at the end"
    elif compute is not None and not compute.enabled:
        yield f"it stays disabled, as somebody left it ({compute.reason or 'no reason given'})"
