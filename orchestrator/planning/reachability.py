"""Questions to the declared flows: may this pass, by whose permission, until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from ipaddress import ip_address

from orchestrator.compile.territory import Place, Territory
from orchestrator.model.network import INTERNET, Flow, Protocol
from orchestrator.model.site import RegionKind, Site

SOON = timedelta(days=30)
"""How long before its end a permission is marked: time for a new approval."""


class Standing(StrEnum):
    """Whether a flow is open."""

    CURRENT = "current"
    ENDS_SOON = "ends soon"
    EXPIRED = "expired"


def standing(flow: Flow, *, today: date) -> Standing:
    """Return whether a flow is open on a day."""
    if flow.expires < today:
        return Standing.EXPIRED
    return Standing.ENDS_SOON if flow.expires - today <= SOON else Standing.CURRENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """May this pass? None asks about all."""

    from_: str | None = None
    """An end as flows name it, or an address."""
    to: str | None = None
    protocol: Protocol | None = None
    port: int | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether it asks about one kind of traffic, so that yes or no is an answer."""
        has_port = self.port is not None or self.protocol is Protocol.ICMP
        return None not in (self.from_, self.to, self.protocol) and has_port


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The flows that a question is about."""

    flows: tuple[Flow, ...]
    """Those that let all of it pass, expired ones with them."""
    partly: tuple[Flow, ...] = ()
    """Those that let some of it pass: from or to a project of the zone that was asked for."""
    allowed: bool = False
    reason: str = ""
    """Why nothing passes, where that is not for the want of a flow."""


class Reachability:
    """The declared flows of a site on a day."""

    def __init__(self, site: Site, *, today: date) -> None:
        """Hold the site."""
        self._site = site
        self._today = today
        self._territory = Territory(site)

    def ends(self) -> Iterator[str]:
        """Yield everything that a question may name, but addresses."""
        yield INTERNET
        yield from (f"zone/{zone.name}" for zone in self._site.network.zones)
        for tenant in self._site.tenancy.tenants:
            yield from (f"project/{tenant.name}/{project.name}" for project in tenant.projects)

    def ask(self, question: Question) -> Answer:
        """Return what the flows say to a question.

        Raises:
            LookupError: an end is nothing that is declared.
        """
        homes = None if question.from_ is None else self.places(question.from_)
        aways = None if question.to is None else self.places(question.to)
        whole: list[Flow] = []
        partly: list[Flow] = []
        for flow in self._site.network.flows:
            if not _asks_for(question, flow):
                continue
            # A zone without addresses is known by its name only.
            sides = (
                flow.from_ == question.from_ or self._held(homes, flow.from_),
                flow.to == question.to or self._held(aways, flow.to),
            )
            if all(held is True for held in sides):
                whole.append(flow)
            elif None not in sides:
                partly.append(flow)
        reason = self._never(homes, aways)
        current = any(standing(f, today=self._today) is not Standing.EXPIRED for f in whole)
        return Answer(
            flows=tuple(whole),
            partly=tuple(partly),
            allowed=question.is_whole and current and not reason,
            reason=reason,
        )

    def places(self, end: str) -> tuple[Place, ...]:
        """Return where an end of a question is.

        Raises:
            LookupError: it is nothing that is declared.
        """
        try:
            address = ip_address(end)
        except ValueError:
            return self._territory.places(end)
        found = [
            place
            for name in self.ends()
            for place in self._territory.places(name)
            if place.network and address in place.network
        ]
        if found:
            return (max(found, key=lambda place: place.network.prefixlen if place.network else 0),)
        if any(address in network for network in self._territory.inside):
            raise LookupError(f"{end} is in no zone, and no address of the internet")
        return self._territory.places(INTERNET)

    def _held(self, asked: tuple[Place, ...] | None, end: str) -> bool | None:
        """Say whether a flow's end holds all that is asked for; None: nothing of it."""
        if asked is None:
            return True
        flow = self._territory.places(end)
        held = [any(_holds(outer, place) for outer in flow) for place in asked]
        if held and all(held):
            return True
        touched = any(held) or any(_holds(place, inner) for place in asked for inner in flow)
        return False if touched else None

    def _never(self, homes: tuple[Place, ...] | None, aways: tuple[Place, ...] | None) -> str:
        """Return why no flow can help: two counties never talk past the city (N16)."""
        counties = {r.name for r in self._site.regions if r.kind is RegionKind.COUNTY}
        sides = [{place.region for place in side or ()} for side in (homes, aways)]
        if all(len(side) == 1 and side <= counties for side in sides) and sides[0] != sides[1]:
            return "Two counties do not talk to each other but through the city's exchange."
        return ""


def _asks_for(question: Question, flow: Flow) -> bool:
    if question.protocol is not None and flow.protocol is not question.protocol:
        return False
    return question.port is None or question.port in flow.ports


def _holds(outer: Place, inner: Place) -> bool:
    """Say whether a place holds another."""
    if outer.network is None or inner.network is None:
        return outer.network is inner.network
    if outer.network.version != inner.network.version:
        return False
    first, last = inner.network[0], inner.network[-1]
    return first in outer.network and last in outer.network
