"""Bring the lab up, take it down, wipe it: the jobs behind `orchestrator lab`."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from orchestrator.errors import LabError
from orchestrator.lab.clouds import write_clouds, write_endpoints
from orchestrator.lab.configs.shared import Lab
from orchestrator.lab.configs.snmp import NO_SNMP, SnmpContents
from orchestrator.lab.databases import prepare_databases
from orchestrator.lab.health import LabStatus, answers, lab_status
from orchestrator.lab.hosts.life import hosts_forget, hosts_stop, hosts_up
from orchestrator.lab.hosts.spec import HostSpec
from orchestrator.lab.install import install_environment, is_installed
from orchestrator.lab.logs import last_lines
from orchestrator.lab.network.life import network_forget, network_stop, network_up
from orchestrator.lab.network.spec import NO_NETWORK, NetworkContents
from orchestrator.lab.processes import (
    ServiceProcess,
    forget_process,
    recorded_process,
    running_processes,
    start_process,
    stop_processes,
)
from orchestrator.lab.progress import LabWatch, Step
from orchestrator.lab.record import make_record, read_record
from orchestrator.lab.seed import seed_identity, seed_services
from orchestrator.lab.service_files import write_service_files
from orchestrator.lab.settings import SERVICES, BmcSpec, LabSettings

START_SECONDS = 300.0
"""For one service to answer, its imports included, on a loaded machine; usual is 5 to 20 s."""

NEEDS_IDENTITY = frozenset({"ironic", "nova"})
"""Services that log in while they start."""


def up(  # noqa: PLR0913 - what the lab is made of, each part by its name
    settings: LabSettings,
    bmcs: Sequence[BmcSpec],
    *,
    computes: Sequence[str],
    snmp: SnmpContents = NO_SNMP,
    network: NetworkContents = NO_NETWORK,
    hosts: Sequence[HostSpec] | None = None,
    watch: LabWatch,
) -> LabStatus:
    """Make the lab complete: whatever is missing, dead or outdated is made, started or replaced.

    `hosts` None means those of the last time.

    Raises:
        LabError: a step failed; it names the log and shows its end.
    """
    # 1. the environment that the services run in
    if not is_installed(settings.venv):
        down(settings)
        install_environment(settings.venv, watch)
    with _alone(settings):
        # 2. ports and passwords, chosen once
        record = read_record(settings) or make_record(settings)
        lab = Lab(settings=settings, record=record)
        # 3. firewalls and routers; hosts, which boot while the services start
        devices = network_up(settings, network, watch)
        booted = hosts_up(settings, hosts, watch)
        # 4. configurations
        digests = write_service_files(lab, bmcs, computes, snmp=snmp, hosts=booted)
        # 5. services that run with an older configuration are stopped
        _stop_outdated(settings, digests, watch)
        # 6. databases, processes and the cloud's first contents, as parallel as they may be
        _Startup(lab, digests, watch).run()
        # 7. how the lab is found
        write_clouds(settings, record)
        write_endpoints(settings, record, bmcs, snmp=snmp, hosts=booted, devices=devices)
        return lab_status(settings)


def down(settings: LabSettings) -> int:
    """Stop every process of the lab; return how many there were."""
    if not settings.run.exists():
        return 0
    with _alone(settings):
        return _stop_all(settings)


def reset(settings: LabSettings) -> None:
    """Stop the lab and forget everything but its installed environment."""
    if not settings.directory.exists():
        return
    with _alone(settings):
        _stop_all(settings)
        hosts_forget(settings)
        network_forget(settings)
        for folder in settings.folders:
            if folder.exists():
                shutil.rmtree(folder)
        for file in (settings.record, settings.clouds, settings.endpoints):
            file.unlink(missing_ok=True)


class _Startup:
    """Starts what does not run: one thread per service, each waiting only for what it needs."""

    def __init__(self, lab: Lab, digests: Mapping[str, str], watch: LabWatch) -> None:
        self._lab = lab
        self._digests = digests
        self._watch = watch
        self._given_up = threading.Event()
        self._begin = time.monotonic()
        self._counting = threading.Lock()
        self._serving = 0
        # Schemas are made by processes that keep one core busy each.
        self._cores = threading.Semaphore(os.cpu_count() or 1)

    def run(self) -> None:
        """Start all; raise the first failure when every thread has ended."""
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            identity = pool.submit(self._bring_up_identity)
            others = [
                pool.submit(self._bring_up, service, identity)
                for service in SERVICES
                if service != "keystone"
            ]
            try:
                for future in (identity, *others):
                    future.result()
                self._seed_once("services", lambda: seed_services(self._lab.record))
            except BaseException:
                self._given_up.set()
                raise

    def _bring_up_identity(self) -> None:
        self._bring_up("keystone", None)
        self._seed_once("identity", lambda: seed_identity(self._lab.record))

    def _bring_up(self, service: str, identity: Future[None] | None) -> None:
        with self._cores:
            self._check_given_up()
            if prepare_databases(self._lab, service):
                self._note(f"{service}: database made")
        if identity is not None and service in NEEDS_IDENTITY:
            identity.result()
        process = recorded_process(self._lab.settings, service)
        if process is None or not process.is_alive:
            process = start_process(self._lab.settings, service, digest=self._digests[service])
        self._wait_until_serving(process)
        with self._counting:
            self._serving += 1
        self._note(f"{service}: serving at {self._lab.record.url(service)}")

    def _wait_until_serving(self, process: ServiceProcess) -> None:
        port = self._lab.record.ports[process.service]
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            self._check_given_up()
            if not process.is_alive:
                raise self._failure(process.service, "ended while it started")
            if time.monotonic() > deadline:
                raise self._failure(process.service, f"did not answer in {START_SECONDS:.0f} s")
            time.sleep(0.15)
        if not process.is_alive:
            raise self._failure(process.service, "found its port taken by another program")

    def _seed_once(self, what: str, seed: Callable[[], None]) -> None:
        marker = self._lab.settings.databases / f"{what}.seeded"
        if not marker.exists():
            seed()
            marker.touch()
            self._note(f"{what}: seeded")

    def _failure(self, service: str, how: str) -> LabError:
        log = self._lab.settings.logs / f"{service}.out"
        return LabError(
            f"{service} {how}; the end of {log}:\n{last_lines(log)}",
            remedy=f"Read all of it with: orchestrator lab logs {service}",
        )

    def _check_given_up(self) -> None:
        if self._given_up.is_set():
            raise LabError("stopped, because another service failed")

    def _note(self, text: str) -> None:
        seconds = time.monotonic() - self._begin
        with self._counting:
            self._watch(Step(text=f"{seconds:5.1f} s  {text}", serving=self._serving))


def _stop_outdated(settings: LabSettings, digests: Mapping[str, str], watch: LabWatch) -> None:
    outdated = [
        process
        for process in running_processes(settings)
        if process.digest != digests[process.service]
    ]
    for process in outdated:
        watch(Step(text=f"{process.service}: stopped, its configuration changed"))
    stop_processes(settings, outdated)


def _stop_all(settings: LabSettings) -> int:
    processes = running_processes(settings)
    stop_processes(settings, processes)
    for service in SERVICES:
        forget_process(settings, service)
    hosts_stop(settings)
    network_stop(settings)
    return len(processes)


@contextmanager
def _alone(settings: LabSettings) -> Iterator[None]:
    """Keep other commands off this lab."""
    try:
        settings.directory.mkdir(parents=True, exist_ok=True)
        lock = (settings.directory / ".lock").open("w")
    except OSError as error:
        raise LabError(
            f"{settings.directory} cannot be written: {error.strerror}",
            remedy="Choose another folder with --dir or $ORCHESTRATOR_LAB_DIR.",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(
                f"another `orchestrator lab` command works in {settings.directory}",
                remedy="Wait until it ends, then run this again.",
            ) from error
        yield
