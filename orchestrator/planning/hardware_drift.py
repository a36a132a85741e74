"""Compare what BMCs tell with what the site declares: per server, and summed per profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from orchestrator.model.hardware import HardwareProfile, Server
from orchestrator.model.inventory import (
    Comparison,
    Disk,
    Interface,
    Inventory,
    ProfileSum,
    ServerReport,
    Unknown,
)
from orchestrator.model.verdict import Verdict

OF_ONE_SERVER = frozenset({"serial", "macs"})
"""Facts that no two servers share: they are not summed by their value."""


def compare(server: Server, profile: HardwareProfile, told: Inventory) -> tuple[Comparison, ...]:
    """Return every declared fact with its verdict."""
    return (
        _words("vendor", profile.vendor, told.manufacturer),
        _words("model", profile.model, told.model),
        _same("serial", server.serial, told.serial),
        _same("cpu_threads", profile.cpu_threads, told.threads),
        _memory(profile.memory_gib, told.memory_gib),
        _disks(profile.disk_gib, told.disks),
        _macs(server, told.nics),
        *_bios(profile, told),
    )


def compare_factory_logins(users: tuple[str, ...] | Unknown) -> Comparison:
    """Return the verdict on the logins that a BMC left the factory with: none may open it."""
    found: str | Unknown = users if isinstance(users, Unknown) else ", ".join(users)
    if not isinstance(found, Unknown):
        found = f"taken: {found}" if found else "refused"
    return _same("factory_login", "refused", found)


def sum_by_profile(reports: Sequence[ServerReport]) -> tuple[ProfileSum, ...]:
    """Return each difference once per profile, with the servers that share it."""
    groups: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for report in reports:
        for one in report.differences:
            own = one.fact in OF_ONE_SERVER
            values = ("each its own", "another") if own else (one.declared, one.found)
            groups[report.profile, one.fact, *values].append(report.server)
    return tuple(
        ProfileSum(profile=profile, fact=fact, declared=want, found=found, servers=tuple(servers))
        for (profile, fact, want, found), servers in sorted(groups.items())
    )


def _same(fact: str, declared: str | int, found: str | int | Unknown) -> Comparison:
    return _judged(fact, str(declared), found, fits=found == declared)


def _words(fact: str, declared: str, found: str | Unknown) -> Comparison:
    """Compare names as people write them: `Inspur` and `INSPUR Inc.` are one vendor.

    All words of the shorter one must stand in the longer one.
    """
    if isinstance(found, Unknown):
        return _judged(fact, declared, found, fits=False)
    ours, theirs = set(declared.lower().split()), set(found.lower().split())
    return _judged(fact, declared, found, fits=ours <= theirs or theirs <= ours)


def _memory(declared_gib: int, found_gib: float | Unknown) -> Comparison:
    """Compare memory to the whole GiB: BMCs tell it with and without what the chipset keeps."""
    if isinstance(found_gib, Unknown):
        return _judged("memory_gib", str(declared_gib), found_gib, fits=False)
    return _judged(
        "memory_gib", str(declared_gib), f"{found_gib:g}", fits=round(found_gib) == declared_gib
    )


def _disks(declared_gib: int, found: tuple[Disk, ...] | Unknown) -> Comparison:
    """Compare raw capacity with declared usable capacity: it must be at least as much.

    What a RAID takes of it is not seen from the BMC's list of drives.
    """
    fact, declared = "disk_gib", f"{declared_gib} usable"
    if isinstance(found, Unknown):
        return _judged(fact, declared, found, fits=False)
    raw = 0.0
    for disk in found:
        if isinstance(disk.capacity_gib, Unknown):
            reason = Unknown(f"{disk.name}: {disk.capacity_gib.reason}")
            return _judged(fact, declared, reason, fits=False)
        raw += disk.capacity_gib
    return _judged(fact, declared, f"{raw:g} raw", fits=raw >= declared_gib)


def _macs(server: Server, found: tuple[Interface, ...] | Unknown) -> Comparison:
    """Require every declared MAC; a server may have more interfaces than cables."""
    declared = [nic.mac for nic in server.nics]
    shown = ", ".join(declared)
    if isinstance(found, Unknown):
        return _judged("macs", shown, found, fits=False)
    there = [nic.mac for nic in found]
    return _judged("macs", shown, ", ".join(there) or "none", fits=set(declared) <= set(there))


def _bios(profile: HardwareProfile, told: Inventory) -> Iterator[Comparison]:
    for name, declared in sorted(profile.bios.items()):
        if isinstance(told.bios, Unknown):
            found: str | Unknown = told.bios
        else:
            found = told.bios.get(name, Unknown("the BIOS has no such attribute"))
        yield _same(f"bios.{name}", declared, found)


def _judged(fact: str, declared: str, found: object, *, fits: bool) -> Comparison:
    if isinstance(found, Unknown):
        return Comparison(fact=fact, declared=declared, found=found.reason, verdict=Verdict.UNKNOWN)
    verdict = Verdict.PASS if fits else Verdict.FAIL
    return Comparison(fact=fact, declared=declared, found=str(found), verdict=verdict)
