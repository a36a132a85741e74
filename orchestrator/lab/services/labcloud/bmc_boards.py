"""What a real BMC tells besides what the emulator does: who made the server, its serial, its inlet.

The emulator has one chassis for all machines; here each has its own, so that reading one server
does not cost a list of all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from labcloud.wsgi import App, Environ, StartResponse

Resource = dict[str, Any]
Kept = Callable[[str], tuple[str, list[str]]]
Firmware = Callable[[str], dict[str, str]]

BMC_MODEL = "Lab BMC"
BMC_VERSION = "7.10.30"
"""Ironic takes virtual media from a Dell BMC of 6 or 7 only."""

BIOS_VERSION = "1.10"
INLET_CELSIUS = 22


class Boards:
    """Fills in the emulator's answers about systems and managers, and serves their chassis."""

    def __init__(
        self, app: App, machines: list[Resource], *, kept: Kept, firmware: Firmware
    ) -> None:
        """Take the machines, and what tells their asset tag and boot order, and their firmware."""
        self._app = app
        self._firmware = firmware
        self._kept = kept
        self._machines = {machine["uuid"]: machine for machine in machines}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        parts = environ["PATH_INFO"].strip("/").split("/")
        machine = self._machines.get(parts[3]) if len(parts) > 3 else None
        if machine is None or environ["REQUEST_METHOD"] != "GET":
            return self._app(environ, start_response)
        if parts[2] == "Chassis":
            made = _chassis(machine) if len(parts) == 4 else _thermal(machine)
            return _send(start_response, "200 OK", made)
        fill = {"Systems": self._fill_system, "Managers": self._fill_manager}.get(parts[2])
        if fill is None or len(parts) > 4:
            return self._app(environ, start_response)
        return self._filled(environ, start_response, lambda resource: fill(resource, machine))

    def _filled(
        self,
        environ: Environ,
        start_response: StartResponse,
        fill: Callable[[Resource], None],
    ) -> Iterable[bytes]:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            told.append((status, headers))

        body = b"".join(self._app(environ, keep))
        status, headers = told[-1]
        if not status.startswith("200"):
            start_response(status, headers)
            return [body]
        resource = json.loads(body)
        fill(resource)
        return _send(start_response, status, resource)

    def _fill_system(self, system: Resource, machine: Resource) -> None:
        _fill_system(system, machine)
        system["BiosVersion"] = self._firmware(machine["uuid"]).get("BIOS", BIOS_VERSION)
        system["AssetTag"], order = self._kept(machine["uuid"])
        options = {"@odata.id": f"/redfish/v1/Systems/{machine['uuid']}/BootOptions"}
        system.setdefault("Boot", {}).update(BootOrder=order, BootOptions=options)

    def _fill_manager(self, manager: Resource, machine: Resource) -> None:
        manager["Model"] = BMC_MODEL
        manager["FirmwareVersion"] = self._firmware(machine["uuid"]).get("BMC", BMC_VERSION)


def _fill_system(system: Resource, machine: Resource) -> None:
    system["Manufacturer"] = machine["vendor"]
    system["Model"] = machine["model"]
    system["SerialNumber"] = machine["serial"]
    summary = system.setdefault("ProcessorSummary", {})
    summary["Count"] = 2
    summary["Model"] = "Lab CPU"
    summary["LogicalProcessorCount"] = machine["cpu_threads"]
    links = system.setdefault("Links", {})
    links["Chassis"] = [{"@odata.id": f"/redfish/v1/Chassis/{machine['uuid']}"}]


def _chassis(machine: Resource) -> Resource:
    path = f"/redfish/v1/Chassis/{machine['uuid']}"
    system = {"@odata.id": f"/redfish/v1/Systems/{machine['uuid']}"}
    return {
        "@odata.id": path,
        "@odata.type": "#Chassis.v1_5_0.Chassis",
        "Id": machine["uuid"],
        "Name": machine["name"],
        "ChassisType": "RackMount",
        "Manufacturer": machine["vendor"],
        "SerialNumber": machine["serial"],
        "Thermal": {"@odata.id": f"{path}/Thermal"},
        "Links": {"ComputerSystems": [system]},
        "Status": {"State": "Enabled", "Health": "OK"},
    }


def _thermal(machine: Resource) -> Resource:
    intake = {
        "MemberId": "0",
        "Name": "Inlet",
        "PhysicalContext": "Intake",
        "ReadingCelsius": INLET_CELSIUS,
        "Status": {"State": "Enabled", "Health": "OK"},
    }
    path = f"/redfish/v1/Chassis/{machine['uuid']}/Thermal"
    return {"@odata.id": path, "Id": "Thermal", "Name": "Thermal", "Temperatures": [intake]}


def _send(start_response: StartResponse, status: str, resource: Resource) -> list[bytes]:
    body = json.dumps(resource).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
