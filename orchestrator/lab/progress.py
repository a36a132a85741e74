"""What a lab says while it comes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Something was done; `serving` counts the services that answer by now."""

    text: str
    serving: int = 0


LabWatch = Callable[[Step], None]
"""Whoever watches; called from any thread."""
