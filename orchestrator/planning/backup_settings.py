"""What BMCs are set to, as a record of it is kept: readable, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from orchestrator.model.inventory import Inventory, Unknown
from orchestrator.model.units import Json

HIDDEN = "***"
MOST_NAMED = 3
_SECRET = re.compile(r"(?i)passw|secret|passphrase|credential|pwd|(^|_)pin$")
"""Names of BIOS attributes such as `AdminPassword` or `SysPwd`: most BMCs hide their values
themselves, and not all do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsRead:
    """How a fresh reading of all devices and BMCs ended."""

    read: tuple[str, ...]
    """`device NAME` and `BMC of NAME`, each as it stands in the records now."""
    unknown: Mapping[str, str]
    """Why nothing, or not everything, is known now of another one."""

    @property
    def note(self) -> str:
        """Return in one line what the records lack; empty where it is nothing."""
        if not self.unknown:
            return ""
        count = len(self.unknown.keys() | set(self.read))
        named = [f"{name} ({reason})" for name, reason in [*self.unknown.items()][:MOST_NAMED]]
        more = len(self.unknown) - len(named)
        rest = f" and {more} more" if more else ""
        return f"settings of {len(self.unknown)} of {count} are unknown: {', '.join(named)}{rest}"


def settings_of(told: Inventory) -> dict[str, Json]:
    """Return what a BMC told, for a record; secrets among BIOS attributes are hidden."""
    found = _json(told)
    if isinstance(told.bios, Mapping):
        found["bios"] = {
            name: HIDDEN if value and _SECRET.search(name) else value
            for name, value in sorted(told.bios.items())
        }
    return dict(found)


def as_text(value: Mapping[str, Json]) -> str:
    """Return a record as its file has it: a change of one value is a change of one line."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _json(value: Any) -> Any:  # noqa: ANN401 - any part of an inventory, and JSON
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    if is_dataclass(value):
        return {one.name: _json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_json(one) for one in value]
    return dict(value) if isinstance(value, Mapping) else value
