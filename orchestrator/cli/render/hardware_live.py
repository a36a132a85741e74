"""What BMCs told, for people: one server in full, and a sweep by what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.inventory import (
    Disk,
    Inventory,
    ServerReport,
    Silence,
    Sweep,
    Unknown,
)
from orchestrator.model.verdict import OBSERVED, Verdict
from orchestrator.planning.hardware_drift import sum_by_profile

Part = TypeVar("Part")

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow"}
SERVERS_NAMED = 3
"""Servers that a summed line names; JSON names all."""


def report_parts(report: ServerReport) -> list[RenderableType]:
    """Return what one BMC told, and how that compares."""
    told = report.told
    if isinstance(told, Silence):
        return [
            Text.assemble((f"{told.fault.value}: ", "bold red"), told.reason),
            Text.assemble(("do: ", "bold"), told.remedy),
        ]
    compared = [
        (one.fact, one.declared, one.found, Text(one.verdict.value, STYLES[one.verdict]))
        for one in report.comparisons
    ]
    return [
        table(("Found", "Value"), list(_facts(told))),
        Text(),
        table(("Compared", "Declared", "Found", "Verdict"), compared),
        Text(),
        Text(f"{report.server}: {report.verdict.value}", STYLES[report.verdict]),
    ]


def sweep_parts(found: Sweep) -> list[RenderableType]:
    """Return the differences summed per profile, who was silent and why, and the counts."""
    parts: list[RenderableType] = []
    summed = sum_by_profile(found.reports)
    if summed:
        rows = [
            (
                one.profile,
                one.fact,
                one.declared,
                one.found,
                str(len(one.servers)),
                _some(one.servers),
            )
            for one in summed
        ]
        headers = ("Profile", "Fact", "Declared", "Found", "Count", "Servers")
        parts += [table(headers, rows, right="Count"), Text()]
    if found.silent:
        parts += [table(("Silent", "Fault", "Reason"), list(_silences(found))), Text()]
    parts += [Text(line, "yellow") for line in _unknown_lines(found)]
    counts = ", ".join(f"{found.count(verdict)} {verdict.value}" for verdict in OBSERVED)
    servers = plural(len(found.reports), "server")
    parts.append(Text(f"{found.site}: {servers} in {found.seconds:.1f} s: {counts}.", "bold"))
    return parts


def _some(servers: tuple[str, ...]) -> str:
    more = len(servers) - SERVERS_NAMED
    return ", ".join(servers[:SERVERS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _silences(found: Sweep) -> Iterator[tuple[Cell, ...]]:
    for report in found.silent:
        if isinstance(report.told, Silence):
            yield report.server, report.told.fault.value, report.told.reason


def _unknown_lines(found: Sweep) -> Iterator[str]:
    """Yield each fact that could not be compared, with its commonest reason."""
    reasons: dict[str, Counter[str]] = {}
    for report in found.reports:
        for one in report.comparisons:
            if one.verdict is Verdict.UNKNOWN:
                reasons.setdefault(one.fact, Counter())[one.found] += 1
    for fact, counted in sorted(reasons.items()):
        (reason, _), *_ = counted.most_common(1)
        yield f"{fact} is unknown of {plural(counted.total(), 'server')}: {reason}"


def _facts(told: Inventory) -> Iterator[tuple[Cell, ...]]:
    shown: dict[str, object] = {
        "vendor": told.manufacturer,
        "model": told.model,
        "serial": told.serial,
        "UUID": told.uuid,
        "power": told.power,
        "health": told.health,
        "inlet": _with_unit(told.inlet_celsius, "°C"),
        "lamp": _lamp(told.indicator_lit),
        "processors": told.processors,
        "processor": told.processor_model,
        "threads": told.threads,
        "memory": _with_unit(told.memory_gib, "GiB"),
        "BIOS": told.bios_version,
        "BMC": told.bmc_version,
    }
    for name, value in shown.items():
        yield name, _cell(value)
    yield from _each("disk", told.disks, _disk)
    yield from _each("NIC", told.nics, lambda nic: f"{nic.mac} {nic.name}")
    yield from _each("firmware", told.firmware, lambda one: f"{one.name} {one.version}")
    if told.quirks:
        yield "quirks", ", ".join(told.quirks)
    if isinstance(told.bios, Unknown):
        yield "bios", _cell(told.bios)
    else:
        yield from ((f"bios.{name}", told.bios[name]) for name in sorted(told.bios))


def _each(
    name: str, told: Sequence[Part] | Unknown, text: Callable[[Part], str | Unknown]
) -> Iterator[tuple[Cell, ...]]:
    """Yield a line for each part, or one that says why they are unknown."""
    if isinstance(told, Unknown):
        yield name, _cell(told)
    else:
        yield from ((name, _cell(text(part))) for part in told)


def _disk(disk: Disk) -> str | Unknown:
    return _with_unit(disk.capacity_gib, f"GiB, {disk.name} {disk.model}".rstrip())


def _with_unit(value: float | Unknown, unit: str) -> str | Unknown:
    return value if isinstance(value, Unknown) else f"{value:g} {unit}"


def _lamp(lit: bool | Unknown) -> str | Unknown:
    if isinstance(lit, Unknown):
        return lit
    return "lit" if lit else "off"


def _cell(value: object) -> Cell:
    if isinstance(value, Unknown):
        return Text(f"unknown: {value.reason}", "yellow")
    return str(value)
