"""Servers as they are declared, and every result about hardware as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from enum import Enum

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import (
    Disk,
    Firmware,
    Interface,
    Inventory,
    ServerReport,
    Silence,
    Sweep,
    Unknown,
)
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.model.verdict import OBSERVED
from orchestrator.planning.hardware_drift import sum_by_profile
from orchestrator.workflows.hardware import Rotation

FAILURES_TOLD = 5
"""Silent BMCs that are told of while the sweep runs: the summary names them all."""


def servers_table(site: Site, servers: Sequence[Server]) -> Table:
    """Return the declared servers, one a line."""
    rows = [
        (
            server.name,
            server.role.value,
            server.profile,
            site.region_of_rack(server.rack) or "",
            server.rack,
            str(server.unit),
            server.serial,
            str(server.bmc.address),
        )
        for server in servers
    ]
    headers = ("Server", "Role", "Profile", "Region", "Rack", "U", "Serial", "BMC")
    return table(headers, rows, right="U")


def servers_json(site: Site, servers: Sequence[Server]) -> Json:
    """Return the declared servers for machines."""
    return {"site": site.name, "servers": [server_json(site, server) for server in servers]}


def server_json(site: Site, server: Server) -> dict[str, Json]:
    """Return one declared server; its BMC's password is a reference."""
    profile = site.profiles_by_name[server.profile]
    return {
        "server": server.name,
        "role": server.role.value,
        "profile": server.profile,
        "vendor": profile.vendor,
        "model": profile.model,
        "region": site.region_of_rack(server.rack),
        "rack": server.rack,
        "unit": server.unit,
        "serial": server.serial,
        "cpu_threads": profile.cpu_threads,
        "memory_gib": profile.memory_gib,
        "disk_gib": profile.disk_gib,
        "address": None if server.address is None else str(server.address),
        "ssh": {"user": server.ssh.user, "key": str(server.ssh.key)},
        "bmc": {
            "address": str(server.bmc.address),
            "user": server.bmc.user,
            "password": str(server.bmc.password),
        },
        "nics": [
            {"name": nic.name, "mac": nic.mac, "switch": nic.switch, "port": nic.port}
            for nic in server.nics
        ],
    }


def server_parts(site: Site, server: Server) -> list[RenderableType]:
    """Return one declared server for people."""
    profile = site.profiles_by_name[server.profile]
    region = site.region_of_rack(server.rack) or ""
    rows = [
        ("role", server.role.value),
        ("profile", f"{server.profile} ({profile.vendor} {profile.model})"),
        ("place", f"{region}, rack {server.rack}, from unit {server.unit}"),
        ("serial", server.serial),
        ("threads", str(profile.cpu_threads)),
        ("memory", f"{profile.memory_gib} GiB"),
        ("disk", f"{profile.disk_gib} GiB usable"),
        ("host", f"{server.ssh.user} at {server.address or 'no address'}, {server.ssh.key}"),
        ("BMC", f"{server.bmc.user} at {server.bmc.address}, {server.bmc.password}"),
        *((nic.name, f"{nic.mac} to {nic.switch}/{nic.port}") for nic in server.nics),
    ]
    return [Text(server.name, "bold"), table(("Declared", "Value"), rows), Text()]


def sweep_json(found: Sweep) -> dict[str, Json]:
    """Return the whole inventory with its comparison."""
    return {
        "site": found.site,
        "seconds": round(found.seconds, 2),
        "summary": {verdict.value: found.count(verdict) for verdict in OBSERVED},
        "silent": len(found.silent),
        "profiles": [
            {
                "profile": one.profile,
                "fact": one.fact,
                "declared": one.declared,
                "found": one.found,
                "servers": list(one.servers),
            }
            for one in sum_by_profile(found.reports)
        ],
        "servers": [report_json(report) for report in found.reports],
    }


def report_json(report: ServerReport) -> dict[str, Json]:
    """Return one server of a sweep. What is unknown is null, with its reason in `unknown`."""
    told = report.told
    silence: Json = None
    if isinstance(told, Silence):
        silence = {"fault": told.fault.value, "reason": told.reason, "remedy": told.remedy}
    return {
        "server": report.server,
        "profile": report.profile,
        "region": report.region,
        "verdict": report.verdict.value,
        "silence": silence,
        "comparisons": [
            {
                "fact": one.fact,
                "declared": one.declared,
                "found": one.found,
                "verdict": one.verdict.value,
            }
            for one in report.comparisons
        ],
        "inventory": _inventory_json(told) if isinstance(told, Inventory) else None,
        "unknown": _unknown_json(told) if isinstance(told, Inventory) else {},
    }


def rotation_json(found: Rotation) -> dict[str, Json]:
    """Return how a change of passwords ended; no password is in it."""
    return {
        "reference": str(found.reference),
        "changed": list(found.changed),
        "had_it": list(found.had_it),
        "failed": {
            name: {"fault": error.fault.value, "reason": error.message, "remedy": error.remedy}
            for name, error in found.failed.items()
        },
    }


def rotation_parts(found: Rotation) -> list[RenderableType]:
    """Return how a change of passwords ended, and what is left to do."""
    parts: list[RenderableType] = [
        Text.assemble((f"failed: {name}: ", "bold red"), error.message)
        for name, error in found.failed.items()
    ]
    done = len(found.changed) + len(found.had_it)
    parts.append(Text(f"{plural(done, 'BMC')} with {found.reference}.", "bold"))
    if found.failed:
        parts.append(f"{len(found.failed)} not: run the same command again.")
    else:
        parts.append(f"Now write {found.reference} as their `password:` in the site, and apply.")
    return parts


@contextmanager
def sweep_watching(console: Console, total: int) -> Iterator[Callable[[ServerReport], None]]:
    """Show how far a sweep is: a bar on a terminal, a line per silent BMC in a log."""
    silent: Counter[bool] = Counter()

    def say(report: ServerReport) -> None:
        if isinstance(report.told, Silence):
            silent[True] += 1
            if silent[True] <= FAILURES_TOLD:
                line = f"{report.server}: {report.told.fault.value}: {report.told.reason}"
                console.print(Text(line, "yellow"), soft_wrap=True)

    if not console.is_terminal:
        yield say
        return
    with Progress(
        TextColumn("servers"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("servers", total=total)

        def advance(report: ServerReport) -> None:
            say(report)
            bar.advance(task)

        yield advance


def _inventory_json(told: Inventory) -> dict[str, Json]:
    return {one.name: _plain(getattr(told, one.name)) for one in fields(told)}


def _unknown_json(told: Inventory) -> dict[str, Json]:
    values = {one.name: getattr(told, one.name) for one in fields(told)}
    return {name: value.reason for name, value in values.items() if isinstance(value, Unknown)}


def _plain(value: object) -> Json:
    """Return a fact as JSON."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Disk | Interface | Firmware):
        return _plain({one.name: getattr(value, one.name) for one in fields(value)})
    return value  # type: ignore[return-value] # a text, a number, a bool
