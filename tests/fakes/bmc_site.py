"""A server, its profile and its secrets, for tests of what speaks to BMCs."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from orchestrator.errors import SecretError
from orchestrator.model.hardware import Bmc, HardwareProfile, Nic, Server, ServerRole
from orchestrator.model.units import Secret, SecretRef

ADDRESS = "10.9.0.11"
REFERENCE = SecretRef("secret://bmc/city")

PROFILE = HardwareProfile(
    name="compute-2u",
    vendor="Inspur",
    model="NF5280M6",
    cpu_threads=64,
    memory_gib=512,
    disk_gib=890,
    height_units=2,
    nameplate_watts=800,
    weight_kg=28.0,
    resource_class="baremetal.compute-2u",
)


def server(name: str = "cmp-01", address: str = ADDRESS, serial: str = "SN-CMP-01") -> Server:
    macs = ("0c:42:a1:00:00:01", "0c:42:a1:00:01:01")
    return Server(
        name=name,
        profile=PROFILE.name,
        role=ServerRole.COMPUTE,
        rack="r1",
        unit=1,
        serial=serial,
        bmc=Bmc(address=ip_address(address), user="orchestrator", password=REFERENCE),
        nics=tuple(
            Nic(name=f"eth{n}", mac=mac, switch="leaf-1", port=n) for n, mac in enumerate(macs)
        ),
    )


class SecretsInMemory:
    """The SecretStore port without a file."""

    def __init__(self, values: Mapping[SecretRef, str]) -> None:
        self.values = {ref: Secret(value) for ref, value in values.items()}

    def get(self, ref: SecretRef) -> Secret:
        if ref not in self.values:
            raise SecretError(f"{ref} has no value")
        return self.values[ref]

    def names(self) -> frozenset[str]:
        return frozenset(self.values)

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        self.values |= values
