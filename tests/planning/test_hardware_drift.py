"""What BMCs tell against what is declared: pass, fail, or unknown with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.inventory import (
    BmcFault,
    Disk,
    Interface,
    Inventory,
    PowerState,
    ServerReport,
    Silence,
    Unknown,
)
from orchestrator.model.verdict import Verdict
from orchestrator.planning.hardware_drift import compare, sum_by_profile
from tests.fakes.bmc_site import PROFILE, server

NOT_TOLD = Unknown("not told")

AS_DECLARED = Inventory(
    manufacturer="INSPUR Inc.",
    model="NF5280M6",
    serial="SN-CMP-01",
    uuid=NOT_TOLD,
    bios_version=NOT_TOLD,
    bmc_model=NOT_TOLD,
    bmc_version=NOT_TOLD,
    power=PowerState.ON,
    indicator_lit=NOT_TOLD,
    health=NOT_TOLD,
    processors=2,
    processor_model=NOT_TOLD,
    threads=64,
    memory_gib=511.9,
    inlet_celsius=NOT_TOLD,
    disks=(Disk(name="1", capacity_gib=447.1), Disk(name="2", capacity_gib=447.1)),
    nics=(
        Interface(name="1", mac="0c:42:a1:00:00:01"),
        Interface(name="2", mac="0c:42:a1:00:01:01"),
        Interface(name="3", mac="0c:42:a1:ff:ff:ff"),
    ),
    firmware=NOT_TOLD,
    bios=NOT_TOLD,
)


def verdicts(**told: Any) -> dict[str, Verdict]:
    found = compare(server(), PROFILE, replace(AS_DECLARED, **told))
    return {one.fact: one.verdict for one in found}


def test_a_server_as_declared_passes_in_every_fact() -> None:
    assert set(verdicts().values()) == {Verdict.PASS}
    assert set(verdicts()) == {
        "vendor", "model", "serial", "cpu_threads", "memory_gib", "disk_gib", "macs"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("vendor", {"manufacturer": "H3C"}),
        ("model", {"model": "NF5270M6"}),
        ("serial", {"serial": "SN-CMP-02"}),
        ("cpu_threads", {"threads": 32}),
        ("memory_gib", {"memory_gib": 480.0}),
        ("disk_gib", {"disks": (Disk(name="1", capacity_gib=447.1),)}),
        ("disk_gib", {"disks": ()}),
        ("macs", {"nics": (Interface(name="1", mac="0c:42:a1:00:00:01"),)}),
        ("macs", {"nics": ()}),
    ],
)
def test_one_difference_fails_in_its_fact_only(fact: str, told: dict[str, Any]) -> None:
    found = verdicts(**told)
    assert found.pop(fact) is Verdict.FAIL
    assert set(found.values()) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        ("vendor", "manufacturer"),
        ("model", "model"),
        ("serial", "serial"),
        ("cpu_threads", "threads"),
        ("memory_gib", "memory_gib"),
        ("disk_gib", "disks"),
        ("macs", "nics"),
    ],
)
def test_what_was_not_told_is_unknown_never_pass_or_fail(fact: str, field: str) -> None:
    found = verdicts(**{field: NOT_TOLD})
    assert found.pop(fact) is Verdict.UNKNOWN
    assert set(found.values()) == {Verdict.PASS}


def test_one_disk_of_unknown_size_makes_the_sum_unknown() -> None:
    disks = (Disk(name="1", capacity_gib=9000.0), Disk(name="2", capacity_gib=NOT_TOLD))
    assert verdicts(disks=disks)["disk_gib"] is Verdict.UNKNOWN


def test_bios_attributes_are_compared_where_the_profile_declares_them() -> None:
    profile = replace(PROFILE, bios={"BootMode": "Uefi", "Turbo": "Disabled", "Sgx": "On"})
    told = replace(AS_DECLARED, bios={"BootMode": "Uefi", "Turbo": "Enabled"})
    found = {one.fact: one.verdict for one in compare(server(), profile, told)}
    assert found["bios.BootMode"] is Verdict.PASS
    assert found["bios.Turbo"] is Verdict.FAIL
    assert found["bios.Sgx"] is Verdict.UNKNOWN


def report(name: str, told: Inventory | Silence) -> ServerReport:
    compared = () if isinstance(told, Silence) else compare(server(), PROFILE, told)
    return ServerReport(
        server=name, profile=PROFILE.name, region="city", told=told, comparisons=compared
    )


def test_equal_differences_are_summed_per_profile_and_serials_as_one_kind() -> None:
    small = replace(AS_DECLARED, memory_gib=256.0)
    reports = [
        report("a", small),
        report("b", replace(small, serial="X-1")),
        report("c", replace(AS_DECLARED, serial="X-2")),
        report("d", AS_DECLARED),
    ]
    summed = [(one.fact, one.found, one.servers) for one in sum_by_profile(reports)]
    assert summed == [("memory_gib", "256", ("a", "b")), ("serial", "another", ("b", "c"))]


def test_a_silent_server_is_unknown() -> None:
    silence = Silence(fault=BmcFault.UNREACHABLE, reason="it refuses", remedy="look")
    assert report("a", silence).verdict is Verdict.UNKNOWN
    assert report("a", AS_DECLARED).verdict is Verdict.PASS
