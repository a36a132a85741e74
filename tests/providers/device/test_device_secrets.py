"""A device whose secret is missing is named, and keeps nobody from asking the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import SecretError
from orchestrator.model.physical_slices import NetworkDeviceSlice
from orchestrator.model.units import Secret, SecretRef
from orchestrator.providers.device.access import DeviceAccess, Limits
from orchestrator.providers.device.devices import SshNetworkDevices

NOBODY = {"host": "127.0.0.1", "port": 9}


class OneOfTwo:
    """A secret store that lacks what `absent` is declared to have."""

    def get(self, ref: SecretRef) -> Secret:
        if "absent" in ref:
            raise SecretError(f"{ref} has no value", remedy="Give it one.")
        return Secret("s3cret")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("nothing is stored here")


def device(name: str) -> NetworkDeviceSlice:
    return NetworkDeviceSlice(
        name=name, platform="frr", model="M", address="10.0.0.1", text="",
        login={"user": "netops", "password": f"secret://network/{name}"},
    )  # fmt: skip


def test_a_missing_secret_is_the_fault_of_one_device_only(tmp_path: Path) -> None:
    access = DeviceAccess(
        endpoints={"ssh": {"10.0.0.1": NOBODY}}, secrets=OneOfTwo(), folder=tmp_path,
        limits=Limits(connect=1),
    )  # fmt: skip
    answers = SshNetworkDevices(access).read([device("absent"), device("present")])
    assert answers[0].fault == ("no secret: secret://network/absent has no value. Give it one.")
    assert answers[1].fault.startswith("silent: does not answer at 127.0.0.1:9")
