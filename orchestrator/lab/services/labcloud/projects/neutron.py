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
    _know_all_rules()
    return application


def _know_all_rules() -> None:
    """Load the policies before the first request.

    Neutron does it at the first request, and shows its judges to the requests beside it before
    they know a rule: an administrator is then a stranger, and gets an empty list with status 200
    (seen in 29.0.0).
    """
    from neutron import policy
    from neutron_lib.policy import _engine

    policy.init()
    _engine.init()
