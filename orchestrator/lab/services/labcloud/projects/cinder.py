"""Volumes: API, scheduler, volume and backup services in one process, without root."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from labcloud.settings import ServiceSettings
from labcloud.wsgi import App

CONNECTOR = {
    "platform": "x86_64",
    "os_type": "linux",
    "ip": "127.0.0.1",
    "host": "lab",
    "multipath": False,
    "initiator": "iqn.2026-01.lab:1",
    "do_local_attach": False,
}


def build(settings: ServiceSettings) -> App:
    """Start the services and return Cinder's API."""
    sys.argv = ["cinder", "--config-file", str(settings.config / "cinder.conf")]
    _need_no_root()
    _need_no_eventlet_pool()
    # The command modules register the options of their services when they are imported; backup's
    # must follow the objects, which the application registers.
    from cinder.cmd import volume as volume_command
    from cinder.wsgi import wsgi

    _need_no_root_helper()
    app = wsgi.initialize_application()
    import cinder.cmd.backup  # noqa: F401 - registers options

    _start_services(volume_command.host_opt)
    # Before the first request: Cinder shows its judge to others before it knows the rules.
    from cinder import policy

    policy.init()
    return app


def _need_no_root() -> None:
    """Run privileged calls in this process as this user; call before Cinder is imported."""
    from oslo_privsep import priv_context

    def call(
        self: object,
        function: Callable[..., object],
        *args: object,
        _wrap_timeout: object = None,
        **named: object,
    ) -> object:
        return function(*args, **named)

    priv_context.PrivContext._wrap = call  # noqa: SLF001 - oslo.privsep has no switch for it


def _need_no_eventlet_pool() -> None:
    """Replace eventlet's thread pool by plain calls; call before Cinder is imported.

    It hands results to one hub only: under native threads a second user hangs for ever (the
    download of an image stopped after its first chunk).
    """
    from eventlet import tpool

    tpool.execute = lambda function, *args, **named: function(*args, **named)
    tpool.Proxy = lambda wrapped, **_: wrapped


def _need_no_root_helper() -> None:
    from cinder import utils
    from cinder.volume import volume_utils

    utils.get_root_helper = lambda: "env"
    volume_utils.brick_get_connector_properties = lambda *_, **__: dict(CONNECTOR)


def _start_services(host_option: object) -> None:
    import os_brick
    from cinder import utils
    from oslo_config import cfg

    conf = cfg.CONF
    os_brick.setup(conf)
    service_class = _service_class()
    services = []
    for backend in conf.enabled_backends:
        conf.register_opt(host_option, group=backend)
        services.append(
            service_class.create(
                host=f"{conf.host}@{backend}",
                service_name=backend,
                binary="cinder-volume",
                coordination=True,
            )
        )
    services.append(
        service_class.create(
            binary="cinder-backup",
            coordination=True,
            service_name="backup",
            process_number=1,
            semaphore=utils.semaphore_factory(conf.backup_max_operations, 1),
        )
    )
    # Last: its start asks the volume services for capabilities and waits for the answer.
    services.append(service_class.create(binary="cinder-scheduler"))
    for service in services:
        service.start()


def _service_class() -> Any:  # noqa: ANN401 - a class of Cinder's
    from cinder import service

    one_at_a_time = threading.Lock()

    class LabService(service.Service):
        """Cinder keeps the service's id on the class: with three here, give each its own."""

        def report_state(self) -> None:
            with one_at_a_time:
                service.Service.service_id = self.origin_service_id
                super().report_state()

    return LabService
