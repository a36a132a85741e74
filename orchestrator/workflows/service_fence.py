"""Before another host leads: see by its BMC that the one that does not answer is off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.errors import BmcError, RefusedError, SecretError, ServiceError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import PowerAct, PowerState
from orchestrator.model.service_plan import SwitchPlan
from orchestrator.ports import AuditLog
from orchestrator.ports.bmc import Bmcs, SwitchPower

Powers = Mapping[str, PowerState | str]
"""By host: whether it is switched on, or why nobody knows."""

UNKNOWN = (BmcError, SecretError)
"""A BMC whose password the vault lacks tells no more than a silent one: a person has to look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FencePorts:
    """Hosts from outside, and where it is written down."""

    bmcs: Bmcs
    audit: AuditLog


def unseen(plan: SwitchPlan, bmcs: Bmcs) -> Mapping[str, str]:
    """Return the hosts that may lead and of which nobody knows whether they are off, with why.

    Raises:
        RefusedError: one is on, as its BMC says.
    """
    told = _powers(plan.may_lead, bmcs)
    on = [host for host, state in told.items() if state in {PowerState.ON, PowerState.CHANGING}]
    if on:
        raise RefusedError(
            f"{', '.join(on)} does not answer and is not off, as its BMC says: who reaches it may "
            "still write there",
            remedy="--fence switches it off first, with all that runs on it; or bring it in reach.",
        )
    return {host: state for host, state in told.items() if state is not PowerState.OFF}


def _powers(servers: tuple[Server, ...], bmcs: Bmcs) -> Powers:
    found: dict[str, PowerState | str] = {}
    for server in servers:
        try:
            found[server.name] = bmcs.power(server)
        except UNKNOWN as error:
            found[server.name] = error.message
    return found


def fence(plan: SwitchPlan, ports: FencePorts, *, told: Callable[[str], None]) -> None:
    """Switch the hosts off that may lead and do not answer, with all that runs on them.

    Raises:
        ServiceError: one of them was not seen to be off. Nobody was promoted.
    """
    for server in plan.may_lead:
        told(f"switching {server.name} off by its BMC")
        ports.audit.append(
            act="fence-begin", facts={"service": plan.declared.name, "host": server.name}
        )
        why = _switched_off(server, ports.bmcs)
        ports.audit.append(
            act="fence-end",
            facts={"service": plan.declared.name, "host": server.name, "failed": why},
        )
        if why:
            raise ServiceError(
                f"{server.name} was not seen to be off: {why}",
                remedy="Nobody was promoted. Switch it off by hand, and run the same without "
                "--fence.",
            )


def _switched_off(server: Server, bmcs: Bmcs) -> str:
    """Switch a host off; return why that was not seen, or an empty text."""
    try:
        # Not asked to shut down: what does not answer may not hear that, and writes as long.
        state = bmcs.act(server, SwitchPower(act=PowerAct.OFF, forced=True))
    except UNKNOWN as error:
        return error.message
    return "" if state is PowerState.OFF else f"its BMC says it is {state.value}"
