"""The records of drills: a folder for each subject, in it a signed file and a page of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrator.engine.durable import write_durably
from orchestrator.errors import SignatureError
from orchestrator.model.units import Json


class FolderDrillRecords:
    """The DrillRecords port on a folder."""

    def __init__(self, folder: Path) -> None:
        """Make nothing before the first record."""
        self._folder = folder

    def write(self, name: str, *, signed: Mapping[str, Json], page: str) -> str:
        """Keep a record; the page first, so that a record always has one."""
        file = self._folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file.with_suffix(".html"), page.encode())
        text = json.dumps(signed, ensure_ascii=False, indent=2) + "\n"
        write_durably(file, text.encode())
        return str(file)

    def names(self) -> tuple[str, ...]:
        """Return the names of all records, the oldest of each subject first."""
        files = sorted(self._folder.glob("*/*/*.json"))
        return tuple(str(file.relative_to(self._folder).with_suffix("")) for file in files)

    def read(self, name: str) -> Mapping[str, Json]:
        """Return one record by its name, or the file of this path, as it was signed."""
        file = self._folder / f"{name}.json"
        if not file.is_file():
            file = Path(name)
        try:
            signed = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SignatureError(
                f"there is no readable record {name}: {error}",
                remedy="orchestrator drill status names them.",
            ) from error
        if not isinstance(signed, dict):
            raise SignatureError(f"{name} is no signed record")
        return signed
