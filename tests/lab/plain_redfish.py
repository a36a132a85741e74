"""The lab's BMCs as a stranger would ask them: with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.model.hardware import Server
from orchestrator.model.units import SecretRef
from tests.lab.town import Town


def plain_get(town: Town, server: Server, part: str = "") -> dict[str, Any]:
    """Read a server's system, or a part of it."""
    found: dict[str, Any] = json.loads(_asked(town, server, part=part))
    return found


def plain_patch(town: Town, server: Server, part: str, body: dict[str, Any]) -> None:
    """Change it, as somebody's hand would."""
    _asked(town, server, part=part, body=body)


def _asked(town: Town, server: Server, *, part: str, body: dict[str, Any] | None = None) -> bytes:
    reached = json.loads(town.lab.settings.endpoints.read_text())["bmc"][str(server.bmc.address)]
    password = AnsibleVaultSecrets(town.directory).get(SecretRef(server.bmc.password)).reveal()
    token = base64.b64encode(f"{server.bmc.user}:{password}".encode()).decode()
    request = urllib.request.Request(
        reached["url"] + reached["system_id"] + part,
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
        method="GET" if body is None else "PATCH",
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
        return content
