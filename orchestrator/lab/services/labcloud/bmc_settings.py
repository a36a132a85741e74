"""What a real BMC keeps and the emulator does not: asset tag, boot order, BIOS settings that wait.

A BIOS takes new attributes at the next restart; until then they stand in its settings object.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from labcloud.bmc_driver import BOOT_OPTIONS, LabMachines
from labcloud.wsgi import App, Environ, StartResponse

SYSTEM_PARTS = 4
"""redfish/v1/Systems/ID"""


class KeptSettings:
    """Answers for what is kept; everything else goes on to the emulator."""

    def __init__(self, app: App, machines: LabMachines) -> None:
        """Take the machines, which remember it."""
        self._app = app
        self._machines = machines

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        parts = environ["PATH_INFO"].strip("/").split("/")
        if len(parts) < SYSTEM_PARTS or parts[2] != "Systems":
            return self._app(environ, start_response)
        identity, rest = parts[3], parts[SYSTEM_PARTS:]
        if environ["REQUEST_METHOD"] == "GET" and rest == ["BIOS", "Settings"]:
            return _send(start_response, self._bios_settings(identity))
        if environ["REQUEST_METHOD"] == "GET" and rest[:1] == ["BootOptions"]:
            return _send(start_response, _boot_options(environ["PATH_INFO"], rest[1:]))
        if environ["REQUEST_METHOD"] == "PATCH" and not rest:
            return self._patch(identity, environ, start_response)
        return self._app(environ, start_response)

    def _bios_settings(self, identity: str) -> dict[str, Any]:
        later = self._machines.get_bios(identity) | self._machines.get_bios_later(identity)
        path = f"/redfish/v1/Systems/{identity}/BIOS/Settings"
        return {"@odata.id": path, "Id": "Settings", "Name": "BIOS", "Attributes": later}

    def _patch(
        self, identity: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        sent = json.loads(body)
        order = (sent.get("Boot") or {}).get("BootOrder")
        if "AssetTag" in sent:
            self._machines.keep(identity, asset_tag=str(sent["AssetTag"]))
        elif order is not None and set(order) == set(BOOT_OPTIONS):
            self._machines.keep(identity, boot_order=order)
        else:
            return self._app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        start_response("204 No Content", [("Content-Length", "0")])
        return []


def _boot_options(path: str, rest: list[str]) -> dict[str, Any]:
    path = path.rstrip("/")
    if not rest:
        members = [{"@odata.id": f"{path}/{name}"} for name in BOOT_OPTIONS]
        return {"@odata.id": path, "Name": "Boot options", "Members": members}
    name = rest[0]
    option = {"Id": name, "Name": name, "BootOptionReference": name}
    return {"@odata.id": path, **option, "Alias": BOOT_OPTIONS.get(name)}


def _send(start_response: StartResponse, resource: dict[str, Any]) -> list[bytes]:
    body = json.dumps(resource).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
