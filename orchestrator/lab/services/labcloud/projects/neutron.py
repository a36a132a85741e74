"""Networks: the API and the listeners for its agents' calls."""

from __future__ import annotations

import contextlib
import sys

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Start the plugins' listeners and return Neutron's API."""
    sys.argv = ["neutron"]
    from neutron.wsgi.api import application
    from neutron_lib.plugins import directory

    for plugin in directory.get_unique_plugins():
        # A plugin says "not implemented" where it has nothing to listen for.
        with contextlib.suppress(AttributeError, NotImplementedError):
            plugin.start_rpc_listeners()
    return application
