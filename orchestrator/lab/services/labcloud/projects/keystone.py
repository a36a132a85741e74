"""Identity."""

from __future__ import annotations

import sys

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Return Keystone's API."""
    sys.argv = ["keystone"]
    from keystone.wsgi.api import application

    return application
