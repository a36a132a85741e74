"""What a check is: a pure function with a code, which says what it finds wrong in a site.

The function's docstring explains the rule to operators (docs/reference/checks.md shows it), so its
first line says what must hold, and the rest says why and where the rule comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from orchestrator.checks.index import SiteIndex
from orchestrator.model.diagnostic import Severity
from orchestrator.model.units import Source


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule: what exactly, and where."""

    detail: str
    source: Source
    name: str = ""
    """A name that does not resolve, and `known` those that would have."""
    known: Collection[str] = ()


Find = Callable[[SiteIndex], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A rule with its code."""

    code: str
    summary: str
    remedy: str
    severity: Severity
    find: Find

    @property
    def why(self) -> str:
        """Return the explanation for operators."""
        return self.find.__doc__ or ""


def error(code: str, summary: str, *, remedy: str) -> Callable[[Find], Check]:
    """Make a check whose findings stop the run."""
    return _maker(code, summary, (remedy, Severity.ERROR))


def warning(code: str, summary: str, *, remedy: str) -> Callable[[Find], Check]:
    """Make a check whose findings are shown, but stop nothing."""
    return _maker(code, summary, (remedy, Severity.WARNING))


def _maker(code: str, summary: str, rest: tuple[str, Severity]) -> Callable[[Find], Check]:
    remedy, severity = rest

    def make(find: Find) -> Check:
        return Check(code=code, summary=summary, remedy=remedy, severity=severity, find=find)

    return make


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that only one thing may have, and who says to have it."""

    key: Hashable
    by: str
    source: Source
    """The entry's; the place of `field` in it is looked up only for a finding."""
    field: str


def claimed_twice(what: str, claims: Iterable[Claim]) -> Iterator[Finding]:
    """Find the keys that more than one thing claims; the later claim is the finding."""
    first: dict[Hashable, Claim] = {}
    for claim in claims:
        holder = first.setdefault(claim.key, claim)
        if holder is not claim:
            place = f"{holder.source.file}:{holder.source.line}"
            detail = f"{what} `{claim.key}` of {claim.by} is that of {holder.by} ({place}) already."
            yield Finding(detail, claim.source.at(claim.field))


class Named(Protocol):
    """Any entry with a name."""

    @property
    def name(self) -> str:
        """Return the name."""

    @property
    def source(self) -> Source:
        """Return where it was written."""


def named_twice(things: Iterable[Named]) -> Iterator[Finding]:
    """Find the names that more than one thing has."""
    claims = (Claim(thing.name, "this entry", thing.source, "name") for thing in things)
    yield from claimed_twice("The name", claims)


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a reference may use."""

    what: str
    names: Collection[str]

    def miss(self, name: str | None, source: Source, field: str) -> tuple[Finding, ...]:
        """Return a finding where the name leads nowhere; None refers to nothing, which is fine."""
        if name is None or name in self.names:
            return ()
        detail = f"No {self.what} is called `{name}`."
        return (Finding(detail, source.at(field), name, self.names),)
