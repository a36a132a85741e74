"""The hosts' part of `lab up`, `down`, `reset` and `status`."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.hosts.asking import ask
from orchestrator.lab.hosts.control_groups import remove_groups
from orchestrator.lab.hosts.image import ensure_image
from orchestrator.lab.hosts.needs import missing_for_hosts
from orchestrator.lab.hosts.network import (
    bridge_name,
    bring_up_network,
    network_is_up,
    socket_path,
    take_down_network,
)
from orchestrator.lab.hosts.record import HostsRecord, read_hosts, write_hosts
from orchestrator.lab.hosts.spec import HostSpec
from orchestrator.lab.logs import last_lines
from orchestrator.lab.processes import (
    ServiceProcess,
    recorded_process,
    start_command,
    stop_processes,
)
from orchestrator.lab.progress import LabWatch, Step
from orchestrator.lab.settings import LabSettings
from orchestrator.lab.this_machine import SEARCHED

SUPERVISOR = "hosts"
"""Name of the supervisor's process record and log."""

START_SECONDS = 120.0
"""For the supervisor to have started all hosts."""

SYSTEMD_MARK = Path("/run/systemd/system")
"""nspawn refuses to work where it is missing, though it needs nothing of it."""


class Power(StrEnum):
    """Whether a host runs."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostStatus:
    """How one host is."""

    name: str
    power: Power
    address: str
    """The address that the site declares."""
    reached: str
    """Where it is reached."""
    image: str
    """What was deployed; empty for the system that the lab gave it, `unknown` where power is."""


def hosts_up(
    settings: LabSettings, wanted: Sequence[HostSpec] | None, watch: LabWatch
) -> HostsRecord | None:
    """Boot the wanted hosts (None: those of the last time); return them, or None where none are.

    With an empty list the hosts of the last time are removed.

    What this machine lacks is said by name, and the lab does without hosts.

    Raises:
        LabError: the image, the network or the supervisor failed.
    """
    record = read_hosts(settings.hosts)
    if wanted is not None and not wanted:
        hosts_stop(settings)
        hosts_forget(settings)
        return None
    if wanted is None and record is None:
        return None
    missing = missing_for_hosts()
    if missing:
        watch(Step(text=f"hosts: none, because this machine lacks {', '.join(missing)}"))
        return None
    image = ensure_image(settings.host_images, watch)
    prefix = bring_up_network(settings.directory, record.prefix if record else None)
    known = record or HostsRecord(bridge="", prefix="", image="")
    made = replace(known, bridge=bridge_name(settings.directory), prefix=prefix, image=str(image))
    if wanted is not None:
        made = made.with_hosts(wanted)
    if record is not None and record.prefix != prefix:
        _stop_supervisor(settings)  # its hosts have addresses that are somebody else's now
    settings.hosts.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_hosts(settings.hosts, made)
    _supervise(settings)
    watch(Step(text=f"hosts: {len(made.hosts)} at {made.bridge}, {made.prefix}"))
    for name, told in ask(socket_path(settings.directory), {"do": "list"})["hosts"].items():
        if told["fault"]:
            watch(Step(text=f"hosts: {name} does not boot: {told['fault']}"))
    return made


def hosts_stop(settings: LabSettings) -> None:
    """Shut the hosts down and take their network away; all is as before the first of them."""
    process = recorded_process(settings, SUPERVISOR)
    runs = process is not None and process.is_alive
    if not runs and not network_is_up(settings.directory):
        return
    if "root" in missing_for_hosts():
        raise LabError(
            "the lab's hosts and their network cannot be taken down without root",
            remedy="Run the command as root.",
        )
    _stop_supervisor(settings)
    if record := read_hosts(settings.hosts):
        remove_groups(record.machines)  # of a supervisor that was killed
    take_down_network(settings.directory)


def hosts_forget(settings: LabSettings) -> None:
    """Remove the disks of all hosts; they are stopped."""
    if not settings.hosts.exists():
        return
    try:
        shutil.rmtree(settings.hosts)
    except OSError as error:
        raise LabError(
            f"the disks of the hosts in {settings.hosts} cannot be removed: {error.strerror}",
            remedy="Run the command as root: they belong to it.",
        ) from error


def hosts_status(settings: LabSettings) -> tuple[HostStatus, ...]:
    """Return how the hosts are; where the supervisor does not answer, their power is unknown."""
    record = read_hosts(settings.hosts)
    if record is None:
        return ()
    try:
        told = ask(socket_path(settings.directory), {"do": "list"})["hosts"]
    except LabError:
        told = {}
    found = []
    for host in record.hosts:
        own = told.get(host.spec.name, {})
        found.append(
            HostStatus(
                name=host.spec.name,
                power=Power(own["power"].lower()) if own else Power.UNKNOWN,
                address=host.spec.address,
                reached=record.address(host),
                image=own.get("image", Power.UNKNOWN.value),
            )
        )
    return tuple(found)


def _supervise(settings: LabSettings) -> None:
    """Have a supervisor that runs this code and knows the record."""
    digest = _code_digest()
    process = recorded_process(settings, SUPERVISOR)
    if process is not None and process.is_alive and process.digest == digest:
        ask(socket_path(settings.directory), {"do": "reload"})
        return
    _stop_supervisor(settings)
    SYSTEMD_MARK.mkdir(parents=True, exist_ok=True)
    started = start_command(
        settings,
        SUPERVISOR,
        # Mounts of its own: they end with it, whatever ends it.
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-m",
         "orchestrator.lab.hosts.supervisor", str(settings.directory)],
        environment={"PATH": SEARCHED, "LANG": "C.UTF-8", "PYTHONPATH": _package_folder()},
        digest=digest,
    )  # fmt: skip
    _wait_until_answering(settings, started)


def _stop_supervisor(settings: LabSettings) -> None:
    """Shut all hosts down, and end the process that keeps them."""
    process = recorded_process(settings, SUPERVISOR)
    if process is not None:
        stop_processes(settings, [process])


def _wait_until_answering(settings: LabSettings, process: ServiceProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(socket_path(settings.directory), {"do": "list"})
        except LabError as error:
            if not process.is_alive or time.monotonic() > deadline:
                log = settings.logs / f"{SUPERVISOR}.out"
                raise LabError(
                    f"the supervisor of the hosts did not start; the end of {log}:\n"
                    f"{last_lines(log)}",
                    remedy=error.remedy,
                ) from error
            time.sleep(0.1)
        else:
            return


def _package_folder() -> str:
    """Return the folder that holds this package, wherever it was installed."""
    return str(Path(__file__).resolve().parents[3])


def _code_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
