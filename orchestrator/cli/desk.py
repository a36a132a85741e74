"""What every command has at hand: the wiring, the screen, and the site it works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click

from orchestrator.cli.outside import Wiring
from orchestrator.cli.render.screen import Screen

SITE_FILE = "site.yaml"


@dataclass
class Desk:
    """One invocation of the command line."""

    wiring: Wiring
    verbose: bool = False
    no_color: bool = False
    site_directory: Path | None = field(default=None, init=False)
    """The site that the command works on, once that is known."""

    @cached_property
    def screen(self) -> Screen:
        """Return where output goes; made late, so that a test may capture it."""
        look = self.wiring.look()
        return Screen.open(no_color=self.no_color or look.no_color, columns=look.columns)

    def at_site(self, given: Path | None) -> Path:
        """Return the site directory: the given one, or the current one where it is a site."""
        if given is None and not Path(SITE_FILE).is_file():
            raise click.UsageError(
                f"no site given, and there is no {SITE_FILE} here. "
                "Name the site's directory, or set ORCHESTRATOR_SITE."
            )
        self.site_directory = given or Path()
        return self.site_directory

    def crash_log(self) -> Path | None:
        """Return the site's crash log, or None where the site has no state folder yet."""
        if self.site_directory is None:
            return None
        path = self.wiring.crash_log(self.site_directory)
        return path if path.parent.is_dir() else None


pass_desk = click.make_pass_decorator(Desk)
