"""The port of readings: what devices and BMCs told last, among the site's records."""

from __future__ import annotations

from typing import Protocol


class SettingsRecords(Protocol):
    """A folder of texts."""

    def keep(self, name: str, text: str) -> None:
        """Write a file whole, in place of what was there. Raises StateError."""
