"""Inventories and allocations of compute resources."""

from __future__ import annotations

import sys

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Return Placement's API."""
    sys.argv = ["placement"]
    from placement.wsgi.api import application

    return application
