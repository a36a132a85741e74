"""Identity."""

from __future__ import annotations

import sys

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Return Keystone's API."""
    sys.argv = ["keystone"]
    from keystone.common.rbac_enforcer import policy
    from keystone.wsgi.api import application

    # Before the first request: Keystone shows its judge to others before it knows the rules.
    policy._ENFORCER._enforcer  # noqa: B018, SLF001 - to read it is what loads it, and only that
    return application
