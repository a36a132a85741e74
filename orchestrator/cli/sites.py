"""How a command gets its site: checked, with its warnings shown and its ports open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from orchestrator.cli.desk import Desk
from orchestrator.cli.options import Target
from orchestrator.cli.render.diagnostics import diagnostics_text
from orchestrator.cli.render.progress import watching
from orchestrator.model.names import did_you_mean
from orchestrator.model.plan import Scope
from orchestrator.model.site import Layer, Site
from orchestrator.planning.jobs import REGIONAL_LAYERS
from orchestrator.ports import Ports
from orchestrator.workflows.check import CheckedSite, check_directory


def checked_site(desk: Desk, given: Path | None) -> CheckedSite:
    """Return the site without errors; its warnings go to stderr.

    Raises:
        SpecError: the site has faults.
    """
    directory = desk.at_site(given)
    checked = check_directory(directory, clock=desk.wiring.clock)
    if checked.warnings:
        desk.screen.note(*diagnostics_text(checked.warnings, directory))
    return checked


@contextmanager
def open_site(desk: Desk, checked: CheckedSite, target: Target) -> Iterator[Ports]:
    """Open the site's ports to read; the scope names only what exists.

    Raises:
        click.UsageError: the scope names an unknown tenant or region.
    """
    with (
        watching(desk.screen.err, desk.wiring.clock) as watch,
        desk.wiring.open(
            checked.loaded.directory, checked.site.identity, access=target.access, watch=watch
        ) as opened,
    ):
        refuse_unknown(target.scope, checked.site, opened.ports)
        yield opened.ports


def refuse_unknown(scope: Scope, site: Site, ports: Ports) -> None:
    """Refuse a tenant or region that nobody declares or ever applied: a typo is not "no changes".

    Raises:
        click.UsageError: names the nearest known one.
    """
    recorded = ports.stacks.names() if scope.tenants or scope.regions else ()
    tenants = [tenant.name for tenant in site.tenancy.tenants]
    tenants += [stack.name for stack in recorded if stack.layer is Layer.TENANCY]
    _refuse("tenant", scope.tenants, known=tenants)
    regions = [region.name for region in site.regions]
    regions += [stack.name for stack in recorded if stack.layer in REGIONAL_LAYERS]
    _refuse("region", scope.regions, known=regions)


def _refuse(word: str, asked: frozenset[str], *, known: Sequence[str]) -> None:
    for name in sorted(asked.difference(known)):
        raise click.UsageError(f"the site has no {word} `{name}`.{did_you_mean(name, known)}")
