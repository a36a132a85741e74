"""What a lab remembers between commands: its ports and passwords, in lab.json."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import LabError
from orchestrator.lab.settings import HOST, SERVICES, LabSettings
from orchestrator.model.units import Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class LabRecord:
    """The ports and passwords of one lab; chosen once."""

    ports: Mapping[str, int]
    password: Secret
    """Of the administrator and of the services."""
    salt: str
    """Goes into the hashes of the BMCs' logins."""

    def url(self, service: str) -> str:
        """Return where a service listens."""
        return f"http://{HOST}:{self.ports[service]}"


def read_record(settings: LabSettings) -> LabRecord | None:
    """Return the lab's record, or None where no lab was made here yet."""
    raw = read_private(settings.record)
    if raw is None:
        return None
    missing = tuple(service for service in SERVICES if service not in raw["ports"])
    if missing:
        # The lab was made before it had these services.
        raw["ports"] |= free_ports(missing)
        write_private(settings.record, json.dumps(raw, indent=2) + "\n")
    return LabRecord(ports=raw["ports"], password=Secret(raw["password"]), salt=raw["salt"])


def make_record(settings: LabSettings) -> LabRecord:
    """Choose free ports and a password, and remember them."""
    record = LabRecord(
        ports=free_ports(SERVICES),
        password=Secret(secrets.token_urlsafe(18)),
        salt=secrets.token_hex(8),
    )
    content = {
        "ports": dict(record.ports),
        "password": record.password.reveal(),
        "salt": record.salt,
    }
    write_private(settings.record, json.dumps(content, indent=2) + "\n")
    return record


def free_ports(services: tuple[str, ...]) -> dict[str, int]:
    """Return a free loopback port for each service.

    All are held open until the last is chosen, so that no two are the same. They lie below the
    range that the kernel gives to outgoing connections, so that none is taken while the lab is
    down.
    """
    ports: dict[str, int] = {}
    with ExitStack() as held:
        for service in services:
            ports[service] = _claim(held)
    return ports


def read_private(file: Path) -> Any:  # noqa: ANN401 - JSON; who wrote it knows its shape
    """Return what `write_private` left as JSON, or None where there is no file.

    Raises:
        LabError: it cannot be read.
    """
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LabError(
            f"{file} cannot be read: {error}", remedy="Run: orchestrator lab reset"
        ) from error


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)


PORT_FLOOR, PORT_CEILING = 20_000, 32_000
ATTEMPTS = 200


def _claim(held: ExitStack) -> int:
    for _ in range(ATTEMPTS):
        port = PORT_FLOOR + secrets.randbelow(PORT_CEILING - PORT_FLOOR)
        listener = held.enter_context(socket.socket())
        try:
            listener.bind((HOST, port))
        except OSError:
            continue
        return port
    raise LabError(f"no free port on {HOST} between {PORT_FLOOR} and {PORT_CEILING}")
