"""Normal forms: what devices print back equals what was declared, and what differs is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestrator.compile.targets import compile_network
from orchestrator.model.network import Platform
from orchestrator.providers.device.driver import Change, Running
from orchestrator.providers.device.frr_text import commands, normal_frr, reverse
from orchestrator.providers.device.lines import Difference, compare, nested, shown
from orchestrator.providers.device.nft_text import normal_table, table_block
from orchestrator.providers.device.platforms import driver_of
from orchestrator.providers.device.scrub import scrubbed
from orchestrator.providers.device.switch_text import commands as switch_commands
from orchestrator.providers.device.switch_text import normal_switch, ours
from orchestrator.spec.load import load_site

CITY = Path(__file__).parents[3] / "inventory" / "yangzhou"

DECLARED_RULES = """# a comment
table inet orchestrator_zones
delete table inet orchestrator_zones
table inet orchestrator_zones {
	set inside4 {
		type ipv4_addr
		flags interval
		elements = {
			10.0.0.0/8,
			192.168.0.0/16 comment "a, b { c"
		}
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		tcp dport { 22, 80 } accept
		counter drop
	}
}
"""
PRINTED_RULES = """table ip other {
	chain input {
		type filter hook input priority filter; policy accept;
	}
}
table inet orchestrator_zones {
	set inside4 {
		type ipv4_addr
		flags interval
		elements = { 192.168.0.0/16 comment "a, b { c",
				10.0.0.0/8 }
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { invalid : drop, established : accept, related : accept }
		tcp dport { 80, 22 } accept
		counter drop
	}
}
"""


def test_nft_prints_the_same_table_in_another_order() -> None:
    assert normal_table(DECLARED_RULES) == normal_table(PRINTED_RULES)


def test_the_order_of_rules_counts() -> None:
    swapped = PRINTED_RULES.replace("\t\tcounter drop\n", "").replace(
        "\t\tct state", "\t\tcounter drop\n\t\tct state"
    )
    assert normal_table(DECLARED_RULES) != normal_table(swapped)


def test_an_element_and_a_rule_are_named_with_their_place() -> None:
    changed = PRINTED_RULES.replace("10.0.0.0/8 }", "10.0.0.0/9 }").replace(
        "\t\tcounter drop", "\t\taccept\n\t\tcounter drop"
    )
    found = compare(normal_table(DECLARED_RULES), normal_table(changed))
    table = "table inet orchestrator_zones"
    assert [shown(path) for path in found.missing] == [f"{table} / set inside4 / 10.0.0.0/8"]
    assert [shown(path) for path in found.extra] == [
        f"{table} / set inside4 / 10.0.0.0/9",
        f"{table} / chain forward / accept",
    ]


def test_a_table_that_is_not_there_has_no_lines() -> None:
    assert normal_table("table ip other {\n}\n") == ()
    assert table_block("table ip other {\n}\n") == ""
    assert normal_table(table_block(PRINTED_RULES)) == normal_table(DECLARED_RULES)


DECLARED_ROUTES = """! made here
frr defaults traditional
hostname city
!
interface line-1
 ip address 10.0.0.1/30
exit
!
router bgp 65001
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 timers 3 9
 !
 address-family ipv4 unicast
  network 10.1.0.0/16
  neighbor 10.0.0.2 activate
 exit-address-family
exit
!
end
"""
PRINTED_ROUTES = """Building configuration...

Current configuration:
!
frr version 8.4.4
frr defaults traditional
hostname some-host
log syslog informational
no ipv6 forwarding
service integrated-vtysh-config
!
router bgp 65001
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 timers 3 9
 !
 address-family ipv4 unicast
  network 10.1.0.0/16
  neighbor 10.0.0.2 activate
 exit-address-family
exit
!
interface line-1
 ip address 10.0.0.1/30
exit
!
end
"""


def test_frr_prints_the_same_in_another_order() -> None:
    assert normal_frr(DECLARED_ROUTES) == normal_frr(PRINTED_ROUTES)


def test_frr_takes_what_leans_on_a_neighbor_away_before_it() -> None:
    extra = (
        ("router bgp 65001", "neighbor 10.0.0.2 remote-as 65002"),
        ("router bgp 65001", "neighbor 10.0.0.2 timers 3 9"),
        ("router bgp 65001", "address-family ipv4 unicast", "neighbor 10.0.0.2 activate"),
    )
    said = commands(Difference(missing=(), extra=extra), "").splitlines()
    assert said == [
        "router bgp 65001",
        "address-family ipv4 unicast",
        "no neighbor 10.0.0.2 activate",
        "exit",
        "no neighbor 10.0.0.2 timers 3 9",
        "no neighbor 10.0.0.2 remote-as 65002",
        "exit",
        "end",
    ]


def test_a_part_that_goes_takes_its_lines_along_and_a_negative_line_is_turned() -> None:
    extra = (
        ("router bgp 1",),
        ("router bgp 1", "neighbor 10.0.0.2 remote-as 2"),
        ("no ip forwarding",),
    )
    said = commands(Difference(missing=(), extra=extra), "").splitlines()
    assert said == ["no router bgp 1", "ip forwarding", "end"]


def change(before: str, after: str, *, adopts: bool = False) -> Change:
    running = Running(text=before, lines=normal_frr(before), startup=normal_frr(before))
    return Change(
        id="x", before=running, text=after, wanted=normal_frr(after), adopts=adopts,
        seconds=60, began=0.0,
    )  # fmt: skip


def test_the_way_back_says_the_opposite() -> None:
    back = reverse(change("ip route 10.1.0.0/16 blackhole\n", "ip route 10.2.0.0/16 blackhole\n"))
    assert back.splitlines() == [
        "no ip route 10.2.0.0/16 blackhole",
        "ip route 10.1.0.0/16 blackhole",
        "end",
    ]


def test_first_contact_takes_away_only_within_what_is_declared() -> None:
    before = (
        "router ospf\n network 10.0.0.0/8 area 0\n"
        "router bgp 65001\n neighbor 10.9.9.9 remote-as 9\n"
    )
    after = "router bgp 65001\n neighbor 10.0.0.2 remote-as 65002\n"
    assert [path[-1] for path in change(before, after, adopts=True).difference.extra] == [
        "neighbor 10.9.9.9 remote-as 9"
    ]
    assert ("router ospf",) in change(before, after).difference.extra


FILTERS = ("traffic-filter ",)
PRINTED_SWITCH = """!Software Version V200R022C00
#
sysname leaf-1
#
vlan batch 101 to 103 4000
#
aaa
 local-user admin password irreversible-cipher $1c$xyz$
#
vlan 101
 name oob
#
acl name ZONES4 advance
 rule 5 permit tcp source 10.0.0.0 0.0.0.255 destination-port eq www
 rule 10 permit udp source-port range dns 1023
#
interface Vlanif101
 ip address 10.0.0.1 255.255.255.0
 traffic-filter acl name ZONES4 inbound
#
return
"""
DECLARED_SWITCH = """# made here
#
sysname leaf-1
#
vlan 101
 name oob
#
acl name ZONES4 advance
 rule 5 permit tcp source 10.0.0.0 0.0.0.255 destination-port eq 80
 rule 10 permit udp source-port range 53 1023
#
interface Vlanif101
 traffic-filter acl name ZONES4 inbound
#
return
"""


def test_of_a_switch_only_the_declared_parts_are_ours() -> None:
    printed = normal_switch(PRINTED_SWITCH, filters=FILTERS)
    declared = normal_switch(DECLARED_SWITCH, filters=FILTERS)
    running = ours(Running(text="", lines=printed, startup=printed), declared)
    assert set(running.lines) == set(declared)
    assert not any("admin" in part for path in printed for part in path)


def test_a_switch_may_print_its_parts_in_any_order_and_rules_are_counted() -> None:
    blocks = DECLARED_SWITCH.split("#\n")
    turned = "#\n".join([blocks[0], *reversed(blocks[1:-1]), blocks[-1]])
    assert normal_switch(turned, filters=FILTERS) == normal_switch(DECLARED_SWITCH, filters=FILTERS)
    numbers = [path[1] for path in normal_switch(DECLARED_SWITCH, filters=FILTERS) if len(path) > 1]
    rules = [line.split()[1] for line in numbers if line.startswith("rule")]
    assert rules == ["5", "10"]


def test_another_name_of_a_switch_is_an_extra_line_and_is_not_undone() -> None:
    declared = normal_switch(DECLARED_SWITCH, filters=FILTERS)
    other = PRINTED_SWITCH.replace("sysname leaf-1", "sysname leaf-9")
    lines = normal_switch(other, filters=FILTERS)
    running = ours(Running(text="", lines=lines, startup=lines), declared)
    found = compare(declared, running.lines)
    assert found.extra == (("sysname leaf-9",),)
    assert switch_commands(found) == ("sysname leaf-1",)


def test_a_filter_goes_before_its_list_and_comes_after_it() -> None:
    gone = normal_switch(DECLARED_SWITCH, filters=FILTERS)
    said = switch_commands(Difference(missing=(), extra=gone))
    assert said.index("undo traffic-filter acl name ZONES4 inbound") < said.index(
        "undo acl name ZONES4 advance"
    )
    assert "undo rule 5" not in said, "it goes with its list"
    come = switch_commands(Difference(missing=gone, extra=()))
    assert come.index("acl name ZONES4 advance") < come.index("interface Vlanif101")


def test_nesting_enters_and_leaves_parts() -> None:
    paths = (("a", "b", "c"), ("a", "d"), ("e",))
    assert list(nested(paths, leave="quit")) == ["a", "b", "c", "quit", "d", "quit", "e"]


COMPILED = sorted((Path(__file__).parents[2] / "compile" / "golden").rglob("expected/*/*.*"))


@pytest.mark.parametrize("file", COMPILED, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_every_compiled_text_has_a_normal_form(file: Path) -> None:
    if file.parent.name not in set(Platform):
        pytest.skip("no device's text")
    lines = driver_of(Platform(file.parent.name)).normal(file.read_text())
    assert lines
    assert len(set(lines)) == len(lines)


def test_what_vtysh_undoes_by_its_first_words_is_undone_so() -> None:
    extra = (
        ("interface line-1",),
        ("interface line-1", "description telecom, 1000 Mbit/s"),
        ("interface line-1", "ip address 10.0.0.1/30"),
        ("password 8 abc",),
    )
    said = commands(Difference(missing=(), extra=extra), "").splitlines()
    assert said == [
        "interface line-1",
        "no description",
        "no ip address 10.0.0.1/30",
        "exit",
        "no password",
        "end",
    ]


def test_a_secret_that_somebody_typed_on_a_device_is_not_shown() -> None:
    line = ("router bgp 65001", "neighbor 10.0.0.2 password s3cret")
    assert shown(line) == "router bgp 65001 / neighbor 10.0.0.2 password ***"


def test_nothing_that_is_compiled_for_the_reference_city_is_hidden() -> None:
    """A hidden word would be a difference that no plan shows."""
    site = load_site(CITY).site
    assert site is not None
    for compiled in compile_network(site, today=date(2026, 11, 22)):
        assert scrubbed(compiled.text) == compiled.text
