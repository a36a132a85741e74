"""Run one project in one process: its WSGI API on cheroot, and its other services in threads.

oslo.messaging's in-process `fake://` transport joins the threads of a process. Projects cannot
share a process, because all of them use oslo.config's global CONF.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from labcloud.access_log import AccessLog
from labcloud.settings import ServiceSettings, read_settings

EMULATORS = frozenset({"bmc", "snmp"})

GRACE_SECONDS = 1.0
"""How long requests in flight may go on after SIGTERM. SQLite's log makes a sudden end safe."""

SWITCH_SECONDS = 0.05
"""Ten times Python's: a thread that holds the writer lock of a database gets on with it."""


def main() -> None:
    """Build the service named in the settings file, serve it until SIGTERM, and leave at once."""
    begin = time.monotonic()
    settings = read_settings(Path(sys.argv[1]))
    sys.setswitchinterval(SWITCH_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = build_server(settings)
    _collect_seldom()
    threading.Thread(target=server.serve, daemon=True).start()
    print(  # noqa: T201 - standard output is this process's start log
        f"{settings.service} serves port {settings.port} after {time.monotonic() - begin:.1f} s",
        flush=True,
    )
    # Some projects set handlers of their own while they are built.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    threading.Thread(target=server.stop, daemon=True).start()
    time.sleep(GRACE_SECONDS if server.requests.idle < settings.threads else 0)
    # Polite stops of the projects take up to 20 s and save nothing: state is in SQLite.
    os._exit(0)


def _collect_seldom() -> None:
    """Leave what a project is made of out of garbage collection: a tenth of Neutron's CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def build_server(settings: ServiceSettings):  # noqa: ANN201 - cheroot has no types
    """Start the project's services and return a server that listens but does not answer yet."""
    if settings.service not in {"nova", *EMULATORS}:
        # Nova chooses its own backend; the emulators are no oslo services.
        from oslo_service import backend

        backend.init_backend(backend.BackendType.THREADING)
        from labcloud import sqlite

        sqlite.install()
    if settings.service not in EMULATORS:
        from labcloud import policy

        policy.install()
    app = importlib.import_module(f"labcloud.projects.{settings.service}").build(settings)
    from cheroot import wsgi

    server = wsgi.Server(
        ("127.0.0.1", settings.port),
        AccessLog(app, settings.access_log),
        numthreads=settings.threads,
        request_queue_size=256,
        timeout=60,
    )
    server.prepare()
    return server


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001 - whatever it is: non-daemon threads must not keep us alive
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
