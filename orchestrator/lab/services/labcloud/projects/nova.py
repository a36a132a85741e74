"""Compute: API, conductor, scheduler and all compute hosts in one process, without a hypervisor."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App, Environ, StartResponse, respond


def build(settings: ServiceSettings) -> App:
    """Start the services and return Nova's API, with the fault hooks in front of it."""
    _configure(settings.config)
    from nova import context, objects
    from nova.api.openstack import wsgi_app
    from nova.objects import host_mapping

    hosts = ComputeHosts()
    _start_control_services()
    for host in settings.options["computes"]:
        hosts.up(host)
    # Nova's own discovery runs up to a minute later: "Host is not mapped to any cell".
    host_mapping.discover_hosts(context.get_admin_context())
    objects.Service.enable_min_version_cache()
    return FaultHooks(hosts, wsgi_app.init_application("osapi_compute", "nova"))


class ComputeHosts:
    """The compute hosts, each of which can lose its power."""

    def __init__(self) -> None:
        """Begin with none."""
        self._services: dict[str, object] = {}

    def up(self, host: str) -> None:
        """Start a host's compute service."""
        from nova import service
        from nova.compute import rpcapi

        self._services[host] = service.Service.create(
            host=host,
            binary="nova-compute",
            topic=rpcapi.RPC_TOPIC,
            topic_alt=rpcapi.RPC_TOPIC_ALT,
        )
        self._services[host].start()

    def down(self, host: str) -> None:
        """Fall silent as if the host had lost its power: no reports, no RPC."""
        service = self._services.pop(host)
        service.tg.stop()
        service.rpcserver.stop()
        service.rpcserver_alt.stop()


class FaultHooks:
    """`POST /_lab/HOST/ACT` on loopback; everything else is Nova's.

    `down` takes a host's power, `up` gives it back; no live migration ends that leaves a host which
    is `stuck`, until it is `free`.
    """

    def __init__(self, hosts: ComputeHosts, api: App) -> None:
        """Put the hooks in front of the API."""
        from labcloud.nova_driver import STUCK_HOSTS

        self._api = api
        self._acts = {
            "up": hosts.up,
            "down": hosts.down,
            "stuck": STUCK_HOSTS.add,
            "free": STUCK_HOSTS.discard,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        first, *rest = environ["PATH_INFO"].strip("/").split("/")
        if first != "_lab":
            return self._api(environ, start_response)
        if len(rest) != 2 or rest[1] not in self._acts:
            return respond(start_response, "404 Not Found", b"/_lab/HOST/up, down, stuck or free\n")
        host, act = rest
        try:
            self._acts[act](host)
        except KeyError:
            return respond(start_response, "404 Not Found", b"no such compute host is up\n")
        return respond(start_response, "200 OK", b"ok")


def _configure(config: Path) -> None:
    """Load the configuration with native threads and the lab's compute driver."""
    sys.argv = ["nova"]
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    from labcloud import sqlite

    sqlite.install()
    from nova.api.openstack import wsgi_app

    wsgi_app.init_global_data([str(config / "nova.conf")], "osapi_compute", "nova")
    # Nova looks for compute drivers below nova.virt only.
    import nova.virt

    from labcloud import nova_driver

    sys.modules["nova.virt.lab"] = nova_driver
    nova.virt.lab = nova_driver


def _start_control_services() -> None:
    import os_brick
    import os_vif
    from nova import objects, service
    from nova.conductor import rpcapi as conductor
    from nova.conf import CONF
    from nova.scheduler import rpcapi as scheduler

    objects.register_all()
    os_brick.setup(CONF)
    os_vif.initialize()
    service.Service.create(binary="nova-conductor", topic=conductor.RPC_TOPIC).start()
    service.Service.create(binary="nova-scheduler", topic=scheduler.RPC_TOPIC).start()
