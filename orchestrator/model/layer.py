"""The layers of a site, and which part of it a command is about: light, for `--help` needs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """The five layers, in the order in which they are applied."""

    ROOM = "room"
    NETWORK = "network"
    HARDWARE = "hardware"
    SYSTEM = "system"
    TENANCY = "tenancy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which part of the site a command is about; an empty set means all."""

    layers: frozenset[Layer] = frozenset()
    tenants: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
