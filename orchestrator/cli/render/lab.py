"""The lab on the screen: how it comes up, how it is, and how a shell finds it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.table import table
from orchestrator.lab.health import Health, LabStatus
from orchestrator.lab.hosts.life import HostStatus, Power
from orchestrator.lab.network.life import DeviceStatus
from orchestrator.lab.progress import LabWatch, Step
from orchestrator.lab.settings import CLOUD, SERVICES, LabSettings
from orchestrator.model.units import Json

_STYLES = {Health.RUNNING: "green", Health.STOPPED: "dim"}
_POWER_STYLES = {Power.ON: "green", Power.OFF: "dim", Power.UNKNOWN: "bold red"}


@contextmanager
def lab_watching(console: Console) -> Iterator[LabWatch]:
    """Show the steps: a bar of services on a terminal, plain lines in a log."""
    if not console.is_terminal:
        yield lambda step: console.print(step.text, soft_wrap=True)
        return
    with Progress(
        TextColumn("services"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("services", total=len(SERVICES))

        def show(step: Step) -> None:
            bar.console.print(Text(step.text, "dim"))
            bar.update(task, completed=step.serving)

        yield show


def status_parts(status: LabStatus) -> list[RenderableType]:
    """Return the lab's condition, and what to do where it is not good."""
    if not status.services:
        return [f"There is no lab in {status.directory}. Make one: orchestrator lab up"]
    rows = [
        (
            one.service,
            Text(one.health.value, _STYLES.get(one.health, "bold red")),
            one.url,
            str(one.pid or "-"),
            str(one.memory_mib or "-"),
            str(one.log),
        )
        for one in status.services
    ]
    parts: list[RenderableType] = [
        table(("Service", "State", "URL", "PID", "MiB", "Log"), rows, right="MiB")
    ]
    if status.devices:
        parts.append(_devices_table(status.devices))
    if status.broken_devices:
        names = ", ".join(one.name for one in status.broken_devices)
        parts.append(Text(f"Not whole: {names}. To mend it: orchestrator lab up", "bold"))
    if status.hosts:
        parts.append(_hosts_table(status.hosts))
    if status.lost_hosts:
        parts.append(
            Text(
                "Of the hosts nothing is known: their supervisor does not answer. To mend it: "
                "orchestrator lab up",
                "bold red",
            )
        )
    if status.broken:
        names = ", ".join(one.service for one in status.broken)
        parts.append(Text(f"Not running: {names}. To mend it: orchestrator lab up", "bold"))
    elif status.is_up:
        memory = sum(one.memory_mib for one in status.services)
        parts.append(Text(f"The lab is up and uses {memory} MiB.", "bold"))
    return parts


def _device_state(device: DeviceStatus) -> Text:
    if device.is_whole:
        return Text("answers", "green")
    if device.answers:
        return Text(f"no {', no '.join(device.dead)}", "bold red")
    return Text("silent", "bold red") if device.processes else Text("off", "dim")


def _devices_table(devices: Sequence[DeviceStatus]) -> Table:
    rows = [
        (
            one.name,
            one.platform.value,
            _device_state(one),
            one.address,
            one.reached,
            str(one.processes),
            one.namespace,
        )
        for one in devices
    ]
    heads = ("Device", "Platform", "State", "Declared", "Reached at", "Processes", "Namespace")
    return table(heads, rows, right="Processes")


def _hosts_table(hosts: Sequence[HostStatus]) -> Table:
    rows = [
        (
            one.name,
            Text(one.power.value, _POWER_STYLES[one.power]),
            one.address or "-",
            one.reached,
            one.image or "-",
        )
        for one in hosts
    ]
    return table(("Host", "Power", "Declared", "Reached at", "Deployed image"), rows)


def status_json(status: LabStatus) -> Json:
    """Return the lab's condition for machines."""
    services: list[Json] = [
        {
            "service": one.service,
            "state": one.health.value,
            "url": one.url,
            "pid": one.pid,
            "memory_mib": one.memory_mib,
            "log": str(one.log),
        }
        for one in status.services
    ]
    hosts: list[Json] = [
        {
            "host": one.name,
            "power": one.power.value,
            "address": one.address or None,
            "reached": one.reached,
            "image": one.image or None,
        }
        for one in status.hosts
    ]
    return {
        "directory": str(status.directory),
        "up": status.is_up,
        "services": services,
        "hosts": hosts,
        "devices": [
            {
                "device": one.name,
                "platform": one.platform.value,
                "answers": one.answers,
                "dead": list(one.dead),
                "address": one.address,
                "reached": one.reached,
                "processes": one.processes,
                "namespace": one.namespace,
            }
            for one in status.devices
        ],
    }


def export_lines(settings: LabSettings, programs: Sequence[Path]) -> list[Text]:
    """Return what a POSIX shell evaluates to use the lab; the shell's own PATH stays in front."""
    variables = {
        "OS_CLIENT_CONFIG_FILE": str(settings.clouds),
        "OS_CLOUD": CLOUD,
        "ORCHESTRATOR_ENDPOINTS": str(settings.endpoints),
        "ORCHESTRATOR_LAB_DIR": str(settings.directory),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    added = ":".join(map(str, programs))
    return [Text(line) for line in (*lines, f'export PATH="$PATH":{shlex.quote(added)}')]
