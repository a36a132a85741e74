"""What network devices run and BMCs are set to, read anew before the site's records are copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestrator.errors import OrchestratorError
from orchestrator.model.hardware import Server
from orchestrator.model.inventory import Inventory, Unknown
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.backup_settings import SettingsRead, as_text, settings_of
from orchestrator.ports import Clock
from orchestrator.ports.backup_settings import SettingsRecords
from orchestrator.ports.bmc import Bmcs
from orchestrator.ports.device import NetworkDevices
from orchestrator.workflows.network_devices import named_devices

ASKED_AT_ONCE = 8
SUMMARY = "summary.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsPorts:
    """Everything that a reading needs from outside."""

    devices: NetworkDevices
    bmcs: Bmcs
    records: SettingsRecords
    clock: Clock


def read_settings(site: Site, ports: SettingsPorts) -> SettingsRead:
    """Read every device and BMC of a site, and keep what they told.

    Of one that does not answer the last reading stays, and the summary says that it is not of now.

    Raises:
        StateError: nothing can be kept.
    """
    read: list[str] = []
    unknown: dict[str, str] = {}
    for name, reason in (*_devices(site, ports), *_bmcs(site.hardware.servers, ports)):
        if reason:
            unknown[name] = reason
        else:
            read.append(name)
    summary: dict[str, Json] = {
        "read_at": ports.clock.now().isoformat(),
        "read": [*read],
        "unknown": {**unknown},
    }
    ports.records.keep(SUMMARY, as_text(summary))
    return SettingsRead(read=tuple(read), unknown=unknown)


def _devices(site: Site, ports: SettingsPorts) -> Iterator[tuple[str, str]]:
    """Keep what devices run; return each with why it is unknown, or nothing.

    The state folder keeps the whole text, as `network backup` does; a reading is without secrets.
    """
    devices = named_devices(site, today=ports.clock.now().date())
    for answer in ports.devices.read(devices, keep=True) if devices else ():
        reason = answer.fault
        if not reason:
            ports.records.keep(f"devices/{answer.name}.txt", ports.devices.backup_text(answer.kept))
        yield f"device {answer.name}", reason


def _bmcs(servers: Sequence[Server], ports: SettingsPorts) -> Iterator[tuple[str, str]]:
    def ask(server: Server) -> Inventory | str:
        try:
            return ports.bmcs.inventory(server, whole=True)
        except OrchestratorError as error:
            # Silent, busy, or its password is missing: in each case nothing is known of it.
            return error.message

    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="bmc") as pool:
        for server, told in zip(servers, pool.map(ask, servers), strict=True):
            name = f"BMC of {server.name}"
            if isinstance(told, str):
                yield name, told
                continue
            ports.records.keep(f"bmc/{server.name}.json", as_text(settings_of(told)))
            yield name, told.bios.reason if isinstance(told.bios, Unknown) else ""
