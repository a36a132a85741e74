"""The emulated machines behind the BMCs: what they are made of and what they remember."""

from __future__ import annotations

import pickle
import sqlite3
import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from sushy_tools.emulator import memoize
from sushy_tools.emulator.resources.systems import fakedriver

System = dict[str, Any]
"""A machine: `uuid`, `name`, `nics`, `cpu_threads`, `memory_gib`, `disk_gib` and its state."""

REMEMBERED = frozenset({"power_state", "pending_power", "boot_device", "boot_mode", "boot_image",
                        "secure_boot", "bios", "bios_later", "asset_tag",
                        "boot_order", "firmware", "firmware_later"})  # fmt: skip
"""What a machine keeps when the site is declared anew; the rest is what the site says."""

BIOS_DEFAULTS: dict[str, object] = {
    "AcPwrRcvryUserDelay": 60,
    "BootMode": "Uefi",
    "LogicalProc": "Enabled",
    "ProcTurboMode": "Enabled",
    "ProcVirtualization": "Enabled",
    "SriovGlobalEnable": "Disabled",
}
"""Names as Dell's BIOS has them; every machine of the lab answers to them."""

BOOT_OPTIONS = {"Boot0001": "Hdd", "Boot0002": "Pxe", "Boot0003": "Cd"}

CONTROLLER = "1"
"""Id of the one storage controller."""


def install(power_delay_seconds: float) -> None:
    """Make the emulator use this module's store and driver; call before its first request."""
    memoize.PersistentDict = StoredDict
    fakedriver.FakeDriver = LabMachines
    fakedriver.random = _FixedDelay(power_delay_seconds)


def declare(systems: list[System]) -> dict[str, object]:
    """Return the emulator's settings for these machines.

    Drives and (no) volumes are given too: the emulator answers 500 where it has no data, and sushy
    repeats a 500 ten times, three seconds apart.
    """
    ids = [system["uuid"] for system in systems]
    controller = {"MemberId": "0", "Name": "RAID", "SpeedGbps": 12}
    storage = {"Id": CONTROLLER, "Name": "Local storage", "Drives": ["disk1"]}
    storage["StorageControllers"] = [controller]
    return {
        "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
        "SUSHY_EMULATOR_STORAGE": {uuid: [storage] for uuid in ids},
        "SUSHY_EMULATOR_VOLUMES": {(uuid, CONTROLLER): [] for uuid in ids},
        "SUSHY_EMULATOR_DRIVES": {
            (system["uuid"], CONTROLLER): [_drive(system["disk_gib"])] for system in systems
        },
    }


def _drive(gib: int) -> dict[str, object]:
    return {"Id": "disk1", "Name": "Drive 1", "CapacityBytes": gib << 30, "Protocol": "SAS"}


class StoredDict(MutableMapping[Any, Any]):
    """A dictionary in memory that is written through to a file.

    It stands in for the emulator's PersistentDict, which opens its SQLite file for every access:
    with hundreds of machines that was most of the emulator's time. Values go in and come out as
    copies, as there.
    """

    def __init__(self) -> None:
        """Begin empty and in memory only."""
        self._values: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None

    def make_permanent(self, folder: str, name: str) -> None:
        """Read what the file holds, and write there from now on."""
        file = sqlite3.connect(Path(folder, f"{name}.sqlite"), check_same_thread=False)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=OFF")
        file.execute("CREATE TABLE IF NOT EXISTS cache (key BLOB PRIMARY KEY, value BLOB)")
        file.commit()
        self._file = file
        self._values = dict(file.execute("SELECT key, value FROM cache"))

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401 - whatever was put in
        """Return a copy of the value."""
        try:
            return pickle.loads(self._values[pickle.dumps(key)])  # noqa: S301 - our own file
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: object, value: object) -> None:
        """Put a value in, and write it."""
        packed_key, packed = pickle.dumps(key), pickle.dumps(value)
        with self._lock:
            self._values[packed_key] = packed
            self._write("INSERT OR REPLACE INTO cache VALUES (?, ?)", packed_key, packed)

    def __delitem__(self, key: object) -> None:
        """Take a value out, and write that."""
        packed_key = pickle.dumps(key)
        with self._lock:
            if packed_key not in self._values:
                raise KeyError(key)
            del self._values[packed_key]
            self._write("DELETE FROM cache WHERE key = ?", packed_key)

    def __iter__(self) -> Iterator[Any]:
        """Go through a snapshot of the keys."""
        with self._lock:
            keys = list(self._values)
        return (pickle.loads(key) for key in keys)  # noqa: S301 - our own file

    def __len__(self) -> int:
        """Count the values."""
        return len(self._values)

    def _write(self, statement: str, *values: bytes) -> None:
        if self._file is not None:
            self._file.execute(statement, values)
            self._file.commit()


class LabMachines(fakedriver.FakeDriver):
    """The emulator's fake machines, with an inventory that Ironic can inspect."""

    def __init__(self) -> None:
        """Take the machines of the site; those that were known keep their state."""
        store = StoredDict()
        store.make_permanent(self._config["SUSHY_EMULATOR_STATE_DIR"], "fakedriver")
        declared = {
            system["uuid"]: system for system in self._config["SUSHY_EMULATOR_FAKE_SYSTEMS"]
        }
        for uuid in set(store) - set(declared):
            del store[uuid]
        for uuid, system in declared.items():
            known = store.get(uuid, {})
            kept = {key: value for key, value in known.items() if key in REMEMBERED}
            if known != system | kept:
                store[uuid] = system | kept
        self._systems = store
        self._by_name = {system["name"]: uuid for uuid, system in declared.items()}

    def get_total_memory(self, identity: str) -> int:
        """Return the memory in GiB."""
        return int(self._get(identity)["memory_gib"])

    def get_total_cpus(self, identity: str) -> int:
        """Return the CPU threads."""
        return int(self._get(identity)["cpu_threads"])

    def get_processors(self, identity: str) -> list[dict[str, str]]:
        """Return two sockets that share the threads."""
        threads = self.get_total_cpus(identity) // 2
        socket = {"model": "Lab CPU", "vendor": "Lab", "cores": str(threads // 2)}
        socket["threads"] = str(threads)
        return [socket | {"id": f"CPU{n}", "socket": f"CPU {n}"} for n in range(2)]

    def get_simple_storage_collection(self, identity: str) -> dict[str, object]:
        """Return one controller with one disk."""
        disk = {"Name": "sda", "CapacityBytes": self._get(identity)["disk_gib"] << 30}
        return {"sata": {"Id": "sata", "Name": "sata", "DeviceList": [disk]}}

    def get_bios(self, identity: str) -> dict[str, object]:
        """Return the BIOS attributes."""
        return self._get(identity).get("bios") or BIOS_DEFAULTS

    def set_bios(self, identity: str, attributes: dict[str, object]) -> None:
        """Note BIOS attributes for the next time the machine is switched on."""
        self._update(identity, bios_later=self.get_bios_later(identity) | attributes)

    def get_bios_later(self, identity: str) -> dict[str, object]:
        """Return the BIOS attributes that wait for the next restart."""
        return self._get(identity).get("bios_later") or {}

    def reset_bios(self, identity: str) -> None:
        """Go back to the defaults."""
        self._update(identity, bios=None, bios_later=None)

    def get_kept(self, identity: str) -> tuple[str, list[str]]:
        """Return the asset tag and the boot order."""
        machine = self._get(identity)
        return machine.get("asset_tag", ""), machine.get("boot_order") or [*BOOT_OPTIONS]

    def get_firmware(self, identity: str) -> dict[str, str]:
        """Return the firmware that was brought by updates, by component."""
        return self._get(identity).get("firmware") or {}

    def take_firmware(self, identity: str, component: str, version: str) -> None:
        """Take firmware: a BMC's own at once, a BIOS when the machine is next switched on."""
        kind = "firmware_later" if component == "BIOS" else "firmware"
        known = self._get(identity).get(kind) or {}
        self._update(identity, **{kind: known | {component: version}})

    def keep(self, identity: str, **values: object) -> None:
        """Keep an `asset_tag` or a `boot_order`."""
        self._update(identity, **values)

    def _update(self, system: System | str, **changes: object) -> None:
        """Change a machine; one that is switched on takes up what waits for that."""
        if changes.get("power_state") == "On" and isinstance(system, dict):
            if later := system.get("firmware_later"):
                firmware = (system.get("firmware") or {}) | later
                changes |= {"firmware": firmware, "firmware_later": None}
            if waiting := system.get("bios_later"):
                bios = (system.get("bios") or BIOS_DEFAULTS) | waiting
                changes |= {"bios": bios, "bios_later": None}
        super()._update(system, **changes)


class _FixedDelay:
    """Stands in for the `random` of the fake driver, which draws 1 to 11 s for a power change."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def randint(self, low: int, high: int) -> float:
        return self._seconds
