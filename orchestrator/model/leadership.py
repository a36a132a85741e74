"""Who may be the primary of a service: terms, the voters that keep them, and how many it takes.

A term is a number that grows with each change of the primary, and says who it is. It is told to
`to_change` voters before another host is promoted; a former primary that boots hears `to_lead`
voters before it starts. Any two such groups have a voter in common, which knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.hardware import Server, ServerRole
from orchestrator.model.service_state import Observed, Term
from orchestrator.model.site import Site

LEADERS_PORT: Final = 8431
"""Where voters ask each other; the role `service_leaders` has it, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voters:
    """Who keeps the term of a service: its hosts, and a witness without the data."""

    members: tuple[Server, ...]
    witness: Server | None = None

    @property
    def all(self) -> tuple[Server, ...]:
        """Return all of them."""
        return (*self.members, *((self.witness,) if self.witness else ()))

    @property
    def to_lead(self) -> int:
        """Return how many a host hears, itself among them, before it starts as the primary."""
        return len(self.all) // 2 + 1

    @property
    def to_change(self) -> int:
        """Return how many are told of a new primary before it is promoted."""
        return len(self.all) - self.to_lead + 1


def voters_of(site: Site, declared: DeclaredService) -> Voters:
    """Return who votes for a service; one host alone needs no witness."""
    members = hosts_of(site, declared)
    if len(members) < 2:
        return Voters(members=members)
    known = {server.name: server for server in site.hardware.servers}
    named = declared.service.witness
    witness = known.get(named) if named else _witness(site, members)
    return Voters(members=members, witness=witness)


def _witness(site: Site, members: tuple[Server, ...]) -> Server | None:
    """Return a backup host: where the first host is not, and best where another one of them is.

    With two hosts in the city and one elsewhere, neither place is the half of the voters and one
    more: a city that comes back does not lead before it hears what was done elsewhere.
    """
    regions = [site.region_of_rack(member.rack) for member in members]
    away = [region for region in regions if region != regions[0]]

    def distance(server: Server) -> int:
        region = site.region_of_rack(server.rack)
        return 0 if region in away else 1 if region != regions[0] else 2

    fit = [
        server
        for server in site.hardware.servers
        if server.role is ServerRole.BACKUP and server.address is not None
    ]
    return min(fit, key=distance, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the voters of a service that answer know of its primary."""

    voters: Voters
    answering: tuple[Server, ...]
    terms: Mapping[str, Term]
    """By host; one that answers may know of none."""

    @property
    def newest(self) -> int:
        """Return the highest term; 0: nobody knows of one."""
        return max((term.number for term in self.terms.values()), default=0)

    @property
    def leaders(self) -> frozenset[str]:
        """Return whom the highest term names; several: it was given twice."""
        newest = self.newest
        return frozenset(term.leader for term in self.terms.values() if term.number == newest)

    def next_term(self, leader: str) -> Term:
        """Return the term in which a host leads: the newest, where that is its own already."""
        if self.leaders == {leader}:
            return Term(number=self.newest, leader=leader)
        return Term(number=self.newest + 1, leader=leader)

    @property
    def unheard(self) -> tuple[str, ...]:
        """Return the voters that do not answer, by name."""
        answering = {one.name for one in self.answering}
        return tuple(one.name for one in self.voters.all if one.name not in answering)

    def untold(self, term: Term) -> tuple[Server, ...]:
        """Return the voters that answer and do not know of a term."""
        return tuple(one for one in self.answering if self.terms.get(one.name) != term)


def standing_of(site: Site, declared: DeclaredService, observed: Observed) -> Standing:
    """Return what is known of a service's primary."""
    voters = voters_of(site, declared)
    answering = tuple(
        one for one in voters.all if one.name in observed and observed[one.name].answers
    )
    terms = {}
    for one in answering:
        term = observed[one.name].terms.get(declared.cluster)
        if term is not None:
            terms[one.name] = term
    return Standing(voters=voters, answering=answering, terms=terms)
