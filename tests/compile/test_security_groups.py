"""Flows become rules: one file a case, no Python to add one."""

from __future__ import annotations

import json
from datetime import date
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.compile.security_groups import project_rules
from orchestrator.model.network import Flow, NetworkLayer, Prefix, PrefixRole, Protocol
from orchestrator.model.site import Region, RegionKind, Site, SiteIdentity
from orchestrator.model.slices import RuleSlice
from orchestrator.model.system import HostBaseline, SystemLayer
from orchestrator.model.tenancy import Project, Quota, TenancyLayer, Tenant
from orchestrator.model.units import Text

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))
TODAY = date(2026, 11, 22)
LABEL = Text(zh="名", en="name")


def project(name: str, prefix: str, zone: str) -> Project:
    quota = Quota(instances=1, cores=1, memory_gib=1, volumes=1, storage_gib=1)
    return Project(
        name=name,
        display=LABEL,
        region="city",
        zone=zone,
        prefix=IPv4Network(prefix),
        quota=quota,
    )


PORTAL = project("portal", "10.1.7.0/24", "egov-pub")


def tenant(name: str, *projects: Project) -> Tenant:
    return Tenant(
        name=name,
        display=LABEL,
        region="city",
        contacts=(),
        protection_level=2,
        data_level=2,
        projects=projects,
    )


def flow(entry: dict[str, Any]) -> Flow:
    return Flow(
        name=entry["name"],
        from_=entry["from"],
        to=entry["to"],
        protocol=Protocol(entry["protocol"]),
        ports=tuple(entry.get("ports", ())),
        purpose="test",
        owner="gongxin",
        ticket="T-1",
        expires=date.fromisoformat(entry.get("expires", "2027-06-30")),
    )


def site_of(case: dict[str, Any]) -> Site:
    baseline = HostBaseline(
        name="base",
        roles=(),
        os_distro="openeuler",
        os_version="22.03",
        ntp_servers=tuple(case.get("ntp_servers", ())),
        dns_servers=tuple(ip_address(each) for each in case.get("dns_servers", ())),
        log_servers=(),
    )
    prefixes = tuple(
        Prefix(
            prefix=ip_network(each["prefix"]),
            region=each.get("region", "city"),
            zone=each["zone"],
            role=PrefixRole.TENANT,
        )
        for each in case.get("prefixes", ())
    )
    population = project("population", "10.5.0.0/24", "base-db")
    return Site(
        identity=SiteIdentity(name="yz", display=LABEL, cloud="c"),
        regions=(Region(name="city", kind=RegionKind.CITY, display=LABEL),),
        network=NetworkLayer(
            prefixes=prefixes, flows=tuple(flow(entry) for entry in case["flows"])
        ),
        system=SystemLayer(host_baselines=(baseline,)),
        tenancy=TenancyLayer(tenants=(tenant("gongxin", PORTAL), tenant("gongan", population))),
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    rules = project_rules(site_of(case), "gongxin", PORTAL, today=TODAY)
    assert [str(rule) for rule in rules] == case["rules"], case["says"]


def test_a_flow_to_nowhere_is_not_passed_over() -> None:
    entry = {"name": "f", "from": "project/no/such", "to": "zone/egov-pub", "protocol": "tcp"}
    with pytest.raises(LookupError, match="project/no/such"):
        project_rules(site_of({"flows": [entry]}), "gongxin", PORTAL, today=TODAY)


ports = st.none() | st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(sorted)


@given(
    flow_name=st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    direction=st.sampled_from(["ingress", "egress"]),
    protocol=st.sampled_from(["tcp", "udp", "icmp", "ipv6-icmp", "any"]),
    ports=ports,
    prefix=st.ip_addresses().map(lambda address: str(ip_network(address))),
)
def test_a_written_rule_reads_back(
    flow_name: str, direction: str, protocol: str, ports: list[int] | None, prefix: str
) -> None:
    rule = RuleSlice(
        flow=flow_name,
        direction=direction,
        ethertype="IPv6" if ":" in prefix else "IPv4",
        protocol=protocol,
        port_min=ports[0] if ports else None,
        port_max=ports[1] if ports else None,
        remote_prefix=prefix,
    )
    assert RuleSlice.parse(str(rule)) == rule


@pytest.mark.parametrize(
    "text", ["", "web", "web: tcp 443", "web: sideways tcp 443 from ::/0", ": ingress tcp 1 from x"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rule"):
        RuleSlice.parse(text)
