"""How Ironic is told to reach a declared BMC: its URL, its system, its login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import CloudError
from orchestrator.model.units import Json, SecretRef
from orchestrator.ports import SecretStore
from orchestrator.ports.provider import Properties

Endpoints = Mapping[str, Any]
"""`{"bmc": {"10.0.0.1": {"url": ..., "system_id": ..., "verify_ca": ...}}}`: a BMC behind a
bastion or NAT is reached at another place than its declared address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bmcs:
    """The declared BMCs, as Ironic's redfish driver wants them."""

    endpoints: Endpoints
    secrets: SecretStore

    def driver_info(self, inputs: Properties, *, login: bool) -> tuple[dict[str, Json], str]:
        """Return `driver_info` and the password in it (empty without `login`).

        The password is opened here, at the wire, and goes nowhere else.
        """
        declared = str(inputs["bmc_address"])
        endpoint = self._endpoint(declared)
        info: dict[str, Json] = {
            "redfish_address": endpoint.get("url", _default_url(declared)),
            "redfish_username": inputs["bmc_user"],
        }
        for key in ("system_id", "verify_ca"):
            if key in endpoint:
                info[f"redfish_{key}"] = endpoint[key]
        if not login:
            return info, ""
        reference = str(inputs["bmc_password"])
        if not reference.startswith("secret://"):
            raise CloudError(
                f"the BMC password of {inputs['name']} is no secret:// reference",
                remedy="Store it with `orchestrator secret set` and write its reference.",
            )
        password = self.secrets.get(SecretRef(reference)).reveal()
        info["redfish_password"] = password
        return info, password

    def declared_address(self, driver_info: Mapping[str, Any]) -> str:
        """Return the declared address of the BMC that Ironic talks to, or else its URL.

        A URL may serve many systems (an emulator, a chassis), so the system is compared as well.
        """
        url = str(driver_info.get("redfish_address", ""))
        system = driver_info.get("redfish_system_id")
        for address, endpoint in self.endpoints.get("bmc", {}).items():
            if endpoint.get("url") == url and endpoint.get("system_id", system) == system:
                return str(address)
        host = url.removeprefix("https://").strip("[]/")
        return host if url.startswith("https://") and host not in self._mapped() else url

    def _endpoint(self, declared: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._mapped().get(declared, {})
        return found

    def _mapped(self) -> Mapping[str, Any]:
        mapped: Mapping[str, Any] = self.endpoints.get("bmc", {})
        return mapped


def _default_url(address: str) -> str:
    return f"https://[{address}]" if ":" in address else f"https://{address}"
