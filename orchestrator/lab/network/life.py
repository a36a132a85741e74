"""The life of the lab's network: up, how it is, down."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.logs import last_lines
from orchestrator.lab.network import plumbing
from orchestrator.lab.network.commands import missing_for_network
from orchestrator.lab.network.device import BOOT, FRR_DAEMONS, DeviceFolder
from orchestrator.lab.network.record import (
    NetworkRecord,
    RunningDevice,
    cable_name,
    forget_network,
    namespace_prefix,
    read_network,
    record_of,
    write_network,
)
from orchestrator.lab.network.spec import NetworkContents
from orchestrator.lab.network.wires import Wires
from orchestrator.lab.progress import LabWatch, Step
from orchestrator.lab.settings import HOST, LabSettings
from orchestrator.lab.this_machine import alone_on_the_machine, free_subnet
from orchestrator.model.network import Platform

Endpoint = tuple[str, int]
SSH_PORT = 22
LOCK = "network.lock"
NOBODY: Endpoint = (HOST, 9)
"""Port 9 is set aside for a service that answers nothing (RFC 863)."""
START_SECONDS = 30.0
"""For a device to answer on a loaded machine; usual is a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceStatus:
    """How one device is."""

    name: str
    platform: Platform
    address: str
    """As declared."""
    reached: str
    answers: bool
    """Its SSH server greets."""
    namespace: str
    processes: int
    dead: tuple[str, ...] = ()
    """Which of its programs do not run; of a router, SSH may answer all the same."""

    @property
    def is_whole(self) -> bool:
        """Say whether it answers, and all of it runs."""
        return self.answers and not self.dead


def network_up(
    settings: LabSettings,
    contents: NetworkContents,
    watch: LabWatch,
    *,
    missing: Callable[[], Sequence[str]] = missing_for_network,
) -> Mapping[str, Endpoint]:
    """Make the network complete, or say why there is none; what runs as it should is left alone.

    Returns:
        where SSH is reached for the declared address of each device. One that this machine cannot
        run is at a place where nobody listens: what asks for it is told so at once, and nothing is
        sent to the declared address, which may be somebody else's.

    Raises:
        LabError: a step failed.
    """
    for reason in contents.left_out:
        watch(Step(text=f"network: left out {reason}"))
    if not contents.devices:
        network_stop(settings)
        forget_network(settings.network)
        return {}
    if lacking := missing():
        forget_network(settings.network)
        names = ", ".join(lacking)
        count = len(contents.devices)
        watch(Step(text=f"network: its {count} devices do not run; missing: {names}"))
        return {device.address: NOBODY for device in contents.devices}
    begin = time.monotonic()
    wires = Wires(contents, prefix=namespace_prefix(settings.directory))
    record = _plumbed(settings, contents, wires)
    started = _started(settings, contents, wires)
    _wait_for(settings, [device for device in record.devices if device.name in started])
    if started:
        seconds = time.monotonic() - begin
        watch(
            Step(
                text=f"network: {len(started)} devices and {len(contents.hosts)} zone hosts"
                f" in {seconds:.1f} s"
            )
        )
    return {device.address: (device.reached, SSH_PORT) for device in record.devices}


def network_stop(settings: LabSettings) -> int:
    """Take the network down; return how many devices ran. What they saved is kept.

    Raises:
        LabError: something does not end.
    """
    record = read_network(settings.network)
    prefix, cable = namespace_prefix(settings.directory), cable_name(settings.directory)
    return len(record.devices) if plumbing.take_down(prefix, cable=cable) and record else 0


def network_forget(settings: LabSettings) -> None:
    """Forget the devices and what they saved; the network is down."""
    if settings.network.exists():
        shutil.rmtree(settings.network)


def network_status(settings: LabSettings) -> tuple[DeviceStatus, ...]:
    """Return how the devices are; none where the lab has no network."""
    record = read_network(settings.network)
    if record is None or not record.devices:
        return ()
    prefix = namespace_prefix(settings.directory)
    with ThreadPoolExecutor(len(record.devices)) as pool:
        answers = list(pool.map(lambda device: greets(device.reached), record.devices))
    return tuple(
        DeviceStatus(
            name=device.name,
            platform=device.platform,
            address=device.address,
            reached=device.reached,
            answers=answer,
            namespace=f"{prefix}{device.name}",
            processes=len(pids),
            dead=_dead(device.platform, pids),
        )
        for device, answer in zip(record.devices, answers, strict=True)
        for pids in [plumbing.processes(f"{prefix}{device.name}")]
    )


def greets(host: str) -> bool:
    """Say whether an SSH server answers at an address."""
    try:
        with socket.create_connection((host, SSH_PORT), timeout=1) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _plumbed(settings: LabSettings, contents: NetworkContents, wires: Wires) -> NetworkRecord:
    """Return the record of namespaces and cables that are as planned; made anew where not.

    The record is written last: without one, a killed start is taken away and made again.
    """
    known = read_network(settings.network)
    cable = cable_name(settings.directory)
    digest = _digest(contents, wires)
    if known and known.digest == digest and plumbing.made(wires):
        return known
    with alone_on_the_machine(LOCK):
        forget_network(settings.network)
        plumbing.take_down(namespace_prefix(settings.directory), cable=cable)
        wanted = known.subnet if known else None
        start = int(cable[-4:], 16)
        subnet = free_subnet(plumbing.POOL, wanted, link=cable, start=start)
        record = record_of(contents, digest=digest, subnet=subnet)
        plumbing.make(wires, contents)
        plumbing.join_machine(wires, record, cable=cable)
    write_network(settings.network, record)
    return record


def _started(settings: LabSettings, contents: NetworkContents, wires: Wires) -> set[str]:
    """Start the devices that do not run; return their names."""
    started = set()
    for device in contents.devices:
        folder = DeviceFolder(settings.network / device.name)
        folder.prepare(device)
        namespace = wires.device(device.name)
        if _dead(device.platform, plumbing.processes(namespace)):
            plumbing.end_processes([namespace])
            lines = " ".join(line.port for line in contents.lines if device.name in line.ends)
            folder.start(device, namespace, lines=lines, log=_log(settings, device.name))
            started.add(device.name)
    return started


def _dead(platform: Platform, pids: Sequence[int]) -> tuple[str, ...]:
    """Return which of a device's programs do not run: sshd, and FRR's where it is a router."""
    names = {_name(pid) for pid in pids}
    routing = FRR_DAEMONS.split() if platform is Platform.FRR else []
    return tuple(program for program in ("sshd", *routing) if program not in names)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""  # it has just ended


def _wait_for(settings: LabSettings, devices: Sequence[RunningDevice]) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = list(devices)
    while waiting := [device for device in waiting if not greets(device.reached)]:
        if time.monotonic() > deadline:
            name = waiting[0].name
            log = _log(settings, name)
            raise LabError(
                f"{name} did not answer in {START_SECONDS:.0f} s; the end of {log}:\n"
                f"{last_lines(log)}",
                remedy="Run: orchestrator lab down, then: orchestrator lab up",
            )
        time.sleep(0.05)


def _log(settings: LabSettings, name: str) -> Path:
    settings.logs.mkdir(parents=True, exist_ok=True)
    return settings.logs / f"device-{name}.out"


def _digest(contents: NetworkContents, wires: Wires) -> str:
    """Return what tells one plan from another; a changed password needs no new network."""
    said = [
        BOOT,
        *wires.namespaces,
        *wires.cabling(),
        *wires.bridging(),
        *(f"{port} {address}" for port, address in wires.administrators),
        *(command for device in contents.devices for command in wires.inside_device(device)),
        *(command for host in contents.hosts for command in wires.inside_host(host)),
        *(f"{device.name} {device.user} {device.platform}" for device in contents.devices),
        *(f"{end.end} {end.addresses}" for end in contents.ends),
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()
