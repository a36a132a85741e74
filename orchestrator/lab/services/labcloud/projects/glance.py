"""Images."""

from __future__ import annotations

import sys

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Return Glance's API."""
    sys.argv = ["glance"]
    from glance.wsgi.api import application

    return application
