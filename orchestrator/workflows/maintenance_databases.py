"""Where the tenants' databases are, for maintenance: the Primaries port on the services' own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.errors import ServiceError
from orchestrator.model.declared_service import DeclaredService, declared_services
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import ServiceRoles
from orchestrator.model.service_plan import Health, Refusal
from orchestrator.model.service_state import ClusterRole, Observed
from orchestrator.model.site import Site
from orchestrator.planning.service_switch import plan_switchover
from orchestrator.planning.services import Facts, facts_of, judge, primary_of
from orchestrator.workflows.service_switch import switch
from orchestrator.workflows.services import ServicePorts, look

NOT_MADE = frozenset({ClusterRole.ABSENT, ClusterRole.UNFINISHED})


@dataclass(frozen=True, kw_only=True)
class TenantPrimaries:
    """The databases that the site declares and that this product runs."""

    site: Site
    ports: ServicePorts

    def roles(self) -> Sequence[ServiceRoles]:
        """Return where each service's primary is; a service that was never made has none to say."""
        services = self._services()
        seen = look(self.site, services, self.ports.databases)
        return tuple(
            _roles(self.site, one, seen)
            for one in services
            if _is_made(facts_of(self.site, one, seen))
        )

    def hand_over(self, service: str, *, to: str) -> None:
        """Make the replica on a host the primary; where it is that already, nothing is done."""
        declared = next((one for one in self._services() if one.name == service), None)
        if declared is None:
            raise ServiceError(f"the site no longer declares {service}")
        seen = look(self.site, [declared], self.ports.databases)
        plan = plan_switchover(self.site, declared, seen, to=to)
        if isinstance(plan, Refusal):
            raise ServiceError(f"{service}: {plan.reason}", remedy=plan.remedy)
        report = switch(self.site, plan, self.ports, told=lambda act: None)
        if report.failed:
            told = ", ".join(f"{host} does not follow it: {why}" for host, why in report.failed)
            raise ServiceError(
                f"{to} is the primary of {service} now, and {told}",
                remedy=f"Look at: orchestrator service status {service}",
            )

    def _services(self) -> list[DeclaredService]:
        return [one for one in declared_services(self.site) if one.facts.runs_here]


def _is_made(facts: Facts) -> bool:
    return any(fact.role not in NOT_MADE for fact in facts.values())


def _roles(site: Site, declared: DeclaredService, seen: Observed) -> ServiceRoles:
    facts = facts_of(site, declared, seen)
    primary = primary_of(facts)
    told = ", ".join(f"{host} is {fact.role.value}" for host, fact in facts.items())
    return ServiceRoles(
        service=declared.name,
        hosts=tuple(host for host, fact in facts.items() if fact.role not in NOT_MADE),
        primary=primary or Unknown(told),
        standbys=tuple(
            one.host
            for one in judge(site, declared, seen)
            if one.health is Health.OK and one.host != primary
        ),
    )
