"""The tables of the MIBs: what recognises a device, and how values of them are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from orchestrator.errors import SecretError
from orchestrator.model.readings import DeviceKind, FaultKind
from orchestrator.model.room import SnmpLogin, SnmpVersion
from orchestrator.model.units import Secret, SecretRef
from orchestrator.planning.room_slice import written_login
from orchestrator.providers.snmp.access import SnmpAccess
from orchestrator.providers.snmp.kinds import PduKind, device_id
from orchestrator.providers.snmp.mibs import FAMILIES, family_of, same_model
from orchestrator.providers.snmp.settings import NAME, Settings
from orchestrator.providers.snmp.wire import Endpoint, Engines, Session, SnmpError, SnmpWire


@pytest.mark.parametrize(
    ("system_id", "kind", "family"),
    [
        ("1.3.6.1.4.1.318.1.3.4.6", DeviceKind.PDU, "apc-rpdu2"),
        ("1.3.6.1.4.1.318.1.3.4.8", DeviceKind.PDU, "apc-rpdu"),
        ("1.3.6.1.4.1.21239.42.1.31", DeviceKind.SENSOR, "geist"),
        ("1.3.6.1.4.1.8072.3.2.10", DeviceKind.SENSOR, "entity-sensor"),
        ("1.3.6.1.4.1.8072.3.2.10", DeviceKind.UPS, "ups-mib"),
        ("1.3.6.1.4.1.705.1", DeviceKind.UPS, "ups-mib"),
        # A number that only begins alike is another device's.
        ("1.3.6.1.4.1.318.1.3.4.61", DeviceKind.PDU, None),
        ("1.3.6.1.4.1.21239.42.1.31", DeviceKind.UPS, None),
        ("1.3.6.1.4.1.8072.3.2.10", DeviceKind.PDU, None),
    ],
)
def test_a_device_is_recognised_by_its_number(
    system_id: str, kind: DeviceKind, family: str | None
) -> None:
    found = family_of(system_id, kind)
    assert (found.name if found else None) == family


@pytest.mark.parametrize(
    ("declared", "found", "same"),
    [
        ("APC AP8641", "AP8641", True),
        ("Eaton 93E-20", "EATON 93E 20", True),
        ("", "whatever", True),
        ("APC AP8641", "AP8932", False),
        ("APC AP8641", "", False),
    ],
)
def test_two_spellings_of_a_model(declared: str, found: str, *, same: bool) -> None:
    assert same_model(declared, found) is same


def test_every_family_names_its_mib_and_no_object_twice() -> None:
    for family in FAMILIES:
        oids = [metric.oid for metric in family.metrics]
        assert family.source and len(oids) == len(set(oids))
        assert all(metric.low < metric.high for metric in family.metrics)


def test_objects_that_disagree_show_both_values_and_only_the_wrong_one_is_written() -> None:
    settings = Settings(held={NAME: {"1.1": "old", "1.2": "new"}})
    assert settings.properties == {NAME: ["old", "new"]}
    assert settings.differing({NAME: "new"}) == {"1.1": "new"}


def test_an_id_reaches_a_device_again_without_a_secret() -> None:
    login = written_login(SnmpLogin(version=SnmpVersion.V3))
    assert device_id({"name": "a", "address": "2001:db8::1", "login": login}) == (
        "snmp://[2001:db8::1]/a?version=v3&user=orchestrator"
        "&authentication=secret%3A%2F%2Froom%2Fsnmp-authentication"
        "&privacy=secret%3A%2F%2Froom%2Fsnmp-privacy"
    )


class KnownSecrets:
    """A vault that lacks what is called `missing`."""

    def get(self, ref: SecretRef) -> Secret:
        if ref.endswith("missing"):
            raise SecretError(f"{ref} has no value in secrets.vault.yaml")
        return Secret("public")

    def names(self) -> frozenset[str]:
        raise NotImplementedError

    def put(self, values: Mapping[SecretRef, Secret]) -> None:
        raise NotImplementedError


class SilentWire(SnmpWire):
    """Nobody answers."""

    def each(
        self, endpoints: Sequence[Endpoint], talk: Callable[[Session], Awaitable[Any]]
    ) -> list[Any]:
        return [asyncio.run(_silent(talk, endpoint)) for endpoint in endpoints]


async def _silent(talk: Callable[[Session], Awaitable[Any]], endpoint: Endpoint) -> Any:
    class Silent(Session):
        async def get(self, oids: Sequence[str]) -> dict[str, Any]:
            raise SnmpError(FaultKind.SILENT, "no answer")

    return await talk(Silent(endpoint, Engines()))


def test_a_device_whose_login_is_missing_is_unknown_by_its_name_and_the_others_are_asked() -> None:
    kind = PduKind(SnmpAccess(endpoints={}, secrets=KnownSecrets()), SilentWire())
    ids = {
        name: device_id(
            {
                "name": name,
                "address": "192.0.2.1",
                "login": {"version": "v2c", "community": f"secret://snmp/{name}"},
            }
        )
        for name in ("there", "missing")
    }
    seen = kind.observe({resource_id: {} for resource_id in ids.values()})
    assert seen[ids["there"]].properties == {"answers": False}
    told = seen[ids["missing"]].properties["answers"]
    assert told == "unknown: secret://snmp/missing has no value in secrets.vault.yaml"
