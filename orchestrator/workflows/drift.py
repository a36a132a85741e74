"""Drift: find what changed in the cloud that nobody declared."""

from __future__ import annotations

from orchestrator.execution.observe import observe
from orchestrator.model.plan import DriftReport, Scope
from orchestrator.planning.drift import find_drifts, recorded_ids
from orchestrator.ports import Ports
from orchestrator.workflows.check import CheckedSite
from orchestrator.workflows.plan import recorded_states


def find_drift(checked: CheckedSite, ports: Ports, scope: Scope) -> DriftReport:
    """Compare the recorded resources with the cloud; nothing is written."""
    with ports.lock.hold(why="drift", shared=True):
        states = recorded_states(checked.site, ports, scope)
        wanted = recorded_ids(tuple(states.values()), ports.provider.kinds)
        observed = observe(ports.provider, wanted)
    found = {
        stack: find_drifts(state, observed, ports.provider.kinds) for stack, state in states.items()
    }
    return DriftReport(
        site=checked.site.name,
        observed_kinds=len(wanted),
        observed_resources=sum(map(len, wanted.values())),
        drifts={stack: drifts for stack, drifts in found.items() if drifts},
    )
