"""Read a server's inventory: few calls, each fact known or unknown with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from orchestrator.errors import BmcError
from orchestrator.model.inventory import (
    Disk,
    Firmware,
    Interface,
    Inventory,
    PowerState,
    Unknown,
)
from orchestrator.providers.redfish.answers import Resource
from orchestrator.providers.redfish.client import Conversation
from orchestrator.providers.redfish.thermal import inlet_celsius

Fact = TypeVar("Fact")

POWER = {
    "On": PowerState.ON,
    "Off": PowerState.OFF,
    "PoweringOn": PowerState.CHANGING,
    "PoweringOff": PowerState.CHANGING,
}


def read_inventory(talk: Conversation, system: Resource, *, whole: bool) -> Inventory:
    """Return what the BMC tells of one system; `whole` adds all firmware and the BIOS attributes.

    A part that cannot be read is unknown, and the rest goes on; what makes the whole BMC silent
    (no connection, a refused login) is raised.
    """
    summary = _mapping(system.get("ProcessorSummary"))
    memory = _mapping(system.get("MemorySummary"))
    power = power_of(system)
    manager = _part(lambda: _linked(talk, system, "ManagedBy"), "manager")
    chassis = _part(lambda: _linked(talk, system, "Chassis"), "chassis")
    bios_version = text(system.get("BiosVersion"))
    bmc_version = manager if isinstance(manager, Unknown) else text(manager.get("FirmwareVersion"))
    return Inventory(
        manufacturer=text(system.get("Manufacturer")),
        model=text(system.get("Model")),
        serial=text(system.get("SerialNumber")),
        uuid=text(system.get("UUID")),
        bios_version=bios_version,
        bmc_model=manager if isinstance(manager, Unknown) else text(manager.get("Model")),
        bmc_version=bmc_version,
        power=power,
        indicator_lit=indicator_of(system),
        health=text(_mapping(system.get("Status")).get("Health")),
        processors=_whole(summary.get("Count")),
        processor_model=text(summary.get("Model")),
        threads=_threads(talk, system, summary),
        memory_gib=_number(memory.get("TotalSystemMemoryGiB")),
        inlet_celsius=_part(lambda: inlet_celsius(talk, chassis, power), "thermal sensors"),
        disks=_part(lambda: _disks(talk, system), "disks"),
        nics=_part(lambda: _nics(talk, system), "network interfaces"),
        firmware=_part(lambda: _all_firmware(talk), "firmware")
        if whole
        else _main_firmware(bios_version, bmc_version),
        bios=_part(lambda: bios_attributes(talk, system), "BIOS attributes")
        if whole
        else Unknown("not asked for"),
        quirks=talk.profile.names,
    )


def power_of(system: Resource) -> PowerState | Unknown:
    """Return the power state of a system."""
    told = system.get("PowerState")
    return POWER.get(str(told), Unknown(f"the BMC says {told!r}"))


def indicator_of(system: Resource) -> bool | Unknown:
    """Return whether the lamp is lit: the newer property first, then the deprecated one."""
    active = system.get("LocationIndicatorActive")
    if isinstance(active, bool):
        return active
    led = system.get("IndicatorLED")
    return led in {"Lit", "Blinking"} if isinstance(led, str) else Unknown("not told")


def bios_attributes(talk: Conversation, system: Resource) -> Mapping[str, str] | Unknown:
    """Return the BIOS attributes as texts."""
    if not system.get("Bios"):
        return Unknown("not told")
    attributes = _mapping(talk.follow(system["Bios"]).get("Attributes"))
    return {name: attribute_text(value) for name, value in attributes.items()}


def attribute_text(value: object) -> str:
    """Return a BIOS attribute as it is declared: JSON's words for truth values, digits."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def text(value: object) -> str | Unknown:
    """Return a text, or unknown for null, blank and the fillers of unprogrammed boards."""
    if not isinstance(value, str) or not value.strip():
        return Unknown("not told")
    if value.strip().lower() in {"to be filled by o.e.m.", "default string", "n/a", "null"}:
        return Unknown(f"the board says `{value.strip()}`")
    return value.strip()


def _threads(talk: Conversation, system: Resource, summary: Resource) -> int | Unknown:
    logical = _whole(summary.get("LogicalProcessorCount"))
    if not isinstance(logical, Unknown) or not system.get("Processors"):
        return logical

    def count() -> int | Unknown:
        counts = [_whole(one.get("TotalThreads")) for one in talk.members(system["Processors"])]
        known = [one for one in counts if not isinstance(one, Unknown)]
        whole = known and len(known) == len(counts)
        return sum(known) if whole else Unknown("not told of every processor")

    return _part(count, "processors")


def _nics(talk: Conversation, system: Resource) -> tuple[Interface, ...] | Unknown:
    if not system.get("EthernetInterfaces"):
        return Unknown("not told")
    found = []
    for one in talk.members(system["EthernetInterfaces"]):
        # The burnt-in address is the one on the label; a bond or the OS may set the other.
        mac = text(one.get("PermanentMACAddress") or one.get("MACAddress"))
        if not isinstance(mac, Unknown):
            found.append(Interface(name=str(one.get("Id", "")), mac=_mac(mac)))
    return tuple(found)


def _disks(talk: Conversation, system: Resource) -> tuple[Disk, ...] | Unknown:
    if system.get("Storage"):
        controllers = talk.members(system["Storage"], levels=2)
        drives = [talk.follow(drive) for one in controllers for drive in one.get("Drives") or ()]
        if drives or not system.get("SimpleStorage"):
            return tuple(_disk(drive) for drive in drives if _is_there(drive))
    if not system.get("SimpleStorage"):
        return Unknown("not told")
    simple = talk.members(system["SimpleStorage"])
    devices = [device for one in simple for device in one.get("Devices") or ()]
    return tuple(_disk(device) for device in devices if _is_there(device))


def _disk(drive: Resource) -> Disk:
    size = _number(drive.get("CapacityBytes"))
    return Disk(
        name=str(drive.get("Name") or drive.get("Id") or ""),
        capacity_gib=size if isinstance(size, Unknown) else round(size / (1 << 30), 1),
        model=str(drive.get("Model") or ""),
        serial=str(drive.get("SerialNumber") or ""),
        health=str(_mapping(drive.get("Status")).get("Health") or ""),
    )


def _all_firmware(talk: Conversation) -> tuple[Firmware, ...] | Unknown:
    if not talk.root.get("UpdateService"):
        return Unknown("not told")
    service = talk.follow(talk.root["UpdateService"])
    if not service.get("FirmwareInventory"):
        return Unknown("not told")
    return tuple(
        Firmware(name=str(one.get("Name") or one.get("Id")), version=str(one.get("Version") or ""))
        for one in talk.members(service["FirmwareInventory"])
    )


def _main_firmware(bios: str | Unknown, bmc: str | Unknown) -> tuple[Firmware, ...] | Unknown:
    known = (("BIOS", bios), ("BMC", bmc))
    found = [Firmware(name=n, version=v) for n, v in known if not isinstance(v, Unknown)]
    return tuple(found) if found else Unknown("not told")


def _linked(talk: Conversation, system: Resource, name: str) -> Resource | Unknown:
    references = _mapping(system.get("Links")).get(name) or ()
    return talk.follow(references[0]) if references else Unknown("not linked")


def _part(read: Callable[[], Fact | Unknown], what: str) -> Fact | Unknown:
    """Read one part; what the BMC cannot tell of it is unknown, with its own answer as reason."""
    try:
        return read()
    except BmcError as error:
        if error.fault.ends_conversation:
            raise
        return Unknown(f"{what}: {error.message}")


def _is_there(thing: Resource) -> bool:
    return _mapping(thing.get("Status")).get("State") != "Absent"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: object) -> int | Unknown:
    number = _number(value)
    return number if isinstance(number, Unknown) else int(number)


def _number(value: object) -> float | Unknown:
    """Return a number above zero: BMCs say 0 where they do not know."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return Unknown("not told" if value is None else f"the BMC says {value!r}")
    return value


def _mac(told: str) -> str:
    digits = "".join(c for c in told.lower() if c in "0123456789abcdef")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if len(digits) == 12 else told
