"""Run every check on a site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from orchestrator.checks import (
    addressing,
    backup,
    backup_promises,
    devices,
    drill,
    flows,
    hardware,
    images,
    maintenance,
    network,
    policies,
    power,
    room,
    services,
    site,
    supply,
    sweep,
    system,
    tenancy,
    trunks,
)
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding
from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.names import did_you_mean
from orchestrator.model.site import Site

CHECKS: Final[tuple[Check, ...]] = (
    *site.CHECKS,
    *room.CHECKS,
    *power.CHECKS,
    *supply.CHECKS,
    *sweep.CHECKS,
    *network.CHECKS,
    *addressing.CHECKS,
    *flows.CHECKS,
    *trunks.CHECKS,
    *devices.CHECKS,
    *hardware.CHECKS,
    *system.CHECKS,
    *images.CHECKS,
    *policies.CHECKS,
    *backup.CHECKS,
    *backup_promises.CHECKS,
    *drill.CHECKS,
    *maintenance.CHECKS,
    *tenancy.CHECKS,
    *services.CHECKS,
)
"""Every check, in the order of the layers."""

MOST_SUGGESTIONS: Final = 100
"""Per check: looking for the nearest of many names is slow, and nobody reads so many."""


def check_site(declared: Site, *, today: date) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong with a site, by file and line."""
    index = SiteIndex(declared, today)
    found = [diagnostic for check in CHECKS for diagnostic in _judge(check, index)]
    return tuple(sorted(found, key=_place))


def _judge(check: Check, index: SiteIndex) -> Iterator[Diagnostic]:
    """Run one check; findings about one place (an entry with a range) become one diagnostic."""
    by_place: dict[tuple[str, int, int], list[Finding]] = {}
    for finding in check.find(index):
        source = finding.source
        by_place.setdefault((source.file, source.line, source.column), []).append(finding)
    for number, findings in enumerate(by_place.values()):
        first = findings[0]
        more = f" And {len(findings) - 1} more from this line." if len(findings) > 1 else ""
        suggestion = (
            did_you_mean(first.name, first.known)
            if first.name and number < MOST_SUGGESTIONS
            else ""
        )
        yield Diagnostic(
            code=check.code,
            severity=check.severity,
            summary=check.summary,
            detail=first.detail + more,
            remedy=check.remedy + suggestion,
            source=first.source,
        )


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    source = diagnostic.source
    return source.file, source.line, source.column, diagnostic.code
