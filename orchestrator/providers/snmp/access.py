"""How a declared device is reached: its address, or another place, and its login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.model.room import SnmpLogin, SnmpVersion
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import SecretStore
from orchestrator.providers.snmp.wire import Endpoint, V3Login

PORT = 161


@dataclass(frozen=True, kw_only=True, slots=True)
class SnmpAccess:
    """Declared addresses and logins, as the wire wants them."""

    endpoints: Mapping[str, Any]
    """`{"snmp": {"10.0.0.1": {"host": ..., "port": ..., "community": ..., "context": ...}}}`: a
    device behind NAT, or in the lab, is reached at another place than its declared address."""
    secrets: SecretStore

    def endpoint(self, name: str, *, address: str, login: SnmpLogin) -> Endpoint:
        """Return where and how a device is reached. Raises SecretError where its login is missing.

        The secrets stay wrapped; the wire opens them.
        """
        elsewhere: Mapping[str, Any] = self.endpoints.get("snmp", {}).get(address, {})
        host, port = str(elsewhere.get("host", address)), int(elsewhere.get("port", PORT))
        if login.version is SnmpVersion.V3:
            return Endpoint(
                name=name,
                host=host,
                port=port,
                v3_login=V3Login(
                    user=login.user,
                    authentication=self._open(login.authentication),
                    privacy=self._open(login.privacy),
                ),
                context=str(elsewhere.get("context", "")),
            )
        given = elsewhere.get("community")
        community = Secret(str(given)) if given is not None else self._open(login.community)
        return Endpoint(name=name, host=host, port=port, community=community)

    def _open(self, reference: str) -> Secret:
        return self.secrets.get(SecretRef(reference))
