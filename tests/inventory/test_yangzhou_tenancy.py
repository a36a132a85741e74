"""Departments get what fits, are named properly, and the files hold nobody's personal data."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest
from yangzhou_city import DIRECTORY, capacity, city, projects, yaml_files

from orchestrator.model.network import PrefixRole

REGIONS = ["city", "dr", "baoying", "yizheng", "gaoyou", "jiangdu", "hanjiang", "guangling"]
MARGIN = 0.2
"""A fifth of every capacity stays free: departments grow between two purchases."""

DESKS = {"信息中心值班", "网络安全岗"}
CJK = re.compile(r"[\u4e00-\u9fff]")
PERSONAL = {
    "a mobile number": re.compile(r"(?<![\d.])1[3-9]\d{9}(?!\d)"),
    "a citizen's number": re.compile(r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])"),
    "a telephone number": re.compile(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"),
}
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")


@pytest.mark.parametrize("name", REGIONS)
def test_quotas_fit_with_a_margin(name: str) -> None:
    room = capacity(next(r for r in city().regions if r.name == name))
    used = {
        "cores": room.given.cores / room.cores,
        "memory": room.given.memory_gib / room.memory_gib,
        "storage": room.given.storage_gib / room.storage_gib,
    }
    left = {what: f"{1 - share:.0%}" for what, share in used.items()}
    assert max(used.values()) <= 1 - MARGIN, f"free in {name}: {left}"


def test_no_department_stands_above_its_platform() -> None:
    grades = {region.name: region.protection_level for region in city().regions}
    for tenant, project in projects():
        level = project.protection_level or tenant.protection_level
        assert level <= grades[project.region], project.name
        assert level <= 3


def test_sensitive_data_stay_out_of_the_dmz() -> None:
    fronts = [(t, p) for t, p in projects() if p.zone == "inet-dmz"]
    assert fronts
    assert all((p.data_level or t.data_level) <= 2 for t, p in fronts)


def test_project_networks_are_unique_and_cut_from_a_tenant_prefix_of_their_zone() -> None:
    pools = [p for p in city().network.prefixes if p.role is PrefixRole.TENANT]
    seen = set()
    for _, project in projects():
        homes = [
            pool
            for pool in pools
            if (pool.region, pool.zone) == (project.region, project.zone)
            and project.prefix.version == pool.prefix.version
            and project.prefix.subnet_of(pool.prefix)
        ]
        assert len(homes) == 1, project.name
        assert project.prefix.prefixlen >= 24 and project.prefix not in seen
        seen.add(project.prefix)


def test_only_fronts_in_the_dmz_have_public_addresses() -> None:
    assert {p.zone for _, p in projects() if p.quota.floating_ips} == {"inet-dmz"}
    public = next(p for p in city().network.prefixes if str(p.prefix) == "198.51.100.0/24")
    asked = sum(p.quota.floating_ips for _, p in projects())
    assert asked <= public.prefix.num_addresses // 2


def test_display_names_are_in_both_languages() -> None:
    texts = [t.display for t in city().tenancy.tenants] + [p.display for _, p in projects()]
    for text in texts:
        assert CJK.search(text.zh) and not CJK.search(text.en), text


def test_contacts_are_desks_in_a_reserved_domain() -> None:
    for tenant in city().tenancy.tenants:
        assert tenant.contacts, tenant.name
        for contact in tenant.contacts:
            assert contact.name in DESKS and contact.phone == ""
            assert contact.email.endswith(f"{tenant.name}@yangzhou.example")


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(DIRECTORY)))
def test_file_holds_no_personal_data_and_no_address_of_somebody_else(path) -> None:
    text = path.read_text(encoding="utf-8")
    for what, pattern in PERSONAL.items():
        assert pattern.findall(text) == [], what
    reserved = ("10.", "198.51.100.", "203.0.113.")
    clauses = {"8.1.2.2", "8.1.3.2", "8.1.4.3", "8.2.2.1", "8.2.5.1"}
    strange = [a for a in ADDRESS.findall(text) if not a.startswith(reserved) and a not in clauses]
    assert strange == []
    assert all(ip_address(a) for a in ADDRESS.findall(text) if a.startswith(reserved))


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(DIRECTORY)))
def test_file_opens_with_what_it_teaches(path) -> None:
    head = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert head.startswith("# ")
