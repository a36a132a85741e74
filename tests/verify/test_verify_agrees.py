"""What the compiler writes is judged right, and every planted mistake is found and named."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.model.network import INTERNET, NOT_INTERNET, Platform, Protocol
from orchestrator.spec.load import load_site
from orchestrator.verify.judge import Fault, Judge, Verdict
from orchestrator.workflows.network import compiled_for, verify_network
from tests.compile.small_city import TESTS, TODAY, golden_site, golden_texts

CASE = "small-city"
COUNTIES = {"north", "south"}
PORTS = {"6": Protocol.TCP, "17": Protocol.UDP}
Address = IPv4Address | IPv6Address


@cache
def judge() -> Judge:
    return Judge(golden_site(CASE), today=TODAY)


def text_of(kind: Platform, name: str) -> str:
    return next(o.text for o in golden_texts(CASE) if (o.kind, o.name) == (kind, name))


CITY = text_of(Platform.NFTABLES, "city")
SPINE = text_of(Platform.COMWARE, "spine-h3c")
ELEMENTS = [line for line in CITY.splitlines() if "comment" in line]
PERMITS = [
    line
    for line in SPINE.splitlines()
    if " permit " in line
    and ("-port" in line or "8 0" in line)
    # Inside one VLAN everything is permitted before, so such a rule changes nothing.
    and line.count("10.1.0.0") < 2
]


def firewall(text: str) -> Verdict:
    return judge().firewall("city", text)


def spine(text: str) -> Verdict:
    return judge().switch("spine-h3c", text, kind="comware", region="city")


def test_everything_compiled_agrees_with_the_flows() -> None:
    verdicts = verify_network(golden_site(CASE), today=TODAY, compiled=golden_texts(CASE))
    assert len(verdicts) == 8  # four firewalls, three switches, the routers together
    assert [v.name for v in verdicts if not v.agrees] == []
    assert sum(v.compared for v in verdicts) > 300


def test_the_reference_city_agrees_with_its_flows() -> None:
    city = load_site(TESTS.parent / "inventory" / "yangzhou").site
    compiled = compiled_for(city, today=TODAY)
    verdicts = verify_network(city, today=TODAY, compiled=compiled)
    assert {one.kind for one in compiled} == set(Platform)
    assert [difference for verdict in verdicts for difference in verdict.differences] == []


def owner(address: Address) -> tuple[str, str | None]:
    """Return an address's zone and region, by looking at every prefix."""
    site = golden_site(CASE)
    around = [p for p in site.network.prefixes if address in p.prefix]
    if around:
        smallest = max(around, key=lambda p: p.prefix.prefixlen)
        return f"zone/{smallest.zone}", smallest.region
    return ("nowhere" if any(address in n for n in NOT_INTERNET) else INTERNET), None


def is_declared(source: Address, destination: Address, what: tuple[Protocol, int | None]) -> bool:
    """Say whether a packet is declared, one at a time, by looking at every flow."""
    site = golden_site(CASE)
    projects = {
        f"project/{tenant.name}/{project.name}": project
        for tenant in site.tenancy.tenants
        for project in tenant.projects
    }
    sides = [owner(source), owner(destination)]
    if {region for _, region in sides} == COUNTIES:
        return False

    def is_in(end: str, address: Address, zone: str) -> bool:
        return address in projects[end].prefix if end in projects else end == zone

    protocol, port = what
    return any(
        flow.expires >= TODAY
        and flow.protocol is protocol
        and (port is None or port in flow.ports)
        and is_in(flow.from_, source, sides[0][0])
        and is_in(flow.to, destination, sides[1][0])
        for flow in site.network.flows
    )


@given(st.sampled_from(ELEMENTS))
def test_a_dropped_element_of_the_firewall_is_found(element: str) -> None:
    verdict = firewall(CITY.replace(f"{element}\n", "", 1))
    flow = re.search(r'comment "([^" ]+)', element)
    assert flow
    closed = {difference.rule for difference in verdict.differences}
    assert flow[1] in closed
    assert {d.fault for d in verdict.differences} == {Fault.CLOSED}


@settings(max_examples=60)
@given(st.sampled_from(ELEMENTS), st.integers(0, 1))
def test_a_widened_prefix_of_the_firewall_is_found(element: str, side: int) -> None:
    fields = element.strip().split(' comment "')[0].split(" . ")
    prefixes = [ip_network(field) for field in fields if "/" in field]
    assume(side < len(prefixes) and len(prefixes) == 2)
    wider = prefixes[side].supernet()
    sibling = next(half for half in wider.subnets() if half != prefixes[side])
    ends = [prefix[1] for prefix in prefixes]
    ends[side] = sibling[1]
    ping = len(fields) == 2
    what = (Protocol.ICMP, None) if ping else (PORTS[fields[2]], int(fields[3].split("-")[0]))
    assume(not is_declared(ends[0], ends[1], what))
    wide = " . ".join(str(wider) if field == str(prefixes[side]) else field for field in fields)
    verdict = firewall(CITY.replace(" . ".join(fields), wide, 1))
    assert Fault.UNDECLARED in {d.fault for d in verdict.differences}


@given(st.sampled_from([e for e in ELEMENTS if re.search(r" \. \d+ comment", e)]))
def test_a_port_more_in_the_firewall_is_found_with_its_number(element: str) -> None:
    port = int(cast("re.Match[str]", re.search(r" \. (\d+) comment", element))[1])
    wide = element.replace(f" . {port} comment", f" . {port}-{port + 1} comment")
    verdict = firewall(CITY.replace(element, wide, 1))
    assert {(d.fault, d.ports) for d in verdict.differences} == {(Fault.UNDECLARED, str(port + 1))}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("policy drop;", "policy accept;"),
        ("\t\tcounter drop\n", "\t\tcounter accept\n"),
        ("ip saddr != @inside4 ip daddr", "ip daddr"),
        ("ip6 daddr != @inside6 ip6 saddr", "ip6 saddr"),
        ("203.0.113.0/24,\n", ""),
        (" . 6 . 9000 ", " . 17 . 9000 "),
    ],
)
def test_other_openings_of_the_firewall_are_found(old: str, new: str) -> None:
    assert old in CITY
    text = CITY.replace(old, new)
    if old.startswith("policy"):
        text = text.replace("\t\tcounter drop\n", "")
    assert Fault.UNDECLARED in {d.fault for d in firewall(text).differences}


RULES = [line for line in CITY.splitlines() if line.endswith("counter accept")]


@given(st.sampled_from(RULES))
def test_a_dropped_rule_of_the_firewall_is_found(rule: str) -> None:
    verdict = firewall(CITY.replace(f"{rule}\n", "", 1))
    assert {d.fault for d in verdict.differences} == {Fault.CLOSED}


def test_a_firewall_that_keeps_no_state_is_found() -> None:
    text = re.sub(r"\t\tct state vmap.*\n", "", CITY)
    assert [d.fault for d in firewall(text).differences] == [Fault.MISPLACED] * 2


@pytest.mark.parametrize(
    ("old", "new", "fault", "source"),
    [
        (
            "\t\t\t10.9.1.0/24\n",
            "\t\t\t10.9.1.0/24, 10.1.0.0/16\n",
            Fault.UNDECLARED,
            "zone/egov-pub",
        ),
        (
            "\t\t\t10.7.0.0/24,\n\t\t\t10.9.1.0/24\n",
            "\t\t\t10.7.0.0/24\n",
            Fault.CLOSED,
            "zone/mgmt",
        ),
        ("tcp dport 22 counter", "counter", Fault.UNDECLARED, "zone/access"),
        ("input priority filter; policy drop", "input priority filter; policy accept", None, ""),
        ("\t\ticmpv6 type nd-neighbor-solicit accept\n", "", Fault.CLOSED, "no zone"),
    ],
)
def test_a_firewall_that_lets_others_administer_it_is_found(
    old: str, new: str, fault: Fault | None, source: str
) -> None:
    assert CITY.count(old) == 1
    differences = firewall(CITY.replace(old, new)).differences
    # A policy alone does no harm: the chain's last rule drops.
    assert {d.fault for d in differences} == ({fault} if fault else set())
    assert not fault or source in {d.from_ for d in differences}
    assert all("to itself" in d.detail for d in differences)


def test_a_ruleset_without_an_input_chain_is_refused() -> None:
    text = re.sub(r"\n\tchain input \{.*?\n\t\}\n", "", CITY, flags=re.DOTALL)
    assert [d.fault for d in firewall(text).differences] == [Fault.UNREADABLE]


@pytest.mark.parametrize(
    "word",
    ["tcp flags syn accept", "jump elsewhere", "limit rate 5/second accept", "ip ttl 3 accept"],
)
def test_what_the_reader_does_not_know_is_refused_not_skipped(word: str) -> None:
    text = CITY.replace("\t\tcounter drop\n", f"\t\t{word}\n\t\tcounter drop\n")
    assert [d.fault for d in firewall(text).differences] == [Fault.UNREADABLE]
    bad = SPINE.replace(" rule 5 permit icmp icmp-type 3 4\n", " rule 5 permit tcp time-range x\n")
    assert [d.fault for d in spine(bad).differences] == [Fault.UNREADABLE]


@given(st.sampled_from(PERMITS))
def test_a_dropped_rule_of_a_switch_is_found(line: str) -> None:
    verdict = spine(SPINE.replace(f"{line}\n", "", 1))
    assert {d.fault for d in verdict.differences} == {Fault.CLOSED}


@given(st.sampled_from([p for p in PERMITS if "-port eq" in p]))
def test_a_port_more_in_a_switch_is_found(line: str) -> None:
    wide = re.sub(r"-port eq (\d+)", lambda m: f"-port range {m[1]} {int(m[1]) + 1}", line)
    verdict = spine(SPINE.replace(line, wide, 1))
    assert {d.fault for d in verdict.differences} == {Fault.UNDECLARED}


@given(st.sampled_from([p for p in PERMITS if " source-port eq" in p and "established" in p]))
def test_a_way_back_that_lets_connections_begin_is_found(line: str) -> None:
    verdict = spine(SPINE.replace(line, line.replace(" established", ""), 1))
    assert Fault.UNDECLARED in {d.fault for d in verdict.differences}


@given(st.sampled_from([p for p in PERMITS if "0.0.255.255 destination " in p]))
def test_a_wider_source_in_a_switch_is_found(line: str) -> None:
    wide = re.sub(r"source \S+ 0\.0\.255\.255", "source 10.0.0.0 0.15.255.255", line, count=1)
    assert Fault.UNDECLARED in {d.fault for d in spine(SPINE.replace(line, wide, 1)).differences}


@pytest.mark.parametrize(
    "pattern",
    [
        r" rule \d+ deny ip logging\n",
        r" rule \d+ deny ipv6 logging\n",
        r" rule \d+ deny ip source 10\.0\.0\.0 \S+ destination 10\.0\.0\.0 \S+\n",
        r" rule \d+ deny ip source 203\.0\.113\.0 \S+\n",
        r" rule \d+ deny ip destination 203\.0\.113\.0 \S+\n",
    ],
)
def test_a_refusal_that_is_missing_in_a_switch_is_found(pattern: str) -> None:
    text, count = re.subn(pattern, "", SPINE)
    assert count == 1
    assert Fault.UNDECLARED in {d.fault for d in spine(text).differences}


def test_rules_in_another_order_are_found_where_it_matters() -> None:
    """A switch decides by the first rule that matches."""
    last = next(line for line in SPINE.splitlines() if "deny ip logging" in line)
    first = next(line for line in SPINE.splitlines() if "rule 5 permit icmp" in line)
    text = SPINE.replace(f"{last}\n", "", 1).replace(f"{first}\n", f"{last}\n{first}\n", 1)
    assert Fault.CLOSED in {d.fault for d in spine(text).differences}


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"vlan 200\n name dmz\n description zone inet-dmz\n", "VLAN 200 (dmz) is missing."),
        (r"vlan 900\n name oob", "VLAN 901 is declared nowhere"),
        (r"interface Vlan-interface900\n( .*\n)+", "VLAN 900 (oob) is not filtered"),
        (r" packet-filter ipv6 name ZONES6 inbound\n#\nreturn", "VLAN 900 (oob) is not filtered"),
    ],
)
def test_a_misplaced_vlan_or_filter_is_found(pattern: str, word: str) -> None:
    new = "vlan 901\n name oob" if "900\\n name" in pattern else ""
    text, count = re.subn(pattern, new, SPINE)
    assert count == 1
    assert any(word in d.detail for d in spine(text).differences)


FRR = {one.region: one.text for one in golden_texts(CASE) if one.kind is Platform.FRR}
SPOKEN = [
    (region, line)
    for region, text in FRR.items()
    for line in text.splitlines()
    if re.search(
        r" permit |^  network|activate|blackhole|remote-as|prefix-list \S+ (in|out)$", line
    )
]


def routers(texts: dict[str, str]) -> Verdict:
    return judge().routers({region: [text] for region, text in texts.items()})


@given(st.sampled_from(SPOKEN))
def test_a_dropped_line_of_the_routers_is_found(spoken: tuple[str, str]) -> None:
    region, line = spoken
    text = FRR[region].replace(f"{line}\n", "", 1)
    assert routers({**FRR, region: text}).differences


@pytest.mark.parametrize("network", ["10.16.0.0/12", "10.0.0.0/8"])
def test_a_county_that_could_hear_of_another_is_found(network: str) -> None:
    """Both sides must be wrong before anything opens; then it is seen."""
    told = FRR["city"].replace(
        "ip prefix-list TO-south seq 10 deny any",
        f"ip prefix-list TO-south seq 10 permit {network}",
    )
    assert routers({**FRR, "city": told}).agrees
    heard = FRR["south"].replace(
        "ip prefix-list FROM-city seq 10 deny any", "ip prefix-list FROM-city seq 10 permit any"
    )
    differences = routers({**FRR, "city": told, "south": heard}).differences
    expected = ["south hears of 10.16.0.0/12, which is not for it."]
    assert [d.detail for d in differences] == (expected if network == "10.16.0.0/12" else [])


def test_a_difference_names_zones_family_protocol_port_and_rule() -> None:
    line = next(e for e in ELEMENTS if "bastion" in e and " 22 " in e)
    verdict = firewall(CITY.replace(line, line.replace(" 22 ", " 22-23 "), 1))
    [found] = verdict.differences
    assert (found.from_, found.to) == ("zone/access", "zone/mgmt")
    assert (found.family, found.protocol, found.ports) == ("IPv4", "tcp", "23")
    assert "10.7.0.0 (zone/access)" in found.detail and "@flows4_24_" in found.rule


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_the_place_of_an_address_is_that_of_the_smallest_prefix_around_it(
    one: int, two: int
) -> None:
    from orchestrator.verify.intent import Intent

    intent = Intent(golden_site(CASE), today=TODAY)
    for number in (one, 10 * 2**24 + two % 2**24):
        zone = owner(ip_address(number))[0]
        assert intent.place(4, number) == (zone if zone != "nowhere" else "no zone")
