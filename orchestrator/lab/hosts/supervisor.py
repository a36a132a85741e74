"""The lab's mains: a process of root that boots the hosts and says which of them run.

The BMC emulator, which needs no rights, asks it over a socket. A host's power is nothing but its
nspawn process. All hosts lose their power with this process; what was on is remembered, and booted
again by the next one.

Usage: python -m orchestrator.lab.hosts.supervisor DIRECTORY
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.hosts.control_groups import remove_groups
from orchestrator.lab.hosts.layers import layer_of
from orchestrator.lab.hosts.listener import Answer, Listener
from orchestrator.lab.hosts.machine import REBOOT_STATUS, Machine
from orchestrator.lab.hosts.network import socket_path
from orchestrator.lab.hosts.record import HostsRecord, read_hosts
from orchestrator.lab.hosts.root import Writing, disks_in

FAULTS = (
    *(LabError, OSError, subprocess.SubprocessError),
    # A request that is not of our shape.
    *(AttributeError, KeyError, TypeError, ValueError),
)
"""What may go wrong with one host or request; the other hosts must not fall with it."""

LOOK_SECONDS = 0.1
"""How often it is looked whether a host has gone off."""

STOP_SECONDS = 3.0
"""For all hosts to shut down before their power is cut; less than `lab down` waits for us."""


@dataclass(frozen=True, slots=True)
class _Act:
    """Something for the one thread that may start hosts."""

    do: Callable[[], Answer]
    answer: Future[Answer]


class Supervisor:
    """All hosts of one lab. Its acts run in the thread of `run`, one after another."""

    def __init__(self, directory: Path) -> None:
        """Read which hosts there are; none is on."""
        self._directory = directory
        self._folder = directory / "hosts"
        self._acts: queue.Queue[_Act] = queue.Queue()
        self._machines: dict[str, Machine] = {}
        self._stopping = threading.Event()
        self._record = self._read()
        self._on: set[str] = self._read_power()
        self._faults: dict[str, str] = {}
        """Why hosts did not boot when nobody waited for it."""

    def run(self) -> None:
        """Work until `stop`; then shut all hosts down."""
        self._reload()
        while not self._stopping.is_set():
            try:
                act = self._acts.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                pass
            else:
                self._answer(act)
            self._look()
        self._shut_all_down()
        remove_groups(self._record.machines)

    def stop(self) -> None:
        """End `run` soon."""
        self._stopping.set()

    def ask(self, request: Answer) -> Answer:
        """Answer one request; called from any thread."""
        acts: dict[str, Callable[[], Answer]] = {
            "list": self._list,
            "reload": self._reload,
            "state": lambda: self._told(self._machine(request["host"])),
            "power": lambda: self._switch(request["host"], request["state"]),
            "layer": lambda: {"layer": request["layer"]},
            "write": lambda: self._write(request),
        }
        do = acts.get(str(request.get("do")))
        if do is None:
            return {"error": f"it knows no `{request.get('do')}`"}
        if request["do"] in {"layer", "write"}:
            # An image may take long to unpack: not in the thread that all wait for.
            layer = layer_of(self._record, self._folder, request["image"])
            request = {**request, "layer": str(layer)}
        act = _Act(do, Future())
        self._acts.put(act)
        return act.answer.result(timeout=120)

    def _answer(self, act: _Act) -> None:
        try:
            act.answer.set_result(act.do())
        except FAULTS as error:
            act.answer.set_result({"error": f"{error}"})

    def _list(self) -> Answer:
        return {"hosts": {name: self._told(machine) for name, machine in self._machines.items()}}

    def _told(self, machine: Machine) -> Answer:
        return {
            "power": "On" if machine.is_on else "Off",
            "address": self._record.address(machine.host),
            "image": machine.disk.image,
            "pid": machine.pid,
            "fault": self._faults.get(machine.host.spec.name, ""),
        }

    def _reload(self) -> Answer:
        """Take the hosts from the record: boot new ones, and forget those that are gone."""
        self._record = self._read()
        wanted = self._record.by_name()
        for name in sorted(self._machines.keys() - wanted.keys()):
            machine = self._machines.pop(name)
            machine.cut_off()
            self._wait_off([machine])
        for disk in disks_in(self._folder):
            if disk.folder.name not in wanted:
                disk.remove()
        self._on &= wanted.keys()
        for name in sorted(wanted.keys() - self._machines.keys()):
            machine = Machine(self._folder / name, wanted[name])
            self._machines[name] = machine
            if machine.disk.is_blank:
                self._on.add(name)
            if name in self._on:
                self._boot(machine)
        self._write_power()
        return {}

    def _boot(self, machine: Machine) -> None:
        """Start a host that nobody waits for; where that fails it stays off, and `list` says why.

        A host that was never written gets the lab's own system first.
        """
        name = machine.host.spec.name
        self._faults.pop(name, None)
        try:
            if machine.disk.is_blank:
                machine.disk.write(self._first_writing(machine))
            machine.start(self._record)
        except FAULTS as error:
            self._on.discard(name)
            self._faults[name] = str(error)
            print(f"{name}: {error}", flush=True)  # noqa: T201 - our log

    def _first_writing(self, machine: Machine) -> Writing:
        spec = machine.host.spec
        return Writing(
            layer=self._record.image, hostname=spec.name, user=spec.user, keys=(spec.public_key,)
        )

    def _switch(self, name: str, state: str) -> Answer:
        machine = self._machine(name)
        restarts = "Restart" in state or (state == "On" and machine.restarts)
        machine.restarts = restarts and machine.is_on
        if state == "On" or ("Restart" in state and not machine.is_on):
            self._on.add(name)
            if not machine.is_on:
                machine.start(self._record)
                self._faults.pop(name, None)
        elif state in {"GracefulShutdown", "GracefulRestart", "PushPowerButton"}:
            machine.shut_down()
        elif state in {"ForceOff", "ForceRestart"}:
            machine.cut_off()
        else:
            return {"error": f"a host cannot do {state}"}
        self._write_power()
        return self._told(machine)

    def _write(self, request: Answer) -> Answer:
        machine = self._machine(request["host"])
        if machine.is_on:
            return {"error": f"{request['host']} is on: its disk is in use"}
        told = request["identity"]
        image = request["image"]
        machine.disk.write(
            Writing(
                layer=request["layer"],
                hostname=told["hostname"],
                user=told["user"],
                keys=tuple(told["keys"]),
                files=told["files"],
                image=image["name"],
                sha256=image["sha256"],
            )
        )
        return self._told(machine)

    def _machine(self, name: str) -> Machine:
        if name not in self._machines:
            raise LabError(
                f"{name} is no host of this lab; boot it with: orchestrator lab up SITE "
                f"--hosts={','.join([*sorted(self._machines), name])}"
            )
        return self._machines[name]

    def _look(self) -> None:
        """See which hosts have gone off, and switch on again what restarts."""
        for name, machine in self._machines.items():
            status = machine.take_exit()
            if status is None:
                continue
            if machine.restarts or status == REBOOT_STATUS:
                machine.restarts = False
                self._boot(machine)
            else:
                self._on.discard(name)
                self._write_power()

    def _shut_all_down(self) -> None:
        """Shut all hosts down; those that were on stay remembered as such."""
        machines = list(self._machines.values())
        for machine in machines:
            machine.shut_down()
        self._wait_off(machines)
        for machine in machines:
            machine.cut_off()
        self._wait_off(machines)

    def _wait_off(self, machines: list[Machine]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while any(machine.is_on for machine in machines) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self) -> HostsRecord:
        record = read_hosts(self._folder)
        if record is None:
            raise LabError(f"{self._folder} has no hosts")
        return record

    @property
    def _power_file(self) -> Path:
        return self._folder / "power.json"

    def _read_power(self) -> set[str]:
        try:
            return set(json.loads(self._power_file.read_text()))
        except (FileNotFoundError, ValueError):
            return set()

    def _write_power(self) -> None:
        draft = self._power_file.with_suffix(".draft")
        draft.write_text(json.dumps(sorted(self._on)))
        draft.replace(self._power_file)


def main() -> None:
    """Keep the hosts of a lab until SIGTERM."""
    directory = Path(sys.argv[1])
    supervisor = Supervisor(directory)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    path = socket_path(directory)
    with Listener(path, supervisor.ask, faults=FAULTS) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        supervisor.run()
        listener.shutdown()
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
