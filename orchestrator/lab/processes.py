"""The lab's processes: started, told apart from strangers with the same number, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.service_files import process_environment, start_file
from orchestrator.lab.settings import SERVICES, LabSettings

POLITE_SECONDS = 4.0
"""Time for a process to end after SIGTERM; then comes SIGKILL."""

KILL_SECONDS = 10.0

DETACH = 'exec 3>&1; "$@" >>"$LAB_OUTPUT" 2>&1 </dev/null 3>&- & echo $! >&3'
"""Start a program that is nobody's child: it outlives the command and never becomes a zombie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProcess:
    """A process that this lab started."""

    service: str
    pid: int
    start_ticks: int
    """When the kernel started it: a reused pid has another one."""
    digest: str
    """Of the files that it was started with."""

    @property
    def is_alive(self) -> bool:
        """Say whether this very process still runs."""
        return _start_ticks(self.pid) == self.start_ticks

    @property
    def memory_mib(self) -> int:
        """Return the resident memory in MiB, 0 where the process is gone."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def start_process(settings: LabSettings, service: str, *, digest: str) -> ServiceProcess:
    """Start a service in a session of its own, and write down which process it is."""
    python = str(settings.venv / "bin/python")
    return start_command(
        settings,
        service,
        [python, "-m", "labcloud.serve", str(start_file(settings, service))],
        environment=process_environment(settings, service),
        digest=digest,
    )


def start_command(
    settings: LabSettings,
    service: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    digest: str,
) -> ServiceProcess:
    """Start a program in a session of its own, and write down which process it is."""
    output = settings.logs / f"{service}.out"
    settings.logs.mkdir(parents=True, exist_ok=True)
    settings.run.mkdir(parents=True, exist_ok=True)
    shell = subprocess.run(  # noqa: S603 - our own argument list; the shell text is a constant
        ["/bin/sh", "-c", DETACH, "lab", *command],
        env={**environment, "LAB_OUTPUT": str(output)},
        cwd=settings.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    if shell.returncode or not shell.stdout.strip().isdigit():
        raise LabError(f"{service} cannot be started: {shell.stderr.strip()}")
    pid = int(shell.stdout)
    process = ServiceProcess(
        service=service, pid=pid, start_ticks=_start_ticks(pid) or 0, digest=digest
    )
    _record_file(settings, service).write_text(json.dumps(asdict(process)))
    return process


def recorded_process(settings: LabSettings, service: str) -> ServiceProcess | None:
    """Return the process that was last started for a service, alive or not."""
    try:
        return ServiceProcess(**json.loads(_record_file(settings, service).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        # Killed while writing: the process is found missing and started again.
        return None


def running_processes(settings: LabSettings) -> list[ServiceProcess]:
    """Return the lab's processes that are alive."""
    found = (recorded_process(settings, service) for service in SERVICES)
    return [process for process in found if process is not None and process.is_alive]


def stop_processes(settings: LabSettings, processes: Iterable[ServiceProcess]) -> None:
    """End processes with all that they started: politely first, all at once."""
    alive = [process for process in processes if process.is_alive]
    for process in alive:
        _signal(process, signal.SIGTERM)
    stubborn = _wait_for_end(alive, POLITE_SECONDS)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    immortal = _wait_for_end(stubborn, KILL_SECONDS)
    if immortal:
        names = ", ".join(f"{process.service} ({process.pid})" for process in immortal)
        raise LabError(f"these processes do not end: {names}")
    for process in alive:
        forget_process(settings, process.service)


def forget_process(settings: LabSettings, service: str) -> None:
    """Remove the note of a service's process: it is meant to be down."""
    _record_file(settings, service).unlink(missing_ok=True)


def _wait_for_end(processes: list[ServiceProcess], seconds: float) -> list[ServiceProcess]:
    deadline = time.monotonic() + seconds
    alive = processes
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [process for process in alive if process.is_alive]
    return alive


def _signal(process: ServiceProcess, number: signal.Signals) -> None:
    try:
        os.killpg(os.getpgid(process.pid), number)
    except ProcessLookupError:
        return


def _record_file(settings: LabSettings, service: str) -> Path:
    return settings.run / f"{service}.json"


def _start_ticks(pid: int) -> int | None:
    """Return the start time of a process in clock ticks since boot; None for none or a zombie.

    Source:
        proc_pid_stat(5): fields 3 (state) and 22 (starttime), counted after the program's name,
        which may hold spaces and parentheses.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state in "ZX" else int(start)
