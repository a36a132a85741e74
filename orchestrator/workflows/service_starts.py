"""Wait until no voter of a service holds to a start any more, before its primary is changed.

A voter that let a host start as the primary lets no other one be made it for two minutes (decision
0028). A change that did not wait for that would stop the primary first, and be refused then.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.model.service_plan import SwitchPlan
from orchestrator.model.service_state import LetStart
from orchestrator.workflows.services import ServicePorts, ask_hosts

LOOKS = 3
"""A host may have been let start while this waited for another one."""
BESIDE_SECONDS = 1.0
"""More than the voters say: their answers were on the way."""


def await_starts(plan: SwitchPlan, ports: ServicePorts, *, told: Callable[[str], None]) -> None:
    """Wait while voters hold to the start of another host than the new primary; bounded.

    Where one is let start again and again, this ends, and the voters refuse.
    """
    for _ in range(LOOKS):
        held = [one for one in _starts(plan, ports) if one.host != plan.new.name]
        if not held:
            return
        longest = max(held, key=lambda one: one.seconds)
        seconds = longest.seconds + BESIDE_SECONDS
        told(f"waiting {seconds:.0f} s: {longest.host} was let start as the primary just now")
        ports.playbooks.clock.sleep(seconds)


def _starts(plan: SwitchPlan, ports: ServicePorts) -> list[LetStart]:
    declared = plan.declared
    told = ask_hosts({declared.name: plan.voters}, [declared], ports.databases)
    starts = (one.starts.get(declared.cluster) for one in told.values())
    return [one for one in starts if one is not None]
