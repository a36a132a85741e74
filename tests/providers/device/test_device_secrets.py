"""A device whose secret is missing is named, and keeps nobody from asking the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from orchestrator.errors import SecretError
from orchestrator.model.physical_slices import NetworkDeviceSlice
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.providers.device.access import DeviceAccess, Limits
from orchestrator.providers.device.devices import SshNetworkDevices
from orchestrator.providers.device.kinds import NetworkDeviceKind

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


def inputs(name: str) -> dict[str, Json]:
    checked, faults = NetworkDeviceKind(None).check(asdict(device(name)))
    assert not faults
    return dict(checked)


def access(folder: Path) -> DeviceAccess:
    return DeviceAccess(
        endpoints={"ssh": {"10.0.0.1": NOBODY}}, secrets=OneOfTwo(), folder=folder,
        limits=Limits(connect=1),
    )  # fmt: skip


def test_a_missing_secret_is_the_fault_of_one_device_only(tmp_path: Path) -> None:
    answers = SshNetworkDevices(access(tmp_path)).read([device("absent"), device("present")])
    assert answers[0].fault == ("no secret: secret://network/absent has no value. Give it one.")
    assert answers[1].fault.startswith("silent: does not answer at 127.0.0.1:9")


def test_a_missing_secret_of_a_recorded_device_is_drift_of_that_device_only(tmp_path: Path) -> None:
    seen = NetworkDeviceKind(access(tmp_path)).observe(
        {"one": inputs("absent"), "two": inputs("present")}
    )
    assert seen["one"].properties == {
        "answers": False,
        "fault": "no secret: secret://network/absent has no value. Give it one.",
    }
    assert str(seen["two"].properties["fault"]).startswith("silent: ")


def test_another_login_is_an_update_of_the_same_device() -> None:
    before, after = inputs("one"), inputs("two") | {"name": "one"}
    diff = NetworkDeviceKind(None).diff(before, after)
    assert (diff.changes, diff.replaces) == (("login",), ())
