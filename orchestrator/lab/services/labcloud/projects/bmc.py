"""The servers' BMCs: sushy-tools' Redfish emulator with its fake driver.

One process serves all of them. Each BMC knows only its own user and password, and its power, boot
and media settings outlive a restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import mimetypes
from collections.abc import Iterable
from pathlib import Path

from labcloud import hosted_machines
from labcloud.bmc_boards import Boards
from labcloud.bmc_driver import declare, install
from labcloud.bmc_settings import KeptSettings
from labcloud.bmc_updates import Updates
from labcloud.hosts import Hosts
from labcloud.settings import ServiceSettings
from labcloud.wsgi import App, Environ, StartResponse, respond

OPEN_PATHS = frozenset({"", "redfish", "redfish/v1"})
"""Redfish shows its root without a login."""

FILES = "/_files/"
"""Where the emulated machines fetch their virtual media from."""

CHUNK_BYTES = 1 << 16

PARTS = (
    "systems", "managers", "chassis", "indicators", "vmedia", "storage", "drives", "volumes",
)  # fmt: skip
"""What the emulator builds lazily."""


def build(settings: ServiceSettings) -> App:
    """Return the emulator, behind its logins and beside the files."""
    declared = json.loads((settings.config / "bmcs.json").read_text())
    install(float(settings.options["power_delay_seconds"]))
    hosted_machines.install(Hosts(settings))
    from sushy_tools.emulator import main as emulator

    emulator.app.config.update(
        SUSHY_EMULATOR_FAKE_DRIVER=True,
        SUSHY_EMULATOR_STATE_DIR=str(settings.options["state"]),
        SUSHY_EMULATOR_FEATURE_SET="full",
        **declare(declared["systems"]),
    )
    # Built now, by one thread: the emulator would build them in the first request that needs
    # them, and once more in every other request that arrives meanwhile.
    for part in PARTS:
        getattr(emulator.app, part)
    machines = emulator.app.systems
    boards = Boards(
        emulator.app,
        declared["systems"],
        kept=machines.get_kept,
        firmware=machines.get_firmware,
    )
    updates = Updates(KeptSettings(boards, machines), machines)
    logins = Logins(updates, declared["logins"], declared["salt"])
    return Files(logins, Path(str(settings.options["files"])))


class Logins:
    """Basic authentication, each BMC with its own user and password."""

    def __init__(self, app: App, logins: dict[str, str], salt: str) -> None:
        """Take the salted hashes by system id."""
        self._app = app
        self._logins = logins
        self._all = frozenset(logins.values())
        self._salt = salt

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on if its login fits the BMC that it speaks to."""
        path = environ["PATH_INFO"].strip("/")
        if path in OPEN_PATHS or self._may(path, environ.get("HTTP_AUTHORIZATION", "")):
            return self._app(environ, start_response)
        body = b'{"error": {"code": "Base.1.0.GeneralError", "message": "wrong user or password"}}'
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("WWW-Authenticate", 'Basic realm="BMC"'),
        ]
        start_response("401 Unauthorized", headers)
        return [body]

    def _may(self, path: str, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            login = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        given = hashlib.sha256(self._salt.encode() + login).hexdigest()
        # redfish/v1/Systems/ID/... and redfish/v1/Managers/ID belong to one BMC.
        parts = path.split("/")
        own = self._logins.get(parts[3]) if len(parts) > 3 else None
        return given in self._all if own is None else given == own


class Files:
    """Static files for virtual media; everything else goes on to the emulator."""

    def __init__(self, app: App, folder: Path) -> None:
        """Serve the files of a folder."""
        self._app = app
        self._folder = folder.resolve()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        path = environ["PATH_INFO"]
        if not path.startswith(FILES):
            return self._app(environ, start_response)
        file = (self._folder / path.removeprefix(FILES)).resolve()
        if not (file.is_relative_to(self._folder) and file.is_file()):
            return respond(start_response, "404 Not Found")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = [("Content-Type", kind), ("Content-Length", str(file.stat().st_size))]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else _chunks(file)


def _chunks(file: Path) -> Iterable[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
