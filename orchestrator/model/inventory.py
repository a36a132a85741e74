"""What a server is made of, as its BMC tells it, and how that compares with what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be observed, and why. Never to be read as zero, or as well."""

    reason: str


class PowerState(StrEnum):
    """Whether a server is switched on."""

    ON = "on"
    OFF = "off"
    CHANGING = "changing"


class PowerAct(StrEnum):
    """What may be done to a server's power."""

    ON = "on"
    OFF = "off"
    CYCLE = "cycle"


class BootDevice(StrEnum):
    """What a server may be told to boot from, once."""

    PXE = "pxe"
    CD = "cd"
    DISK = "disk"


class BmcFault(StrEnum):
    """Why a BMC told nothing, or did nothing."""

    UNREACHABLE = "unreachable"
    BUSY = "busy"
    LOGIN_REFUSED = "login refused"
    PASSWORD_CHANGE_REQUIRED = "password change required"  # noqa: S105 - a name, not a password
    CERTIFICATE_CHANGED = "certificate changed"
    BAD_ANSWER = "bad answer"
    REFUSED = "refused"

    @property
    def ends_conversation(self) -> bool:
        """Say whether nothing more can be asked of the BMC."""
        return self not in {BmcFault.BAD_ANSWER, BmcFault.REFUSED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """One drive."""

    name: str
    capacity_gib: float | Unknown
    model: str = ""
    serial: str = ""
    health: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """One network interface; the MAC is in lower case with colons."""

    name: str
    mac: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Firmware:
    """One piece of firmware."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """Everything that one BMC told about its server."""

    manufacturer: str | Unknown
    model: str | Unknown
    serial: str | Unknown
    uuid: str | Unknown
    bios_version: str | Unknown
    bmc_model: str | Unknown
    bmc_version: str | Unknown
    power: PowerState | Unknown
    indicator_lit: bool | Unknown
    health: str | Unknown
    processors: int | Unknown
    processor_model: str | Unknown
    threads: int | Unknown
    memory_gib: float | Unknown
    inlet_celsius: float | Unknown
    disks: tuple[Disk, ...] | Unknown
    nics: tuple[Interface, ...] | Unknown
    firmware: tuple[Firmware, ...] | Unknown
    bios: Mapping[str, str] | Unknown
    quirks: tuple[str, ...] = ()
    """Names of the vendor profiles that apply to the BMC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One fact of one server, declared and found."""

    fact: str
    declared: str
    found: str
    """The value, or why there is none."""
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """Why nothing is known of a server, and what to do."""

    fault: BmcFault
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerReport:
    """One server of a sweep: what its BMC told, or why it told nothing."""

    server: str
    profile: str
    region: str
    told: Inventory | Silence
    comparisons: tuple[Comparison, ...] = ()

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """Return the facts that are not as declared."""
        return tuple(one for one in self.comparisons if one.verdict is Verdict.FAIL)

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict; a server that told nothing is unknown."""
        verdicts = {one.verdict for one in self.comparisons}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        if Verdict.UNKNOWN in verdicts or isinstance(self.told, Silence):
            return Verdict.UNKNOWN
        return Verdict.PASS


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSum:
    """One difference that servers of one profile share."""

    profile: str
    fact: str
    declared: str
    found: str
    servers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What all asked BMCs told."""

    site: str
    reports: tuple[ServerReport, ...]
    seconds: float = field(compare=False)

    @property
    def silent(self) -> tuple[ServerReport, ...]:
        """Return the servers that told nothing."""
        return tuple(one for one in self.reports if isinstance(one.told, Silence))

    def count(self, verdict: Verdict) -> int:
        """Return how many servers have this verdict."""
        return sum(one.verdict is verdict for one in self.reports)
