"""The kinds without a cloud: inputs in normal form, differences, and what the page says of them."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestrator.errors import CloudError, EngineError
from orchestrator.model.units import Json, Secret, SecretRef
from orchestrator.ports.provider import UNKNOWN, Kind
from orchestrator.providers.device.kinds import NetworkDeviceKind
from orchestrator.providers.govcloud import KINDS, GovCloud, NoSecrets, open_provider
from orchestrator.providers.openstack.bmc import Bmcs
from orchestrator.providers.redfish.kinds import SettingsKind
from orchestrator.providers.reference import render
from orchestrator.providers.snmp.kinds import ROOM_KINDS
from orchestrator.resources.resource import GovCloudResource

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "resources.md"


class OneSecret:
    def get(self, ref: SecretRef) -> Secret:
        return Secret("hunter2")

    def names(self) -> frozenset[str]:
        return frozenset()

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise AssertionError("the provider stores nothing")


def provider() -> GovCloud:
    return open_provider("no-such-cloud", NoSecrets(), {}, site="test")


def resource_classes() -> Iterator[tuple[str, type[GovCloudResource[object]]]]:
    for name in (
        "identity",
        "network",
        "network_device",
        "compute",
        "image",
        "volume",
        "baremetal",
        "room",
        "hardware",
    ):
        module = importlib.import_module(f"orchestrator.resources.{name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, GovCloudResource):
                if thing is not GovCloudResource:
                    args = getattr(module, f"{thing.__name__}Args")
                    yield f"govcloud:{thing.kind}", args


def test_opening_a_provider_calls_nobody_and_reads_nothing() -> None:
    assert {SettingsKind.kind.token, *(kind.kind.token for kind in (*KINDS, *ROOM_KINDS))} <= (
        provider().kinds.keys()
    )


def test_a_cloud_that_is_not_configured_is_named(tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text("clouds: {}\n")
    lost = open_provider(
        "no-such-cloud", NoSecrets(), {}, site="t", config_files=[tmp_path / "clouds.yaml"]
    )
    with pytest.raises(CloudError, match="no-such-cloud"):
        lost.list("govcloud:identity:Domain", ["x"])


def test_every_resource_class_and_its_kind_have_the_same_inputs() -> None:
    handlers = (*KINDS, *ROOM_KINDS, NetworkDeviceKind, SettingsKind)
    kinds = {handler.kind.token: handler for handler in handlers}
    seen = dict(resource_classes())
    assert seen.keys() == kinds.keys()
    for token, args in seen.items():
        declared = {field.name for field in dataclasses.fields(args)}  # type: ignore[arg-type] # a dataclass
        # A program need not offer all that a kind understands, but nothing that it does not.
        assert declared <= kinds[token].attributes.keys(), token
        required = {n for n, a in kinds[token].attributes.items() if a.required}
        assert required <= declared, token


def test_the_reference_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == render()


def test_numbers_come_as_floats_and_sets_in_any_order() -> None:
    checked, faults = provider().check(
        "govcloud:compute:Quota", {"project_id": "p", "instances": 3.0, "cores": 4, "memory_mib": 1}
    )
    assert faults == ()
    assert [type(checked[name]) for name in ("instances", "cores")] == [int, int]
    pool = {
        "name": "p",
        "prefixes": ["10.2.0.0/16", "10.1.0.0/16", "10.2.0.0/16"],
        "default_prefix_length": 24,
    }
    checked, _ = provider().check("govcloud:network:SubnetPool", pool)
    assert checked["prefixes"] == ["10.1.0.0/16", "10.2.0.0/16"]


def test_all_faults_come_at_once() -> None:
    _, faults = provider().check(
        "govcloud:network:Subnet",
        {"name": "s", "network_id": UNKNOWN, "cidr": "10.0.0.1/24", "ip_version": 4.5, "colour": 1},
    )
    assert sorted(fault.attribute for fault in faults) == ["cidr", "colour", "ip_version"]


def test_a_rule_that_nobody_can_read_is_refused() -> None:
    _, faults = provider().check(
        "govcloud:network:SecurityGroup", {"name": "g", "rules": ["let me in"]}
    )
    assert "let me in" in faults[0].reason


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({"role": "member", "project_id": "p"}, "group_id"),
        ({"role": "member", "project_id": "p", "domain_id": "d", "user_id": "u"}, "project_id"),
        ({"role": "member", "user_id": UNKNOWN, "project_id": UNKNOWN}, None),
    ],
)
def test_a_role_assignment_has_one_actor_and_one_target(
    inputs: dict[str, Json], missing: str | None
) -> None:
    _, faults = provider().check("govcloud:identity:RoleAssignment", inputs)
    assert [fault.attribute for fault in faults] == ([missing] if missing else [])


def test_an_unknown_differs_from_everything_and_an_image_path_from_nothing() -> None:
    there = provider()
    subnet: dict[str, Json] = {"name": "s", "network_id": "n"}
    diff = there.diff("govcloud:network:Subnet", subnet, {**subnet, "network_id": UNKNOWN})
    assert (diff.changes, diff.replaces) == (("network_id",), ("network_id",))
    image: dict[str, Json] = {"name": "i", "sha256": "a", "file": "/here/x.raw"}
    moved = {**image, "file": "/there/x.raw"}
    assert there.diff("govcloud:image:Image", image, moved).changes == ()
    other = {**moved, "sha256": "b"}
    assert there.diff("govcloud:image:Image", image, other).replaces == ("sha256",)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(EngineError, match="govcloud:x:Y"):
        provider().create("govcloud:x:Y", {})


def test_what_is_lost_with_its_deletion_is_held() -> None:
    def kind(name: str) -> Kind:
        return provider().kinds[f"govcloud:{name}"]

    assert kind("identity:Project").holds
    assert kind("baremetal:Server").holds
    assert not kind("compute:Quota").holds
    assert not kind("identity:RoleAssignment").holds


SERVER: dict[str, Json] = {
    "name": "s",
    "bmc_address": "10.0.0.9",
    "bmc_user": "op",
    "bmc_password": "secret://bmc/city",
}


def test_a_bmc_is_reached_at_its_address_or_at_its_declared_endpoint() -> None:
    plain = Bmcs(endpoints={}, secrets=OneSecret())
    info, password = plain.driver_info(SERVER, login=True)
    assert info["redfish_address"] == "https://10.0.0.9"
    assert (info["redfish_password"], password) == ("hunter2", "hunter2")
    assert plain.declared_address(info) == "10.0.0.9"
    six, _ = plain.driver_info({**SERVER, "bmc_address": "2001:db8::9"}, login=False)
    assert six["redfish_address"] == "https://[2001:db8::9]"
    assert plain.declared_address(six) == "2001:db8::9"

    shared = "http://127.0.0.1:8000"
    mapped = Bmcs(
        endpoints={
            "bmc": {
                "10.0.0.8": {"url": shared, "system_id": "/a"},
                "10.0.0.9": {"url": shared, "system_id": "/b"},
            }
        },
        secrets=OneSecret(),
    )
    info, password = mapped.driver_info(SERVER, login=False)
    assert (info["redfish_address"], info["redfish_system_id"]) == (shared, "/b")
    assert ("redfish_password" in info, password) == (False, "")
    assert mapped.declared_address(info) == "10.0.0.9"
    assert mapped.declared_address({"redfish_address": "https://elsewhere.example"}) == (
        "elsewhere.example"
    )


def test_a_password_in_plain_text_is_refused_and_not_shown() -> None:
    with pytest.raises(CloudError, match="no secret:// reference") as refused:
        Bmcs(endpoints={}, secrets=OneSecret()).driver_info(
            {**SERVER, "bmc_password": "hunter2"}, login=True
        )
    assert "hunter2" not in refused.value.message
