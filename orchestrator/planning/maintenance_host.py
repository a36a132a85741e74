"""What maintenance is to do to one host, and what speaks against touching it at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.model.firmware import FirmwareChange
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import Unknown
from orchestrator.model.maintenance import Act, HostFacts, Instance, Need, Observed
from orchestrator.model.site import Site
from orchestrator.planning.failure_domains import partners_of
from orchestrator.planning.host_needs import CLOCK_SECONDS, acts_on, clock_off


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is asked for, and what the plan is to lean on."""

    site: Site
    needs: frozenset[Need]
    servers: tuple[Server, ...]
    observed: Observed
    renew_before: datetime | None = None
    """Certificates that end before are renewed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostsToDo:
    """Judges the hosts of a plan, each by itself."""

    work: Work
    stuck: Mapping[str, Sequence[tuple[Instance, str]]]
    """By host: the instances that cannot leave it, and why."""

    def reasons_against(self, server: Server, facts: HostFacts | Unknown) -> Iterator[str]:
        """Give what speaks against beginning with a host."""
        if isinstance(facts, Unknown):
            yield facts.reason
            return
        if abs(facts.clock_ahead_seconds) > CLOCK_SECONDS:
            yield f"its clock is {clock_off(facts)}: mend that first"
        until = self.work.observed.certificates.get(server.name)
        if isinstance(until, Unknown):
            yield f"when its certificate ends is unknown: {until.reason}"
        told = self.work.observed.firmware.get(server.name)
        if isinstance(told, Unknown):
            yield f"its firmware is unknown: {told.reason}"
        if not self._own_acts(server, facts):
            return
        yield from self._silent_partners_of(server)
        for instance, reason in self.stuck.get(server.name, ()):
            yield f"instance {instance.name} ({instance.id}) cannot be moved: {reason}"
        yield from self._databases_against(server)

    def _silent_partners_of(self, server: Server) -> Iterator[str]:
        for one in partners_of(server, self.work.site):
            told = self.work.observed.hosts.get(one.name)
            if isinstance(told, Unknown):
                yield f"{one.name} stands in for it, and is not well: {told.reason}"

    def expires(self, host: str) -> datetime | None:
        """Return when a host's certificate ends, where it is to be renewed."""
        until, before = self.work.observed.certificates.get(host), self.work.renew_before
        asked = Need.CERTIFICATES in self.work.needs
        if not asked or until is None or isinstance(until, Unknown) or before is None:
            return None
        return until if until < before else None

    def all_acts(self, server: Server, facts: HostFacts) -> frozenset[Act]:
        """Return all that is to be done to a host."""
        if self.expires(server.name) is None:
            return self._disturbing(server, facts)
        return self._disturbing(server, facts) | {Act.RENEW, Act.CHECK}

    def disturbs(self, server: Server) -> bool:
        """Say whether a host's neighbours feel what is done to it."""
        facts = self.work.observed.hosts[server.name]
        return isinstance(facts, HostFacts) and bool(self._own_acts(server, facts))

    def firmware(self, server: Server) -> tuple[FirmwareChange, ...]:
        """Return what a server is to have of its profile's firmware, and has not."""
        told = self.work.observed.firmware.get(server.name, ())
        return () if isinstance(told, Unknown) else told

    def _own_acts(self, server: Server, facts: HostFacts) -> frozenset[Act]:
        """Return what is to be done to the host itself that its neighbours would feel."""
        acts = acts_on(facts, self.work.needs)
        if not self.firmware(server):
            return acts
        # The power cycle boots whatever waits for a reboot, too.
        return acts - {Act.REBOOT, Act.REBOOT_IF_NEEDED} | {
            Act.FIRMWARE,
            Act.POWER_CYCLE,
            Act.CHECK,
        }

    def _disturbing(self, server: Server, facts: HostFacts) -> frozenset[Act]:
        """Return what is to be done to the host itself, and to what an earlier run left of it."""
        acts = self._own_acts(server, facts)
        compute = self.work.observed.computes.get(server.name)
        if compute is None:
            return acts
        ours = compute.enabled or compute.left_by
        back = frozenset({Act.CHECK, Act.UNCORDON} if ours else ())
        if acts:
            return acts | {Act.CORDON, Act.DRAIN} | back
        return back if compute.left_by else acts

    def _databases_against(self, server: Server) -> Iterator[str]:
        for one in self.work.observed.services:
            if server.name not in one.hosts:
                continue
            if isinstance(one.primary, Unknown):
                yield f"where {one.service} has its primary is unknown: {one.primary.reason}"
            elif one.primary == server.name and not one.standbys:
                yield f"{one.service} runs here and has no replica that could take over"
