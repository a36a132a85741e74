"""What devices and BMCs told last, as files of the state folder: private, and copied with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.durable import write_durably


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsFolder:
    """The SettingsRecords port on a folder."""

    folder: Path

    def keep(self, name: str, text: str) -> None:
        """Write a file whole, in place of what was there. Raises StateError."""
        write_durably(self.folder / name, text.encode())
