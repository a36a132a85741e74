"""Limits that come from standards: each side of each of them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestrator.checks.flows import admin_ports_come_from_operators, high_risk_ports_stay_inside
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.policies import backup_figures_are_sane
from orchestrator.checks.room import floor_carries_the_racks
from orchestrator.checks.system import flavors_fit_a_host
from orchestrator.model.hardware import ServerRole
from orchestrator.spec.load import load_site

BASE = load_site(Path(__file__).parents[1] / "cases" / "_base").site
TODAY = date(2026, 11, 22)


def open_ports(ports: range) -> SiteIndex:
    """Return a site with a flow from the exchange to the public area for every port."""
    flows = tuple(
        replace(BASE.network.flows[1], name=f"p{port}", from_="zone/xchg", to="zone/egov-pub",
                ports=(port,))
        for port in ports
    )  # fmt: skip
    return SiteIndex(replace(BASE, network=replace(BASE.network, flows=flows)), TODAY)


def test_exactly_the_administration_ports_are_refused() -> None:
    found = admin_ports_come_from_operators.find(open_ports(range(1, 65536)))
    ports = [int(each.detail.split()[0][1:]) for each in found]
    assert ports == [22, 623, 3306, 3389, 5236, 5432, 6379, 9200, 54321]


def test_exactly_the_high_risk_ports_are_refused() -> None:
    found = high_risk_ports_stay_inside.find(open_ports(range(1, 1024)))
    ports = [int(each.detail.split()[0][1:]) for each in found]
    assert ports == [21, 23, 69, 135, 136, 137, 138, 139, 161, 445]


@pytest.mark.parametrize(
    ("grade", "rpo_minutes", "rto_minutes"),
    [
        (1, 10080, None),
        (2, 10080, None),
        (3, 1440, None),
        (4, 1440, 2880),
        (5, 30, 2880),
        (6, 0, 60),
    ],
)
def test_a_backup_grade_has_its_limits(
    grade: int, rpo_minutes: int, rto_minutes: int | None
) -> None:
    [policy] = BASE.system.backup_policies
    rto_at_limit = 10**6 if rto_minutes is None else rto_minutes

    def faults(rpo: int, rto: int) -> int:
        changed = replace(policy, grade=grade, rpo_minutes=rpo, rto_minutes=rto)
        system = replace(BASE.system, backup_policies=(changed,))
        found = backup_figures_are_sane.find(SiteIndex(replace(BASE, system=system), TODAY))
        return len(list(found))

    assert faults(rpo_minutes, rto_at_limit) == 0
    assert faults(rpo_minutes + 1, rto_at_limit) == 1
    assert faults(rpo_minutes, rto_at_limit + 1) == (0 if rto_minutes is None else 1)


@pytest.mark.parametrize(("keep_days", "rpo_minutes", "faulty"), [(1, 1440, 0), (2, 2881, 1)])
def test_a_copy_is_kept_as_long_as_the_rpo(keep_days: int, rpo_minutes: int, faulty: int) -> None:
    [policy] = BASE.system.backup_policies
    changed = replace(policy, grade=1, rpo_minutes=rpo_minutes, keep_days=keep_days)
    system = replace(BASE.system, backup_policies=(changed,))
    found = backup_figures_are_sane.find(SiteIndex(replace(BASE, system=system), TODAY))
    assert len(list(found)) == faulty


def test_only_compute_servers_carry_flavors() -> None:
    """A storage server with more memory does not make a flavor fit."""
    hardware = replace(
        BASE.hardware,
        profiles=(
            BASE.hardware.profiles[0],
            replace(BASE.hardware.profiles[1], memory_gib=4096, cpu_threads=512),
        ),
    )
    large = replace(BASE.system.flavors[0], memory_mib=1024 * 1024)
    site = replace(BASE, hardware=hardware, system=replace(BASE.system, flavors=(large,)))
    assert len(list(flavors_fit_a_host.find(SiteIndex(site, TODAY)))) == 1
    servers = tuple(replace(each, role=ServerRole.COMPUTE) for each in hardware.servers)
    site = replace(site, hardware=replace(hardware, servers=servers))
    assert list(flavors_fit_a_host.find(SiteIndex(site, TODAY))) == []


def test_the_floor_bears_what_it_is_declared_to_bear() -> None:
    """Two racks of 120 kg with 94 kg and 81 kg in them, on 4 m2: 1.0175 kN/m2."""
    room = replace(BASE.room.rooms[0], area_m2=4.0)
    for bears_kn_m2, count in ((1.0174, 1), (1.0175, 0)):
        rooms = (replace(room, floor_load_kn_m2=bears_kn_m2),)
        site = replace(BASE, room=replace(BASE.room, rooms=rooms))
        assert len(list(floor_carries_the_racks.find(SiteIndex(site, TODAY)))) == count
