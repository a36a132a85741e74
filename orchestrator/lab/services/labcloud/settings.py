"""What a service process is told: one JSON file, written by `lab up`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Where a service finds its configuration and what it serves."""

    service: str
    config: Path
    """The folder with the service's configuration."""
    port: int
    access_log: Path
    threads: int
    options: dict[str, object]
    """What only this service knows: Nova's compute hosts, the emulator's files."""


def read_settings(file: Path) -> ServiceSettings:
    """Read the settings of one service."""
    raw = json.loads(file.read_text())
    return ServiceSettings(
        service=raw["service"],
        config=Path(raw["config"]),
        port=raw["port"],
        access_log=Path(raw["access_log"]),
        threads=raw["threads"],
        options=raw["options"],
    )
