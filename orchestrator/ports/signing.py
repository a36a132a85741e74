"""The signing port: reports that prove who wrote them, and that nobody changed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from orchestrator.model.units import Json


class Signer(Protocol):
    """Signs with the site's own key."""

    def sign(self, report: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the report with its signature."""

    def verify(self, signed: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the report in it. Raises SignatureError where it is not as this site signed it."""
