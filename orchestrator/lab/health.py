"""How a lab is: which services run and answer."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.lab.hosts.life import HostStatus, Power, hosts_status
from orchestrator.lab.network.life import DeviceStatus, network_status
from orchestrator.lab.processes import recorded_process
from orchestrator.lab.record import LabRecord, read_record
from orchestrator.lab.settings import HOST, SERVICES, LabSettings

ANSWER_SECONDS = 5.0


class Health(StrEnum):
    """What can be said of a service."""

    RUNNING = "running"
    SILENT = "silent"
    """The process lives but does not answer."""
    DEAD = "dead"
    """It was started and is gone."""
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """How one service is."""

    service: str
    health: Health
    url: str
    pid: int | None
    memory_mib: int
    log: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class LabStatus:
    """How the whole lab is; no services where there is no lab."""

    directory: Path
    services: tuple[ServiceStatus, ...]
    hosts: tuple[HostStatus, ...] = ()
    devices: tuple[DeviceStatus, ...] = ()

    @property
    def is_up(self) -> bool:
        """Say whether every service answers; a host that is off is as good as one that is on."""
        return (
            bool(self.services) and not self.broken and not (self.lost_hosts or self.broken_devices)
        )

    @property
    def broken(self) -> tuple[ServiceStatus, ...]:
        """Return the services that do not answer."""
        return tuple(one for one in self.services if one.health is not Health.RUNNING)

    @property
    def broken_devices(self) -> tuple[DeviceStatus, ...]:
        """Return the firewalls and routers that do not answer, or of which a part is dead."""
        return tuple(one for one in self.devices if not one.is_whole)

    @property
    def lost_hosts(self) -> tuple[HostStatus, ...]:
        """Return the hosts of which nothing is known: their supervisor does not answer."""
        return tuple(one for one in self.hosts if one.power is Power.UNKNOWN)


def lab_status(settings: LabSettings) -> LabStatus:
    """Look at every service, all at once."""
    record = read_record(settings)
    if record is None:
        return LabStatus(directory=settings.directory, services=())
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        found = tuple(pool.map(lambda name: service_status(settings, record, name), SERVICES))
    return LabStatus(
        directory=settings.directory,
        services=found,
        hosts=hosts_status(settings),
        devices=network_status(settings),
    )


def service_status(settings: LabSettings, record: LabRecord, service: str) -> ServiceStatus:
    """Look at one service."""
    process = recorded_process(settings, service)
    alive = process is not None and process.is_alive
    if process is None:
        health = Health.STOPPED
    elif not alive:
        health = Health.DEAD
    else:
        health = Health.RUNNING if answers(record.ports[service]) else Health.SILENT
    return ServiceStatus(
        service=service,
        health=health,
        url=record.url(service),
        pid=process.pid if process and alive else None,
        memory_mib=process.memory_mib if process and alive else 0,
        log=settings.logs / f"{service}.log",
    )


def answers(port: int, *, path: str = "/") -> bool:
    """Say whether a service gives any answer that is not a server error."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
