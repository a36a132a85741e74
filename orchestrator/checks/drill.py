"""Checks of what drills need: a host where nothing runs."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding, warning
from orchestrator.model.drill import free_hosts
from orchestrator.model.site import RegionKind


@warning(
    "DR001",
    "Remote copies cannot be drilled",
    remedy="Add a server that has no service to the repository's `restore_hosts`.",
)
def remote_copies_can_be_drilled(index: SiteIndex) -> Iterator[Finding]:
    """Require one of the restore hosts of a repository outside the city to have no service.

    A drill cuts its host off from the network: a host that serves somebody is none to drill on, and
    without one a policy's `drill_every_days` cannot be kept (GB/T 22239-2019, 8.1.10.12).
    """
    cities = {region.name for region in index.site.regions if region.kind is RegionKind.CITY}
    for repository in index.site.system.backup_repositories:
        hosts = repository.restore_hosts
        if hosts and repository.region not in cities and not free_hosts(index.site, repository):
            detail = f"Each restore host of {repository.name} has services: {', '.join(hosts)}."
            yield Finding(detail, repository.source.at("restore_hosts"))


CHECKS: tuple[Check, ...] = (remote_copies_can_be_drilled,)
