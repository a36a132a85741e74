"""Load a site directory and judge it: the first two rooms of every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.checks.run import check_site
from orchestrator.errors import SpecError
from orchestrator.model.diagnostic import Diagnostic, Severity
from orchestrator.model.site import Site
from orchestrator.ports import Clock
from orchestrator.spec.load import LoadedSite, load_site


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedSite:
    """A site without errors."""

    loaded: LoadedSite
    warnings: tuple[Diagnostic, ...]

    @property
    def site(self) -> Site:
        """Return the site."""
        return self.loaded.site


def check_directory(directory: Path, *, clock: Clock) -> CheckedSite:
    """Return the site that the directory declares.

    Raises:
        SpecError: every fault at once, warnings included.
    """
    # 1. YAML -> Site, or every fault of form
    loaded = load_site(directory)
    # 2. Site -> findings
    findings = check_site(loaded.site, today=clock.now().date())
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise SpecError(findings)
    return CheckedSite(loaded=loaded, warnings=findings)
